"""Experiments that run a training again; the code that trains is an argument."""
