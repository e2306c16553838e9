"""Targets of several outputs of which each row has only one; the others are 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: Minimum number of rows that show a pattern, and of distinct values: fewer values may
#: be classes.
_FEWEST_ROWS, _FEWEST_VALUES = 16, 3


def share_of_lone_targets(targets: Sequence[Any]) -> float:
    """Return the share of rows in which exactly one of several targets is not 0.

    The result is 0 if it is the same target in all rows, if the targets are classes, or
    if there is one output.

    Args:
        targets: Arrays of targets, rows first.
    """
    if len(targets) != 1:
        return 0.0
    y = np.asarray(targets[0])
    if y.ndim != 2 or y.shape[1] < 2 or len(y) < _FEWEST_ROWS or y.dtype.kind != "f":
        return 0.0
    known = y != 0
    values = y[known]
    if known.any(axis=0).sum() < 2 or len(np.unique(values)) < _FEWEST_VALUES:
        return 0.0
    return float(np.mean(known.sum(axis=1) == 1))
