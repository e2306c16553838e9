"""The labels of a sample, whatever their encoding."""

from __future__ import annotations

import numpy as np

from ..core.errors import UsageError
from .family import Array
from .leaves import Leaf
from .sample import Sample

__all__ = ["as_vector", "labels_of", "ordered"]

_MOST_CLASSES = 1000
#: So many classes may be met even once each, as in the few rows of `FewRows`.
_FEW_CLASSES = 100


def labels_of(sample: Sample) -> tuple[Array, int]:
    """The class of each row, counted from 0, and how many there are."""
    values = as_vector(sample.targets[0])
    labels, classes = ordered(values)
    measured = values.dtype.kind == "f" and bool(
        np.any(values[np.isfinite(values)] % 1 > 0)
    )
    few = 2 if measured else _FEW_CLASSES
    if classes > min(_MOST_CLASSES, max(few, len(values) // 2)):
        raise UsageError(
            f"this corruption acts on class labels, and the targets have {classes}"
            f" different values in {len(values)} rows: leave it off for a regression"
        )
    return labels, classes


def as_vector(leaf: Leaf) -> Array:
    """One value per row: the label, or the place of the largest of several."""
    values = np.asarray(leaf.value)
    table = values.reshape(len(values), -1)
    return table[:, 0] if table.shape[1] == 1 else np.argmax(table, axis=1)


def ordered(values: Array) -> tuple[Array, int]:
    """The place of each value among the different ones, and how many these are."""
    try:
        found, places = np.unique(values, return_inverse=True)
    except TypeError:
        raise UsageError(
            "this corruption needs targets that can be sorted, and they mix types or"
            " miss values: give labels of one type"
        ) from None
    return places.reshape(-1), len(found)
