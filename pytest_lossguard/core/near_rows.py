"""Held-out rows that are all but copies of rows that are trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .explanation import Limit
from .rows import Arrays, are_comparable, evenly_spaced
from .trace import NearRows, Repeats

__all__ = ["NEARER", "near_copies"]

NEARER = Limit(
    10,
    "A row is nearly equal to others if they are {limit} times as near as the next row"
    " after them.",
    set_by="Of the data of 174 healthy programs, split as there and at random, at most"
    " 5% of the rows are; of rows copied with noise of 1% of a standard deviation all"
    " that have their copy there.",
)

_Table = NDArray[np.float32]

#: Rows whose like is looked for, rows among which it is, and numbers of a row: 10,000
#: rows of 30 numbers take 15 ms.
_MOST_ASKED, _MOST_AMONG, _NUMBERS = 128, 4096, 256
#: So many rows are copies of one at most: many are a cluster.
_MOST_COPIES = 8
#: The next row after the copies is at least so far, as a share of the usual distance of
#: two rows: in few columns, and along a smooth series, all rows have near ones.
_FAR = 0.2
#: Larger numbers have no square that a float32 holds.
_LARGEST = 1e15
#: Fewer rows, or numbers of a row, tell no usual distance.
_FEWEST_ROWS, _FEWEST_NUMBERS = 20, 4


def near_copies(held_out: Arrays, trained: Arrays) -> NearRows | None:
    """The held-out rows that are nearly equal to a few trained rows, and far from all
    others, and how many trained rows are to others of them; equal ones are not counted.

    Args:
        held_out: The arrays of the held-out inputs, each of shape ``(rows, ...)``.
        trained: Those of the inputs that are trained on, likewise.

    Returns:
        None where rows cannot be compared, or there are too few.
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


def _numbers(arrays: Arrays, rows: NDArray[np.int64]) -> _Table | None:
    """Some numbers of each of these rows; None of what is no number."""
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
    """Which rows are nearly equal to a few others.

    Args:
        asked: Standardized, of shape ``(rows, numbers)``.
        among: The others.
        own: The place of each among them, where it has one.
    """
    square = (asked**2).sum(axis=1)[:, None] + (among**2).sum(axis=1)
    square -= 2.0 * (asked @ among.T)
    usual = float(np.sqrt(max(0.0, float(np.median(square)))))
    if own is not None:
        square[np.arange(len(asked)), own] = np.inf
    few = np.argpartition(square, _MOST_COPIES, axis=1)[:, : _MOST_COPIES + 1]
    # From their difference: what is subtracted above has lost the small ones.
    apart = np.sqrt(((asked[:, None] - among[few]) ** 2).sum(axis=2))
    if own is not None:
        apart[few == own[:, None]] = np.inf
    apart.sort(axis=1)
    before, after = apart[:, :-1], apart[:, 1:]
    is_gap = (after >= NEARER * before) & (after >= _FAR * usual) & np.isfinite(after)
    found: NDArray[np.bool_] = is_gap.any(axis=1) & (apart[:, 0] > 0)
    return found
