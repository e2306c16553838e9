"""Comparison of rows: duplicates between data sets, and the order of classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .column_stats import is_one_hot, target_range
from .explanation import Limit
from .trace import ClassOrder, Nonfinite, Repeats

SORTED = Limit(
    0.4,
    "Neighboring rows are {limit:.0%} less mixed than by chance: 0 is shuffled, 1 is"
    " sorted.",
    set_by="Most sorted rows through a shuffle buffer of half a class have 0.42 to 0.57"
    " (2 to 20 classes, batches of 16 to 64), with few rows per class 0.35; those of a"
    " buffer of a whole class at most 0.34.",
)

Arrays = Sequence[NDArray[Any]]

#: Maximum number of rows to look up, and of rows to search.
_MOST_ASKED, _MOST_AMONG = 512, 1 << 20
#: Minimum and maximum number of values per row that make up its key (fewer for very
#: many rows), maximum number of values in total, and rows per chunk. Rows with equal
#: keys are then compared in full.
_FEWEST_NUMBERS, _MOST_NUMBERS, _ALL_NUMBERS = 16, 64, 1 << 22
_AT_A_TIME = 1 << 13
#: Maximum number of rows with the same key that are compared in full.
_ALIKE = 4
#: A class counts as copied if at least the first share of its rows repeat, at most the
#: second share of the others do, and its most frequent row repeats at most this many
#: times as often as usual; only classes with at least the last number of rows count.
_COPIED, _NOT_COPIED, _UNEVEN, _FEW_OF_CLASS = 0.5, 0.02, 4, 20
#: If all columns have at most ``_FEW_VALUES`` values, few different rows may be
#: possible; there must be room for ``_ROOM`` times as many rows as there are. Fewer
#: than ``_FEWEST_ROWS`` rows are not compared.
_FEW_VALUES, _ROOM, _FEWEST_ROWS = 50, 100, 8
#: Minimum number of labels that show an order, and minimum size of a window of them.
_ENOUGH_LABELS, _FEWEST_TOGETHER = 40, 16


def evenly_spaced(rows: int, most: int) -> NDArray[np.int64]:
    """Return the indices of at most ``most`` of ``rows`` rows, evenly spaced."""
    if rows <= most:
        return np.arange(rows)
    return np.linspace(0, rows - 1, most).astype(np.int64)


def input_name(index: int, inputs: Arrays) -> str:
    """Return the name of an input: ``"input 1"``, ``"the input"`` if it is alone."""
    return f"input {index}" if len(inputs) > 1 else "the input"


def repeats(held_out: Arrays, trained: Arrays, targets: Arrays = ()) -> Repeats | None:
    """Count how many held-out rows are also training rows, and how many training rows
    are repeated.

    A sample of each is looked up among all training rows.

    Args:
        held_out: Arrays of the held-out inputs, each of shape ``(rows, ...)``.
        trained: Arrays of the training inputs, each of shape ``(rows, ...)``.
        targets: Arrays of the training targets. Rows of one class that were copied to
            make it larger do not count as repeated.

    Returns:
        The counts; None if rows cannot be compared, or if so few different rows are
        possible that they repeat by chance.
    """
    if not are_comparable(held_out, trained):
        return None
    among = [it[:: -(-len(it) // _MOST_AMONG)] for it in trained]
    asked = [it[evenly_spaced(len(it), _MOST_ASKED)] for it in held_out]
    known = _Known(among)
    found = int(known.which(asked).sum())
    if found and _few_are_possible(among):
        return None
    places = evenly_spaced(len(among[0]), _MOST_ASKED)
    again, copied = np.zeros(len(places), bool), None
    if found:
        some = [it[places] for it in among]
        again = known.which(some, places)
        labels = class_of_rows(targets)
        if labels is not None and len(labels) == len(trained[0]):
            sampled = labels[:: -(-len(labels) // _MOST_AMONG)][places]
            copied = _copied_class(sampled, again, known.copies(some))
            again = again & (sampled != copied) if copied is not None else again
    return Repeats(
        found=found,
        of=len(asked[0]),
        again=int(again.sum()),
        again_of=len(places),
        copied=copied,
    )


def _copied_class(
    labels: NDArray[np.int64], again: NDArray[np.bool_], copies: NDArray[np.int64]
) -> int | None:
    """Return the class whose rows were copied; None if there is none.

    Most of its rows are repeated, each about as often, and hardly any rows of other
    classes are. Rows that repeat naturally do so with very uneven counts.

    Args:
        labels: The class of each row.
        again: Whether there is another row equal to each row.
        copies: Number of rows equal to each row, including itself.
    """
    classes = [it for it in np.unique(labels) if (labels == it).sum() >= _FEW_OF_CLASS]
    shares = [float(again[labels == it].mean()) for it in classes]
    copied = [it for it, share in zip(classes, shares, strict=True) if share >= _COPIED]
    if len(copied) != 1 or len(classes) < 2 or sorted(shares)[-2] > _NOT_COPIED:
        return None
    times = copies[(labels == copied[0]) & again]
    times = np.sort(times)
    different = np.cumsum(1 / times)  # equal rows count once
    usual = times[np.searchsorted(different, different[-1] / 2)]
    if different[-1] < _FEW_OF_CLASS / 2 or times[-1] > _UNEVEN * usual:
        return None
    return int(copied[0])


def are_comparable(held_out: Arrays, trained: Arrays) -> bool:
    """Whether held-out rows could be training rows: both have the same number of
    arrays, of the same kinds and shapes, and enough rows.
    """
    if not held_out or len(held_out) != len(trained):
        return False
    rows = {len(it) for it in held_out}, {len(it) for it in trained}
    if any(len(it) != 1 for it in rows) or min(*rows[0], *rows[1]) < _FEWEST_ROWS:
        return False
    return all(
        one.shape[1:] == other.shape[1:]
        and one.dtype.kind in "fiubOSU"
        and (one.dtype.kind in "OSU") == (other.dtype.kind in "OSU")
        for one, other in zip(held_out, trained, strict=True)
    )


class _Known:
    """An index of rows by their content."""

    def __init__(self, arrays: Arrays) -> None:
        self._arrays, rows = arrays, len(arrays[0])
        most = _ALL_NUMBERS // max(1, rows)
        self._numbers = int(np.clip(most, _FEWEST_NUMBERS, _MOST_NUMBERS))
        keys = self._keys(arrays)
        self._order = np.argsort(keys, kind="stable")
        self._sorted = keys[self._order]

    def copies(self, asked: Arrays) -> NDArray[np.int64]:
        """Return the number of indexed rows with the same key as each row."""
        first, last = self._places(asked)
        found: NDArray[np.int64] = np.maximum(1, last - first)
        return found

    def _places(self, asked: Arrays) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        keys = self._keys(asked)
        first = np.searchsorted(self._sorted, keys, "left")
        return first, np.searchsorted(self._sorted, keys, "right")

    def which(
        self, asked: Arrays, own: NDArray[np.int64] | None = None
    ) -> NDArray[np.bool_]:
        """Return a mask of the rows that are indexed; with ``own``, at another index
        than their own.
        """
        first, last = self._places(asked)
        found = np.zeros(len(first), bool)
        for row in np.flatnonzero(last > first).tolist():
            alike = self._order[first[row] : last[row]][: _ALIKE + 1]
            if own is not None:
                alike = alike[alike != own[row]]
            found[row] = any(self._is_same(asked, row, it) for it in alike)
        return found

    def _is_same(self, asked: Arrays, row: int, place: int) -> bool:
        return all(
            bool(np.all((one[row] == other[place]) | _both_nan(one[row], other[place])))
            for one, other in zip(asked, self._arrays, strict=True)
        )

    def _keys(self, arrays: Arrays) -> NDArray[np.uint64]:
        """Return one number per row, which is equal for equal rows."""
        rows = len(arrays[0])
        keys = np.zeros(rows, np.uint64)
        for start in range(0, rows, _AT_A_TIME):
            part = slice(start, start + _AT_A_TIME)
            for array in arrays:
                flat = array[part].reshape(len(array[part]), -1)
                flat = flat[:, :: max(1, -(-flat.shape[1] // self._numbers))]
                draws = np.random.default_rng(flat.shape[1])
                odd = draws.integers(1, 1 << 63, flat.shape[1], np.uint64) * 2 + 1
                bits = _bits(flat)
                keys[part] = keys[part] * np.uint64(31) + (bits * odd).sum(axis=1)
        return keys


def _both_nan(one: Any, other: Any) -> Any:
    if np.asarray(one).dtype.kind != "f" or np.asarray(other).dtype.kind != "f":
        return False
    return np.isnan(one) & np.isnan(other)


def _bits(table: NDArray[Any]) -> NDArray[np.uint64]:
    if table.dtype.kind in "OSU":
        hashes = [hash(str(it)) for it in table.ravel().tolist()]
        bits = np.array(hashes, np.int64).reshape(table.shape).view(np.uint64)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            values = table.astype(np.float64) + 0.0  # turns -0 into 0
        bits = np.ascontiguousarray(values).view(np.uint64)
    return bits ^ (bits >> np.uint64(32))


def _few_are_possible(arrays: Arrays) -> bool:
    """Whether the values of the columns allow hardly more rows than there are."""
    rows = len(arrays[0])
    room = 1.0
    for array in arrays:
        flat = array.reshape(rows, -1)
        flat = flat[:, evenly_spaced(flat.shape[1], _MOST_NUMBERS)]
        some = flat[evenly_spaced(rows, _MOST_ASKED)]
        for column in some.T:
            different = len({*map(str, column.tolist())})
            if different > _FEW_VALUES:
                return False
            room *= different
    return room <= _ROOM * rows


def nonfinite_values(arrays: Arrays, part: str) -> tuple[Nonfinite, ...]:
    """Find NaN or infinity in arrays of held-out rows; for each array the worst column.

    Args:
        arrays: Each of shape ``(rows, ...)``.
        part: Name of the arrays, such as ``"inputs"``.
    """
    found = []
    for index, array in enumerate(arrays):
        if array.dtype.kind != "f" or not array.size or np.isfinite(array).all():
            continue
        columns = array.shape[-1] if array.ndim > 1 else 1
        bad = ~np.isfinite(array.reshape(len(array), -1, columns)).all(axis=1)
        counts = bad.sum(axis=0)
        found.append(
            Nonfinite(
                part=part if len(arrays) == 1 else f"{part} {index}",
                column=int(np.argmax(counts)),
                columns=columns,
                affected=int(np.count_nonzero(counts)),
                rows=int(counts.max()),
                of=len(array),
            )
        )
    return tuple(found)


def class_of_rows(targets: Arrays) -> NDArray[np.int64] | None:
    """Return the class of each row, from class indices, 0 and 1, or one-hot columns.

    Returns:
        The class of each row; None if the targets do not give one class per row.
    """
    if len(targets) != 1:
        return None
    array = targets[0]
    known = target_range(array)
    if known is None or not np.isfinite(array).all():
        return None
    columns = array.shape[-1] if array.ndim > 1 else 1
    if array.size != len(array) * columns:
        return None
    table = array.reshape(len(array), columns)
    if columns > 1:
        return table.argmax(axis=1) if is_one_hot(table) else None
    if known.classes:
        return table[:, 0].astype(np.int64)
    only = np.unique(table[:, 0])
    return table[:, 0].astype(np.int64) if len(only) == 1 else None


def share_of_unknown(held_out: Arrays, trained: Arrays) -> float:
    """Return the share of held-out rows of a class without training rows; 0 without
    classes.
    """
    one, other = class_of_rows(held_out), class_of_rows(trained)
    if one is None or other is None:
        return 0.0
    return float(np.mean(~np.isin(one, np.unique(other))))


def class_order(
    labels: NDArray[np.int64], rows_per_step: int, passes: Sequence[int] = ()
) -> ClassOrder | None:
    """Measure how far rows are ordered by class.

    Args:
        labels: The class of each row, in training order.
        rows_per_step: The batch size.
        passes: Indices at which the labels before and after are not neighbors, as
            between epochs.

    Returns:
        The order; None if there is a single class or too few rows.
    """
    classes, labels = np.unique(labels, return_inverse=True)
    rows = len(labels)
    if len(classes) < 2 or rows < _ENOUGH_LABELS:
        return None
    together = max(
        rows_per_step,
        _FEWEST_TOGETHER,
        min(2 * rows_per_step, rows // (2 * len(classes))),
    )
    parts = np.split(labels, list(passes))
    windows = [it for it in _cut(parts, together) if len(it) > 1]
    seen = sum(map(len, windows))
    if len(windows) < 2 or seen < rows / 2:
        return None
    mixed = sum(len(it) * _mixed(it) for it in windows) / seen
    steps = list(_cut(parts, rows_per_step))
    steps = [steps[it] for it in evenly_spaced(len(steps), _MOST_ASKED)]
    return ClassOrder(
        order=max(0.0, 1.0 - mixed / _mixed(labels)),
        classes=len(classes),
        together=float(np.mean([len({*it.tolist()}) for it in steps])),
        rows=rows,
    )


def _cut(parts: Arrays, size: int) -> Iterator[NDArray[Any]]:
    for part in parts:
        for start in range(0, len(part), size):
            yield part[start : start + size]


def _mixed(labels: NDArray[Any]) -> float:
    """Return how often two of the labels differ."""
    rows = len(labels)
    shares = np.bincount(labels) / rows
    return float(1.0 - (shares**2).sum()) * rows / (rows - 1)
