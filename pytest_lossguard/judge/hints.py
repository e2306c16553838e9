"""Hints that several findings share."""

from __future__ import annotations

SCALE_INPUTS = (
    "Scale the inputs: StandardScaler in the preprocessing, or a Normalization layer"
    " adapted to the training data."
)
SCALE_TARGETS = (
    "Scale the targets to mean 0 and standard deviation 1 and undo it after predict."
)
LOWER_THE_RATE = (
    "Lower the learning rate (try a tenth), clip gradients, or scale the data."
)
