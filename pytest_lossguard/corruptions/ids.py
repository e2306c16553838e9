"""Which columns of integers are ids, of tokens or categories: they have no scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ids"]

#: The first id, where -1 stands for none and 0 for padding or what is unknown.
_FIRST_ID = (-1, 2)
#: Codes of categories fill this share of their range; ages and years start elsewhere.
_FILLED = 0.5
#: Columns of tokens share a vocabulary: half of them reach this share of its end.
_SHARED, _FEWEST_TOKENS = 0.1, 2
#: Rows with which a column says what it is.
_ENOUGH_ROWS = 8


def ids(block: NDArray[Any]) -> NDArray[np.bool_]:
    """Which columns, the last axis, are ids as far as their values tell.

    Floats and `uint8`, the type of gray levels, never are, nor is what has more than
    two axes, as images, nor what is negative. Of the others those are whose values
    count from 0 or 1 without large gaps, and all where they seem to share a
    vocabulary.

    Args:
        block: Of shape ``(rows, ..., columns)``.
    """
    none = np.zeros(block.shape[-1], bool)
    is_whole = block.dtype.kind in "iu" and block.dtype != np.uint8
    if not is_whole or block.ndim != 2 or len(block) < _ENOUGH_ROWS:
        return none
    low, high = block.min(axis=0), block.max(axis=0)
    from_start = (low >= _FIRST_ID[0]) & (low <= _FIRST_ID[1])
    if len(none) >= _FEWEST_TOKENS and _share_a_vocabulary(low, high):
        return ~none
    distinct = np.array([len(np.unique(it)) for it in block.T])
    is_filled = distinct >= _FILLED * (high.astype(float) - low + 1)
    return np.asarray(from_start & is_filled & (distinct > 1), np.bool_)


def _share_a_vocabulary(low: NDArray[Any], high: NDArray[Any]) -> bool:
    """Tokens: no column starts far from 0, and most reach about as far."""
    largest = float(high.max())
    starts = _FIRST_ID[0] <= low.min() <= _FIRST_ID[1]
    is_near = bool(np.all(low <= _SHARED * largest + _FIRST_ID[1]))
    reaches = bool(np.median(high) >= _SHARED * largest)
    return starts and is_near and reaches and largest > _FIRST_ID[1]
