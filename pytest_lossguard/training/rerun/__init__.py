"""Reruns a training with one or several changes."""
