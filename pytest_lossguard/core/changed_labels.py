"""Rows that are repeated with a different class, as when inputs and labels are shuffled
separately in each epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .data_facts import ChangedLabels
from .rows import class_of_rows

#: Minimum number of repeated rows, and of values per row: rows of fewer values, such as
#: the id of a word, are often alike.
_FEWEST_ROWS, _FEWEST_NUMBERS = 40, 8
#: Maximum number of bytes to compare, per row and in total.
_MOST_OF_ROW, _MOST_BYTES = 1 << 14, 1 << 23


def changed_labels(
    batches: Sequence[tuple[Sequence[Any], Sequence[Any]]],
) -> ChangedLabels | None:
    """Count how many repeated rows had a different class than the first time.

    Args:
        batches: Arrays of inputs and of labels of each batch, in training order.

    Returns:
        The counts; None if the labels do not give one class per row, or if too few rows
        are repeated.
    """
    if len(batches) < 2 or any(not x or len(y) != 1 for x, y in batches):
        return None
    try:
        labels = class_of_rows([np.concatenate([y[0] for _, y in batches])])
    except ValueError:
        return None
    if labels is None:
        return None
    keys = [key for x, _ in batches for key in _rows(x)]
    if len(keys) != len(labels) or None in keys:
        return None
    first: dict[Any, int] = {}
    again, other = 0, 0
    for key, label in zip(keys, labels.tolist(), strict=True):
        known = first.setdefault(key, label)
        again += 1
        other += known != label
    again -= len(first)
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    chance = float(1 - (shares**2).sum())
    if again < _FEWEST_ROWS or not chance:
        return None
    return ChangedLabels(rows=again, changed=other / again, chance=chance)


def _rows(arrays: Sequence[Any]) -> list[Any]:
    """Return a hashable key of each row; ``[None]`` if rows are unsuitable or too
    large.
    """
    rows = len(arrays[0])
    if any(len(it) != rows or it.dtype.kind not in "fiub" for it in arrays):
        return [None]
    numbers = sum(it[:1].size for it in arrays)
    size = sum(it[:1].nbytes for it in arrays)
    if numbers < _FEWEST_NUMBERS or size > _MOST_OF_ROW or size * rows > _MOST_BYTES:
        return [None]
    flat = [np.ascontiguousarray(it).reshape(rows, -1) for it in arrays]
    return [b"".join(it[row].tobytes() for it in flat) for row in range(rows)]
