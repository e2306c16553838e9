"""Scores of a model before and after its training, and the trace built from them."""
