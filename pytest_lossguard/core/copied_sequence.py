"""Sequences whose targets are also inputs: at the same position, or at the next one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .relations import CopiedSequence
from .rows import Arrays, input_name

Ids = NDArray[np.int64]

#: Minimum number of different rows, and the minimum share of the rows that are equal.
_FEWEST_ROWS, _SHARE = 16, 0.99
#: Fewest changes of the id in a row that tells whether its targets are shifted: with
#: fewer, all of them but the last may equal a shifted input.
_FEWEST_CHANGES = 2
#: Draws of rows without any order that the neighbors of ids are compared with.
_DRAWS = 20
#: Most rows in which an id is exchanged.
_MOST_ROWS = 16
#: Smallest change that is no rounding, as a share of the largest change and of the
#: largest value.
_OF_CHANGES, _OF_VALUES = 1e-4, 1e-6


def copied_sequences(
    inputs: Arrays, targets: Arrays, weights: Arrays = ()
) -> Iterator[tuple[CopiedSequence, Ids]]:
    """Yield each input that equals the targets at the same positions, or at those after
    them, where a causal model does not see it; with the ids of the targets.

    Targets of 0 are padding. The last one of each row may differ: it is often an id
    that ends the row.

    Args:
        inputs: Arrays of shape ``(rows, positions)``, or others.
        targets: One array of ids, of one-hot rows of shape ``(rows, positions, ids)``,
            or of numbers, which are compared with the positions after them only;
            several are not compared.
        weights: Weights of rows or positions.
    """
    if len(targets) != 1 or targets[0].ndim < 2:
        return
    (target,), shape = targets, targets[0].shape[:2]
    counts = np.ones(shape, bool)
    for weight in weights:
        if weight.shape == shape:
            counts &= weight > 0
    for index, array in enumerate(inputs):
        if array.shape[:2] != shape:
            continue
        for ahead, given, wanted in _as_ids(array, target):
            ids = np.where(counts, wanted, 0)
            same, of = _equal_rows(given, ids, ahead)
            if _is_enough(same, of):
                fact = CopiedSequence(
                    index=index,
                    where=input_name(index, inputs),
                    ahead=ahead,
                    rows=len(same),
                    of=of,
                    ids=len(np.unique(same[same > 0])),
                    is_all=not ahead and len(inputs) == 1 and not _has_order(same),
                )
                yield fact, ids


def _as_ids(
    array: NDArray[Any], target: NDArray[Any]
) -> Iterator[tuple[int, Ids, Ids]]:
    """Yield how far ahead to compare, and ids of the input and of the target.

    Ids have the shape ``(rows, positions)``. Equal numbers get equal ids, and are
    compared one position ahead only: all features of the target with those of the
    input, or else its first one, as of the next few values, with each of these.
    """
    given, wanted = ids_of(array), ids_of(target)
    if given is not None and wanted is not None:
        yield from ((ahead, given, wanted) for ahead in (0, 1))
    elif array.dtype.kind == "f" and max(array.ndim, target.ndim) <= 3:
        numbers, goal = (
            it.reshape(*it.shape[:2], -1).astype(np.float32) for it in (array, target)
        )
        features = numbers.shape[2]
        whole = goal.shape[2] == features
        goal = goal if whole else goal[:, :, :1]
        for part in [numbers] if whole else np.split(numbers, features, axis=2):
            if np.array_equal(part[:_FEWEST_ROWS, 1:], goal[:_FEWEST_ROWS, :-1]):
                yield 1, *_numbered(part, goal)


def _numbered(one: NDArray[Any], other: NDArray[Any]) -> tuple[Ids, Ids]:
    """Return the same id, from 1 on, for the same values along the last axis."""
    both = np.ascontiguousarray(np.stack([one, other]))
    values = both.view(f"V{both.itemsize * both.shape[-1]}")
    _, ids = np.unique(values, return_inverse=True)
    numbered = ids.reshape(both.shape[:-1]) + 1
    return numbered[0], numbered[1]


def _equal_rows(given: Ids, ids: Ids, ahead: int) -> tuple[Ids, int]:
    """Return the target ids of the rows in which the input equals them, and how many
    rows were compared.
    """
    wanted = ids[:, : ids.shape[1] - ahead]
    counts, tells = wanted > 0, _changes_often(wanted)
    later = np.logical_or.accumulate(counts[:, :0:-1], axis=1)[:, ::-1]
    differ = (given[:, ahead:] != wanted)[:, :-1] & counts[:, :-1] & later
    return wanted[tells & ~differ.any(axis=1)], int(tells.sum())


def _is_enough(same: Ids, of: int) -> bool:
    """Whether enough of the compared rows are equal, and enough of these different."""
    return len(same) >= _SHARE * of and len(np.unique(same, axis=0)) >= _FEWEST_ROWS


def ids_of(array: NDArray[Any]) -> Ids | None:
    """Return ids of shape ``(rows, positions)``, 0 where a one-hot row has no 1; None
    for an array that holds none.
    """
    if array.dtype.kind not in "fiu" or array.ndim not in (2, 3):
        return None
    if array.ndim == 3 and array.shape[2] > 1:
        ones = array == 1
        if (ones.sum(axis=2) > 1).any() or array[~ones].any():
            return None
        return np.asarray(ones.argmax(axis=2), np.int64)
    table = array.reshape(array.shape[:2])
    if not np.isfinite(table).all() or (table % 1).any():
        return None
    return table.astype(np.int64)


def _changes_often(ids: Ids) -> NDArray[np.bool_]:
    """Whether the ids of each row change often enough to tell if they are shifted."""
    both = (ids[:, 1:] > 0) & (ids[:, :-1] > 0)
    changes = (both & (ids[:, 1:] != ids[:, :-1])).sum(axis=1)
    return np.asarray(changes >= _FEWEST_CHANGES)


def _has_order(ids: Ids) -> bool:
    """Whether an id tells of the next one: fewer pairs of neighbors are different
    than in rows whose ids are drawn at random.
    """
    both = (ids[:, 1:] > 0) & (ids[:, :-1] > 0)
    these, following = ids[:, :-1][both], ids[:, 1:][both]
    draw, most = np.random.default_rng(0), int(ids.max()) + 1
    by_chance = (
        len(np.unique(these * most + draw.permutation(following)))
        for _ in range(_DRAWS)
    )
    return len(np.unique(these * most + following)) < min(by_chance)


def places_to_test(ids: Ids) -> tuple[Ids, tuple[int, int]]:
    """Choose two neighboring positions where ids vary most, and some rows with ids
    there and at the position before.
    """
    variety = np.array([len(np.unique(column[column > 0])) for column in ids.T])
    least = np.minimum(np.minimum(variety[:-2], variety[1:-1]), variety[2:])
    first = int(np.argmax(least)) + 1
    rows = np.flatnonzero((ids[:, first - 1 : first + 2] > 0).all(axis=1))
    return rows[:_MOST_ROWS], (first, first + 1)


def exchanged(array: NDArray[Any], position: int) -> NDArray[Any]:
    """Return a copy in which each row has the value of another row at a position."""
    moved = array.copy()
    moved[:, position] = np.roll(array[:, position], 1, axis=0)
    return moved


def positions_moved(
    ids: Ids, plain: NDArray[Any], moved: NDArray[Any]
) -> NDArray[np.bool_]:
    """Return at which positions arrays of shape ``(rows, positions, values)`` differ;
    nowhere if they are not finite. Padding, with the id 0, does not count.
    """
    change = (np.abs(moved - plain).max(axis=2) * (ids > 0)).max(axis=0)
    largest = change.max()
    if not np.isfinite(largest) or largest <= _OF_VALUES * np.abs(plain).max():
        return np.zeros(len(change), bool)
    return np.asarray(change > _OF_CHANGES * largest)


def first_moved(ids: Ids, plain: NDArray[Any], moved: NDArray[Any]) -> int | None:
    """Return the first of the `positions_moved`; None if there is none."""
    found = positions_moved(ids, plain, moved)
    return int(np.argmax(found)) if found.any() else None
