"""Targets that stand among the inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .column_stats import is_one_hot
from .data_facts import AmongInputs
from .rows import evenly_spaced

__all__ = ["target_among_inputs"]

Arrays = Sequence[NDArray[Any]]

#: Rows that are compared, and the fewest that prove anything.
_MOST_ROWS, _FEWEST_ROWS = 512, 32
#: Columns of a target from which on it is an image or a sequence of its own.
_MOST_COLUMNS = 16
#: Rows that differ from the target's usual value: fewer may agree by chance.
_FEWEST_UNUSUAL = 10
#: A rank correlation from which on a column is the target once more.
_COPY = 0.999
#: Columns that are searched for something that predicts the target.
_MOST_OTHERS = 1024
#: How often unrelated columns may seem to be related.
_BY_CHANCE = 0.01


def target_among_inputs(inputs: Arrays, targets: Arrays) -> AmongInputs | None:
    """A target whose columns all equal columns of one array of inputs in every row.

    Nothing is found where the target is as large as the inputs or next to it, as an
    autoencoder's, a sequence shifted by one, or labels that are an input of their own.

    Args:
        inputs: Arrays of shape ``(rows, ...)``.
        targets: Arrays of as many rows.
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
    """Rows of a target, without columns that hardly vary; None where one has NaN."""
    if array.dtype.kind not in "fiub":
        return None
    table = _flat(array, chosen)
    if table.shape[1] > _MOST_COLUMNS or not np.isfinite(table).all():
        return None
    return table[:, [_unusual(column) >= _FEWEST_UNUSUAL for column in table.T]]


def _flat(array: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
    """Rows of one column per value, in the precision of a training."""
    return _comparable(array[chosen].reshape(len(chosen), -1))


def _comparable(values: NDArray[Any]) -> NDArray[Any]:
    """Floats in single precision, what is beyond it as infinity; all else as it is."""
    if values.dtype.kind != "f":
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _unusual(column: NDArray[Any]) -> int:
    """Rows that have another value than most."""
    return len(column) - int(np.unique(column, return_counts=True)[1].max())


def _places_of(
    table: NDArray[Any], array: NDArray[Any], chosen: NDArray[np.int64]
) -> Sequence[int]:
    """Where all columns of a target stand in an array of inputs."""
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
    """Whether a target is half of so many columns or more, and no single label."""
    own = table.shape[1]
    return bool(own >= columns if is_one_hot(table) else 2 * own > columns)


def _is_shifted(places: Sequence[int], shape: tuple[int, ...]) -> bool:
    """Whether a target is most of the time steps of a sequence."""
    steps = {int(np.unravel_index(it, shape)[0]) for it in places}
    return len(steps) > 1 and 2 * len(steps) > shape[0]


def _equal(
    column: NDArray[Any], array: NDArray[Any], chosen: NDArray[np.int64]
) -> Iterator[int]:
    """Columns of an array that equal one column in every row."""
    places = np.arange(int(np.prod(array.shape[1:])))
    for row, value in zip(chosen.tolist(), column, strict=True):
        places = places[_comparable(np.ravel(array[row])[places]) == value]
        if not len(places):
            return
    yield from places.tolist()


def _has_other_source(
    table: NDArray[Any], inputs: Arrays, chosen: NDArray[np.int64]
) -> bool:
    """Whether a column that is no copy correlates with a target beyond chance."""
    arrays = [_flat(it, chosen) for it in inputs if it.dtype.kind in "fiub"]
    columns = np.concatenate(arrays, axis=1)
    columns = columns[:, evenly_spaced(columns.shape[1], _MOST_OTHERS)]
    related = np.abs(_ranked(table).T @ _ranked(columns))
    related[related > _COPY] = 0.0
    # Of so many correlations of n unrelated rows one in a hundred draws is as large.
    chance = np.sqrt(2 * np.log(2 * related.size / _BY_CHANCE) / len(table))
    return bool(related.max(initial=0.0) > chance)


def _ranked(table: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks of each column, about 0 and of length 1; equal values share theirs."""
    ranks = [np.unique(it, return_inverse=True)[1].reshape(-1) for it in table.T]
    centered = np.stack(ranks, axis=1) - np.mean(ranks, axis=1)
    unit: NDArray[np.float64] = centered / np.maximum(
        np.linalg.norm(centered, axis=0), 1e-12
    )
    return unit


def _varying(array: NDArray[Any], chosen: NDArray[np.int64]) -> int:
    """Columns that are not the same in every row."""
    rows = array[chosen].reshape(len(chosen), -1)
    return int(np.count_nonzero((rows != rows[0]).any(axis=0)))


def _named(place: int, shape: tuple[int, ...]) -> str:
    at = [int(it) for it in np.unravel_index(place, shape)]
    if len(at) == 2:
        return f"time step {at[0]}, column {at[1]}"
    return f"column {at[0] if len(at) == 1 else tuple(at)}"
