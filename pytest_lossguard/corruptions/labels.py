"""The class labels of a sample, in any encoding."""

from __future__ import annotations

import numpy as np

from ..core.errors import UsageError
from .family import Array
from .leaves import Leaf
from .sample import Sample

_MOST_CLASSES = 1000
#: Up to so many classes may occur only once each, as in the few rows of `FewRows`.
_FEW_CLASSES = 100


def labels_of(sample: Sample) -> tuple[Array, int]:
    """Return the class of each row, numbered from 0, and the number of classes.

    Raises:
        UsageError: There are no targets, or they have too many values to be classes.
    """
    values = as_vector(sample.targets[0])
    labels, classes = ordered(values)
    measured = values.dtype.kind == "f" and bool(
        np.any(values[np.isfinite(values)] % 1 > 0)
    )
    few = 2 if measured else _FEW_CLASSES
    if classes > min(_MOST_CLASSES, max(few, len(values) // 2)):
        raise UsageError(
            f"this corruption acts on class labels, but the targets have {classes}"
            f" different values in {len(values)} rows: turn it off for regression"
        )
    return labels, classes


def as_vector(leaf: Leaf) -> Array:
    """Return one value per row: the label, or the argmax of several values."""
    values = np.asarray(leaf.value)
    table = values.reshape(len(values), -1)
    return table[:, 0] if table.shape[1] == 1 else np.argmax(table, axis=1)


def ordered(values: Array) -> tuple[Array, int]:
    """Return the index of each value among the sorted distinct values, and how many
    distinct values there are.

    Raises:
        UsageError: The values cannot be sorted.
    """
    try:
        found, places = np.unique(values, return_inverse=True)
    except TypeError:
        raise UsageError(
            "this corruption needs targets that can be sorted, but these mix types or"
            " have missing values: give labels of one type"
        ) from None
    return places.reshape(-1), len(found)
