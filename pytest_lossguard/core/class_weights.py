"""The weight of the rows of each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .data_facts import ClassWeights
from .rows import Arrays, class_of_rows

#: Largest relative difference of weights of the same class, from rounding.
_ROUNDING = 1e-4


def class_weights(
    targets: Arrays, weights: Arrays, given: Mapping[Any, Any] | None = None
) -> ClassWeights | None:
    """Return the weight of each class.

    Args:
        targets: Arrays of the targets, rows first.
        weights: Arrays of the sample weights.
        given: The ``class_weight`` that the sample weights were made from; None if they
            were not.

    Returns:
        The weights; None if rows are not weighted, if the targets do not give one of
        several classes per row, or if rows of a class differ in weight.
    """
    if len(weights) != 1 or len(targets) != 1 or weights[0].size != len(targets[0]):
        return None
    labels, of_row = class_of_rows(targets), np.ravel(weights[0])
    if labels is None or not (of_row > 0).all() or not np.isfinite(of_row).all():
        return None
    order = np.argsort(labels, kind="stable")
    classes, first, rows = np.unique(
        labels[order], return_index=True, return_counts=True
    )
    low = np.minimum.reduceat(of_row[order], first)
    high = np.maximum.reduceat(of_row[order], first)
    if len(classes) < 2 or (high - low > _ROUNDING * high).any():
        return None
    known = set(classes.tolist())
    return ClassWeights(
        classes=tuple(map(int, classes)),
        rows=tuple(map(int, rows)),
        weights=tuple(map(float, high)),
        given=tuple(map(float, high if given is None else given.values())),
        nameless=tuple(repr(it) for it in given or () if it not in known),
    )
