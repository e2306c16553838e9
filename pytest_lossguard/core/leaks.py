"""Detection of targets that are among the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .column_stats import is_one_hot
from .data_facts import AmongInputs
from .rows import evenly_spaced

Arrays = Sequence[NDArray[Any]]

#: Maximum number of rows to compare, and the minimum that proves anything.
_MOST_ROWS, _FEWEST_ROWS = 512, 32
#: From this number of columns on, a target is an image or a sequence.
_MOST_COLUMNS = 16
#: Minimum number of rows that differ from the most common target value: fewer may agree
#: by chance.
_FEWEST_UNUSUAL = 10
#: From this rank correlation on, a column is a copy of the target.
_COPY = 0.999
#: Maximum number of columns that are searched for a predictor of the target.
_MOST_OTHERS = 1024
#: Probability that unrelated columns seem to be related.
_BY_CHANCE = 0.01


def target_among_inputs(inputs: Arrays, targets: Arrays) -> AmongInputs | None:
    """Find a target whose columns all equal columns of one input array in every row.

    A target more than half as large as the inputs is not reported, as that of an
    autoencoder, a sequence shifted by one, or labels that are a separate input.

    Args:
        inputs: Arrays of shape ``(rows, ...)``.
        targets: Arrays with the same number of rows.
    """
    rows = {len(it) for it in (*inputs, *targets)}
    if len(rows) != 1 or min(rows) < _FEWEST_ROWS:
        return None
    chosen = evenly_spaced(min(rows), _MOST_ROWS)
    for index, target in enumerate(targets):
        table = _table(target, chosen)
        if table is None or not 0 < table.shape[1] <= _MOST_COLUMNS:
            continue
        for number, array in enumerate(inputs):
            places = _places_of(table, array, chosen)
            if places:
                several = f"input {number}, " if len(inputs) > 1 else "input "
                return AmongInputs(
                    target=f"target {index}" if len(targets) > 1 else "the target",
                    where=several + _named(places[0], array.shape[1:]),
                    rows=len(table),
                    values=len(np.unique(table, axis=0)),
                    is_all=not _has_other_source(table, inputs, chosen),
                )
    return None


def _table(array: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any] | None:
    """Return rows of a target without columns that hardly vary; None if unsuitable."""
    if array.dtype.kind not in "fiub":
        return None
    table = _flat(array, chosen)
    if table.shape[1] > _MOST_COLUMNS or not np.isfinite(table).all():
        return None
    return table[:, [_count_unusual(column) >= _FEWEST_UNUSUAL for column in table.T]]


def _flat(array: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
    """Return the chosen rows, one column per value, in the precision of a training."""
    return _comparable(array[chosen].reshape(len(chosen), -1))


def _comparable(values: NDArray[Any]) -> NDArray[Any]:
    """Convert floats to single precision, with infinity on overflow."""
    if values.dtype.kind != "f":
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _count_unusual(column: NDArray[Any]) -> int:
    """Return the number of rows without the most common value of the column."""
    return len(column) - int(np.unique(column, return_counts=True)[1].max())


def _places_of(
    table: NDArray[Any], array: NDArray[Any], chosen: NDArray[np.int64]
) -> Sequence[int]:
    """Find the positions of all columns of a target in an array of inputs."""
    if array.dtype.kind not in "fiub" or array.ndim < 2:
        return ()
    columns = int(np.prod(array.shape[1:]))
    if _is_as_large(table, columns):
        return ()
    found = [next(_equal(column, array, chosen), None) for column in table.T]
    places = [it for it in found if it is not None]
    if len(places) < len(found) or _is_as_large(table, _varying(array, chosen)):
        return ()
    if array.ndim > 2 and _is_shifted(places, array.shape[1:]):
        return ()
    return places


def _is_as_large(table: NDArray[Any], columns: int) -> bool:
    """Whether a target has more than half as many columns, or as many if one-hot."""
    own = table.shape[1]
    return bool(own >= columns if is_one_hot(table) else 2 * own > columns)


def _is_shifted(places: Sequence[int], shape: tuple[int, ...]) -> bool:
    """Whether a target covers most time steps of a sequence."""
    steps = {int(np.unravel_index(it, shape)[0]) for it in places}
    return len(steps) > 1 and 2 * len(steps) > shape[0]


def _equal(
    column: NDArray[Any], array: NDArray[Any], chosen: NDArray[np.int64]
) -> Iterator[int]:
    """Yield the columns of an array that equal a given column in every row."""
    places = np.arange(int(np.prod(array.shape[1:])))
    for row, value in zip(chosen.tolist(), column, strict=True):
        places = places[_comparable(np.ravel(array[row])[places]) == value]
        if not len(places):
            return
    yield from places.tolist()


def _has_other_source(
    table: NDArray[Any], inputs: Arrays, chosen: NDArray[np.int64]
) -> bool:
    """Whether a column that is not a copy correlates with a target beyond chance."""
    arrays = [_flat(it, chosen) for it in inputs if it.dtype.kind in "fiub"]
    columns = np.concatenate(arrays, axis=1)
    columns = columns[:, evenly_spaced(columns.shape[1], _MOST_OTHERS)]
    related = np.abs(_unit_ranks(table).T @ _unit_ranks(columns))
    related[related > _COPY] = 0.0
    # Largest of this many correlations of unrelated rows in one of a hundred draws.
    chance = np.sqrt(2 * np.log(2 * related.size / _BY_CHANCE) / len(table))
    return bool(related.max(initial=0.0) > chance)


def _unit_ranks(table: NDArray[Any]) -> NDArray[np.float64]:
    """Return the ranks of each column, centered and scaled to length 1."""
    ranks = [np.unique(it, return_inverse=True)[1].reshape(-1) for it in table.T]
    centered = np.stack(ranks, axis=1) - np.mean(ranks, axis=1)
    unit: NDArray[np.float64] = centered / np.maximum(
        np.linalg.norm(centered, axis=0), 1e-12
    )
    return unit


def _varying(array: NDArray[Any], chosen: NDArray[np.int64]) -> int:
    """Return the number of columns that are not the same in every row."""
    rows = array[chosen].reshape(len(chosen), -1)
    return int(np.count_nonzero((rows != rows[0]).any(axis=0)))


def _named(place: int, shape: tuple[int, ...]) -> str:
    at = [int(it) for it in np.unravel_index(place, shape)]
    if len(at) == 2:
        return f"time step {at[0]}, column {at[1]}"
    return f"column {at[0] if len(at) == 1 else tuple(at)}"
