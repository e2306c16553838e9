"""Detection of integer columns that are ids of tokens or categories.

Ids have no scale: multiplying or shifting them makes no sense.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: The range of the lowest id, since -1 may stand for none and 0 for padding or unknown
#: tokens.
_FIRST_ID = (-1, 2)
#: Codes of categories fill at least this share of their range; ages and years do not
#: start near 0.
_FILLED = 0.5
#: Columns of tokens share a vocabulary: at least half of them reach this share of its
#: largest id, and there are at least so many columns.
_SHARED, _FEWEST_TOKENS = 0.1, 2
#: The fewest rows from which ids can be recognized.
_ENOUGH_ROWS = 8


def ids(block: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which columns hold ids, judged by their values.

    Floats and `uint8`, the type of gray levels, are never ids, nor are arrays with
    more than two axes, such as images, or columns with values below -1. Other columns
    are ids if their values count from about 0 without large gaps; all columns are if
    they seem to share a vocabulary.

    Args:
        block: The values, of shape ``(rows, ..., columns)``.

    Returns:
        Flags of shape ``(columns,)``.
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
    """Whether columns look like tokens of one vocabulary: no column starts far from 0,
    and most have similar largest values.
    """
    largest = float(high.max())
    starts = _FIRST_ID[0] <= low.min() <= _FIRST_ID[1]
    is_near = bool(np.all(low <= _SHARED * largest + _FIRST_ID[1]))
    reaches = bool(np.median(high) >= _SHARED * largest)
    return starts and is_near and reaches and largest > _FIRST_ID[1]
