"""Record each update of a training as a row of numbers."""
