"""Held-out rows that are near copies of training rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .explanation import Limit
from .rows import Arrays, are_comparable, evenly_spaced
from .trace import NearRows, Repeats

NEARER = Limit(
    10,
    "A row is nearly equal to others if they are {limit} times as near as the next row"
    " after them.",
    set_by="Of the data of 174 healthy programs, split as there and at random, at most"
    " 5% of the rows are; of rows copied with noise of 1% of a standard deviation all"
    " that have their copy there.",
)

_Table = NDArray[np.float32]

#: Maximum number of rows to look up, of rows to search, and of values per row: 10,000
#: rows of 30 values take 15 ms.
_MOST_ASKED, _MOST_AMONG, _NUMBERS = 128, 4096, 256
#: Maximum number of copies of one row: more are a cluster.
_MOST_COPIES = 8
#: Minimum distance of the next row after the copies, as a share of the usual distance
#: between two rows: with few columns, and along a smooth series, all rows have near
#: neighbors.
_FAR = 0.2
#: Values are clipped to this size, since a float32 cannot hold the square of larger
#: ones.
_LARGEST = 1e15
#: Minimum number of rows, and of values per row, for a meaningful usual distance.
_FEWEST_ROWS, _FEWEST_NUMBERS = 20, 4


def near_copies(held_out: Arrays, trained: Arrays) -> NearRows | None:
    """Find held-out rows that are nearly equal to a few training rows and far from all
    others.

    Training rows that are near copies of other training rows are counted too, for
    comparison. Equal rows do not count.

    Args:
        held_out: Arrays of the held-out inputs, each of shape ``(rows, ...)``.
        trained: Arrays of the training inputs, each of shape ``(rows, ...)``.

    Returns:
        The rows; None if the rows cannot be compared or there are too few.
    """
    if not are_comparable(held_out, trained):
        return None
    places = evenly_spaced(len(held_out[0]), _MOST_ASKED)
    asked = _numbers(held_out, places)
    among = _numbers(trained, evenly_spaced(len(trained[0]), _MOST_AMONG))
    if asked is None or among is None or len(among) < _FEWEST_ROWS:
        return None
    center, spread = among.mean(axis=0), among.std(axis=0)
    varies = spread > 1e-6 * np.abs(center)
    if np.count_nonzero(varies) < _FEWEST_NUMBERS:
        return None
    asked, among = (
        (it[:, varies] - center[varies]) / spread[varies] for it in (asked, among)
    )
    found, own = _are_near(asked, among), evenly_spaced(len(among), _MOST_ASKED)
    again = _are_near(among[own], among, own).sum() if found.any() else 0
    repeats = Repeats(
        found=int(found.sum()),
        of=len(asked),
        again=int(again),
        again_of=len(own),
        among=len(among) / len(trained[0]),
    )
    return NearRows(
        repeats=repeats,
        near=tuple(places[found].tolist()),
        others=tuple(places[~found].tolist()),
    )


def nearer_to_one_another(
    held_out: Arrays, trained: Arrays
) -> tuple[float, int] | None:
    """Return the share of the held-out rows that lie nearer to another held-out row
    than to as many training rows, and the number of rows compared.

    The share is about 0.5 for rows split at random. It is higher for held-out rows of
    other subjects or recordings, or with another preparation.

    Args:
        held_out: Arrays of the held-out inputs, each of shape ``(rows, ...)``.
        trained: Arrays of the training inputs, each of shape ``(rows, ...)``.

    Returns:
        None if the rows cannot be compared or there are too few.
    """
    if not are_comparable(held_out, trained):
        return None
    most = min(len(held_out[0]), len(trained[0]), _MOST_ASKED)
    one, other = (
        _numbers(it, evenly_spaced(len(it[0]), most)) for it in (held_out, trained)
    )
    if one is None or other is None or most < _FEWEST_ROWS:
        return None
    both = np.concatenate([one, other])
    spread = both.std(axis=0)
    varies = spread > 1e-6 * np.abs(both.mean(axis=0))
    if not varies.any():
        return None
    center = both.mean(axis=0)[varies]
    one, other = ((it[:, varies] - center) / spread[varies] for it in (one, other))
    other = other[:-1]  # each held-out row has one fewer other held-out row
    within, across = _squares(one, one), _squares(one, other)
    within[np.arange(most), np.arange(most)] = np.inf
    apart = across.min(axis=1) - within.min(axis=1)
    return float(np.mean((np.sign(apart) + 1) / 2)), most


def _squares(one: _Table, other: _Table) -> _Table:
    """Return the squared distance of each row of ``one`` to each of ``other``."""
    square: _Table = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)
    square -= 2.0 * (one @ other.T)
    return square


def _numbers(arrays: Arrays, rows: NDArray[np.int64]) -> _Table | None:
    """Return some values of each of the given rows; None if they are not numeric."""
    if any(it.dtype.kind not in "fiub" for it in arrays):
        return None
    parts = []
    for array in arrays:
        flat = array.reshape(len(array), -1)
        flat = flat[:, evenly_spaced(flat.shape[1], _NUMBERS)][rows]
        with np.errstate(over="ignore"):
            numbers = np.nan_to_num(flat.astype(np.float32))
        parts.append(numbers.clip(-_LARGEST, _LARGEST))
    return np.hstack(parts)


def _are_near(
    asked: _Table, among: _Table, own: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Return a mask of the rows that are nearly equal to a few others.

    Args:
        asked: Standardized rows to look up, of shape ``(rows, values)``.
        among: Standardized rows to search, of shape ``(rows, values)``.
        own: Index in ``among`` of each row of ``asked``; None if the rows are not in
            it.
    """
    square = _squares(asked, among)
    usual = float(np.sqrt(max(0.0, float(np.median(square)))))
    if own is not None:
        square[np.arange(len(asked)), own] = np.inf
    few = np.argpartition(square, _MOST_COPIES, axis=1)[:, : _MOST_COPIES + 1]
    # Computed from the differences: the subtraction above loses small distances.
    apart = np.sqrt(((asked[:, None] - among[few]) ** 2).sum(axis=2))
    if own is not None:
        apart[few == own[:, None]] = np.inf
    apart.sort(axis=1)
    before, after = apart[:, :-1], apart[:, 1:]
    is_gap = (after >= NEARER * before) & (after >= _FAR * usual) & np.isfinite(after)
    found: NDArray[np.bool_] = is_gap.any(axis=1) & (apart[:, 0] > 0)
    return found
