"""Trains a model in one loop inside a TensorFlow graph."""
