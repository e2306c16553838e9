"""Rows that are all but copies of others, and rows that are only near."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.near_rows import near_copies

DRAW = np.random.default_rng(0)
ROWS = DRAW.standard_normal((500, 20)).astype("float32")
HELD = ROWS[:150]


def shares(held_out, trained):
    found = near_copies([held_out], [trained])
    if found is None:
        return None
    assert len(found.near) == found.repeats.found
    assert len(found.others) == found.repeats.of - found.repeats.found
    return found.repeats.found / found.repeats.of, found.repeats.again


def split(rows, share=0.3):
    order = np.random.default_rng(1).permutation(len(rows))
    kept = int(share * len(rows))
    return rows[order[:kept]], rows[order[kept:]]


def noisy(rows, noise=0.01):
    return rows + noise * np.random.default_rng(2).standard_normal(rows.shape)


@pytest.mark.parametrize(
    "held_out",
    [
        noisy(HELD),
        HELD.astype("float16"),
        HELD.round(2),
        1.001 * HELD,
        noisy(HELD).reshape(150, 4, 5, 1),
    ],
    ids=["noise", "float16", "rounded", "scaled", "images"],
)
def test_copies_of_trained_rows_are_found(held_out):
    trained = ROWS.reshape(500, *held_out.shape[1:])
    assert shares(held_out, trained) == (1.0, 0)


def test_rows_augmented_before_the_split_are_near_to_each_other_as_well():
    held_out, trained = split(np.concatenate([ROWS, noisy(ROWS)]))
    found = near_copies([held_out], [trained]).repeats
    assert 0.5 < found.found / found.of < 0.9
    assert 0.5 < found.again / found.again_of < 0.9


def windows(series, length=24, stride=1):
    return np.lib.stride_tricks.sliding_window_view(series, length)[::stride].copy()


TIME = np.arange(3000)
WALK = np.cumsum(np.random.default_rng(3).standard_normal(3000))
SPIKES = (np.random.default_rng(4).random(3000) < 0.02) * 1.0
CODES = np.eye(5)[np.random.default_rng(5).integers(0, 5, (800, 5))].reshape(800, -1)
NUMBER = np.random.default_rng(6).standard_normal((800, 1))
CORNERS = np.random.default_rng(7).integers(0, 2, (400, 4))


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        noisy(np.repeat(DRAW.standard_normal((50, 8)), 20, axis=0)),
        windows(np.sin(0.1 * TIME)),
        windows(np.sin(0.01 * TIME), stride=5),
        windows(WALK),
        windows(SPIKES) + 1e-3 * DRAW.standard_normal((2977, 24)),
        windows(np.repeat(WALK[:60], 50)),
        np.concatenate([CODES, NUMBER], axis=1),
        CODES,
        DRAW.random((800, 30)) < 0.05,
        DRAW.poisson(0.3, (800, 40)),
        noisy(CORNERS, 1e-3),
        DRAW.standard_t(1.2, (1000, 6)),
        np.linspace(-1, 1, 500)[:, None] ** np.arange(1, 6),
    ],
    ids=[
        "normal",
        "clusters",
        "sine",
        "slow-sine",
        "walk",
        "spikes",
        "steps",
        "codes-and-a-number",
        "codes",
        "sparse",
        "counts",
        "corners",
        "heavy-tails",
        "powers",
    ],
)
def test_rows_that_are_near_by_nature_are_not_near_copies(rows):
    found, _ = shares(*split(rows))
    assert found <= 0.06


def test_the_places_of_near_rows_are_told():
    held_out = np.concatenate([noisy(HELD[:30]), -3 * HELD[30:60]])
    found = near_copies([held_out], [ROWS])
    assert (found.near, found.others) == (tuple(range(30)), tuple(range(30, 60)))


def test_equal_rows_are_not_counted():
    assert shares(HELD, ROWS) == (0.0, 0)


def test_of_many_rows_some_are_looked_at():
    many = DRAW.standard_normal((20000, 10))
    found = near_copies([noisy(many)], [many]).repeats
    assert found.among == pytest.approx(0.2, abs=0.01)
    assert found.found / found.of == pytest.approx(found.among, abs=0.15)


@pytest.mark.parametrize(
    ("held_out", "trained"),
    [
        (HELD[:, :3], ROWS),
        (HELD[:, :2], ROWS[:, :2]),
        (HELD[:15], ROWS[:15]),
        (HELD.astype(str), ROWS.astype(str)),
        (0 * HELD, 0 * ROWS),
    ],
    ids=["other-shape", "few-columns", "few-rows", "texts", "constant"],
)
def test_what_cannot_be_compared_tells_nothing(held_out, trained):
    assert near_copies([held_out], [trained]) is None


def test_missing_and_huge_values_are_no_trouble():
    trained = ROWS.copy()
    trained[::7, 3], trained[5, 2] = np.nan, 3e38
    with np.errstate(all="raise"):
        assert shares(noisy(trained[:150]), trained) is not None
