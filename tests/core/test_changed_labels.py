"""Rows that come again with another class."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.changed_labels import changed_labels

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 8)).astype("float32")
Y = RNG.integers(0, 5, 200)


def passes(labels_of, x=X, times=3):
    """Batches of 25 rows in a new order for each pass."""
    found = []
    for _ in range(times):
        order = RNG.permutation(200)
        labels = labels_of(Y)
        for part in np.split(order, 8):
            found.append(([x[part]], [labels[part]]))
    return found


def test_labels_in_another_order_each_time_change_as_by_chance():
    found = changed_labels(passes(RNG.permutation))
    assert found.rows == 400
    assert found.chance == pytest.approx(0.8, abs=0.02)
    assert found.changed == pytest.approx(found.chance, abs=0.08)


def test_labels_of_their_rows_do_not_change():
    assert changed_labels(passes(lambda y: y)).changed == 0
    one_hot = passes(lambda y: np.eye(5, dtype="float32")[y])
    assert changed_labels(one_hot).changed == 0


def test_a_tenth_of_flipped_labels_is_far_from_chance():
    def flipped(y):
        return np.where(RNG.random(200) < 0.1, RNG.integers(0, 5, 200), y)

    found = changed_labels(passes(flipped))
    assert 0 < found.changed < 0.4 * found.chance


@pytest.mark.parametrize(
    "batches",
    [
        passes(RNG.permutation, times=1),  # no row comes again
        passes(RNG.permutation, x=RNG.integers(0, 50, (200, 1))),  # ids of words
        passes(lambda y: y + RNG.normal(size=200)),  # no classes
        passes(RNG.permutation, x=np.array([["a"] * 8] * 200)),
        [([X], [Y])],
        [([], [Y[:25]])] * 9,
    ],
)
def test_nothing_is_said_where_it_is_unknown(batches):
    assert changed_labels(batches) is None
