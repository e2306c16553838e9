"""Ids that equal the target ids at the same positions, and what only looks so."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.copied_sequence import (
    copied_sequences,
    exchanged,
    first_moved,
    places_to_test,
)


def copied_sequence(*given):
    return next((it for it, _ in copied_sequences(*given)), None)


DRAW = np.random.default_rng(0)
LENGTHS = DRAW.integers(4, 10, size=(100, 1))
IDS = np.where(np.arange(9) < LENGTHS, DRAW.integers(1, 40, size=(100, 9)), 0)
SLOW = np.repeat(DRAW.integers(1, 40, size=(100, 2)), 5, axis=1)
ENDED = np.pad(IDS, [(0, 0), (0, 1)])
ENDED[np.arange(100), LENGTHS[:, 0]] = 40
NOISY = np.where(DRAW.random(IDS.shape) < 0.1, 0, IDS)
ONE_HOT = np.eye(41)[IDS]


def walk(length=9):
    """Rows in which an id is followed by the next one or the one after it."""
    return 1 + (DRAW.integers(40, size=(100, 1)) + steps(length)) % 40


def steps(length):
    return np.cumsum(DRAW.integers(1, 3, size=(100, length)), axis=1)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (IDS, IDS),
        (IDS.astype("float32"), IDS),
        (IDS[..., None], IDS),
        (IDS, IDS[..., None]),
        (IDS, np.where(IDS, ONE_HOT.argmax(2), 0)),
        (IDS, ONE_HOT),
        (ONE_HOT, ONE_HOT),
        (np.pad(IDS, [(0, 0), (0, 1)]), ENDED),
        (IDS, np.where(np.arange(9) < 2, -100, IDS)),
    ],
    ids=[
        "ids",
        "floats",
        "another axis",
        "another axis of targets",
        "of another type",
        "one-hot targets",
        "one-hot both",
        "with an end",
        "some are ignored",
    ],
)
def test_ids_that_equal_the_targets(x, y):
    found = copied_sequence([x], [y])
    assert found is not None
    assert found.rows == found.of > 50
    assert 30 < found.ids <= 40


def test_of_several_inputs_the_equal_one_is_named():
    found = copied_sequence([IDS[:, ::-1], IDS], [IDS])
    assert found is not None
    assert (found.index, found.where, found.is_all) == (1, "input 1", False)


@pytest.mark.parametrize(("ids", "is_all"), [(IDS, True), (walk(), False)])
def test_whether_an_id_tells_of_the_next(ids, is_all):
    found = copied_sequence([ids], [ids])
    assert found is not None
    assert (found.where, found.is_all) == ("the input", is_all)


def test_positions_without_weight_do_not_count():
    weights = (IDS == NOISY).astype("float32")
    assert copied_sequence([NOISY], [IDS]) is None
    assert copied_sequence([NOISY], [IDS], [weights]) is not None
    assert copied_sequence([IDS], [IDS], [1 - weights]) is None
    assert copied_sequence([IDS], [IDS], [np.ones(100)]) is not None


WAVES = np.sin(DRAW.random((100, 1)) * 6 + np.arange(9) / 2).astype("float32")
WITH_NOISE = np.stack([DRAW.random(WAVES.shape), WAVES], axis=2)


@pytest.mark.parametrize(
    ("x", "y", "ids"),
    [
        (IDS[:, :-1], IDS[:, 1:], 39),
        (IDS[:, :-1], ONE_HOT[:, 1:], 39),
        (WAVES[:, :-1], WAVES[:, 1:], 700),
        (WAVES[:, :-1, None], WAVES[:, 1:].astype("float64"), 700),
        (WITH_NOISE[:, :-1], WITH_NOISE[:, 1:], 700),
        (WITH_NOISE[:, :-1], WAVES[:, 1:], 700),
        (WAVES[:, :-3], np.stack([WAVES[:, it : 6 + it] for it in (1, 2, 3)], 2), 500),
    ],
    ids=["ids", "one-hot", "numbers", "doubles", "features", "one of these", "next 3"],
)
def test_targets_that_come_one_position_later(x, y, ids):
    found = copied_sequence([x], [y])
    assert found is not None
    assert (found.ahead, found.rows) == (1, found.of)
    assert found.ids >= ids - 2


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (SLOW[:, :-1], SLOW[:, 1:]),
        (NOISY, IDS),
        (IDS, IDS % 7 + 1),
        (IDS, IDS[:, ::-1]),
        (IDS[:, :2], IDS[:, :2]),
        (IDS[:15], IDS[:15]),
        (np.tile(IDS[:10], (10, 1)), np.tile(IDS[:10], (10, 1))),
        (SLOW, SLOW),
        (IDS + 0.5, IDS + 0.5),
        (WAVES[:, :-2], WAVES[:, 2:]),
        (WAVES[:, :-1], WAVES[:, 1:] * 2),
        (WITH_NOISE[:, :-1], WITH_NOISE[:, 1:, ::-1]),
        (np.where(IDS == 7, np.nan, IDS), IDS),
        (np.where(IDS == 7, np.inf, IDS), IDS),
        (IDS, np.maximum(ONE_HOT, ONE_HOT[::-1] / 2)),
        (IDS, np.pad(ONE_HOT, [(0, 0), (0, 0), (0, 1)], constant_values=1)),
        (np.tile(IDS[..., None], 3), np.tile(IDS[..., None], 3)),
        (IDS, IDS[:, 0]),
        (IDS.astype(str), IDS.astype(str)),
        (np.zeros((0, 9)), np.zeros((0, 9))),
    ],
    ids=[
        "next id that is mostly the same",
        "noise",
        "tags",
        "turned round",
        "two positions",
        "few rows",
        "few different rows",
        "one change in a row",
        "numbers",
        "two positions later",
        "scaled",
        "other features",
        "missing numbers",
        "infinite numbers",
        "shares",
        "several ids",
        "images",
        "one target",
        "text",
        "nothing",
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_looks_like_one_is_none(x, y):
    assert copied_sequence([x], [y]) is None


def test_each_equal_input_is_found():
    found = copied_sequences([IDS, IDS % 7, IDS], [IDS])
    assert [it.index for it, _ in found] == [0, 2]


def test_several_targets_are_not_compared():
    assert copied_sequence([IDS], [IDS, IDS]) is None
    assert copied_sequence([IDS], []) is None


def test_ids_are_exchanged_where_they_vary_most():
    ids = np.zeros((40, 9), int)
    ids[:, 2:7] = DRAW.integers(1, 3, (40, 5))
    ids[:, 3:6] = DRAW.integers(1, 40, (40, 3))
    ids[3, 5] = ids[5, 3] = 0
    rows, positions = places_to_test(ids)
    assert positions == (4, 5)
    assert rows.tolist() == [0, 1, 2, 4, *range(6, 18)]


def test_exchanged_ids_come_from_another_row():
    moved = exchanged(IDS, 2)
    assert (moved[1:, 2] == IDS[:-1, 2]).all()
    assert (np.delete(moved, 2, axis=1) == np.delete(IDS, 2, axis=1)).all()


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({3: 1.0, 4: 0.1}, 3),
        ({3: 1.0, 1: 1e-6}, 3),
        ({3: 1.0, 1: 1e-2}, 1),
        ({3: 1.0, 0: 1.0}, 3),
        ({3: 1e-9}, None),
        ({}, None),
        ({3: np.nan}, None),
    ],
)
def test_the_first_position_that_changes(changes, first):
    plain = np.ones((8, 6, 5))
    moved = plain.copy()
    ids = np.broadcast_to(np.arange(6), (8, 6))
    for position, by in changes.items():
        moved[4, position, 2] += by
    assert first_moved(ids, plain, moved) == first
