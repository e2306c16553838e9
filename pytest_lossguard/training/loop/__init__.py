"""A training as one loop in the graph."""
