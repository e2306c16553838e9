"""How far outputs for different rows lie apart."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.collapse import spread_of

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((32, 5))
BEFORE = [RNG.standard_normal((32, 8))]


def spread(*after, rows=ROWS, before=BEFORE):
    return spread_of("net", rows, before, after)


def test_the_same_output_for_every_row_has_no_spread():
    found = spread(np.full((32, 8), 3.0))

    assert found.rows == 32
    assert found.apart == found.kept == 0
    assert found.turned < 1e-6
    assert found.turned_before > 0.9


def test_different_outputs_keep_what_they_had():
    found = spread(*BEFORE)

    assert found.kept == 1
    assert found.apart > 0.9


def test_outputs_that_differ_in_length_alone_do_not_turn():
    found = spread(np.outer(RNG.uniform(1, 2, 32), np.ones(8)))

    assert found.turned < 1e-6
    assert found.apart > 0.1


def test_of_several_outputs_the_one_that_separates_rows_counts():
    assert spread(np.zeros((32, 2)), BEFORE[0]).apart > 0.9


def test_what_is_made_again_is_held_against_the_data():
    data = RNG.standard_normal((32, 8))

    assert spread_of(
        "net", ROWS, BEFORE, [0.1 * data], data=data
    ).rebuilt == pytest.approx(0.1)
    assert spread(*BEFORE).rebuilt is None


def test_rows_that_are_alike_count_once():
    assert spread(*BEFORE, rows=np.ones((32, 5))).rows == 1


@pytest.mark.parametrize("after", [np.zeros((32, 8)), np.full((32, 8), np.nan)])
def test_no_output_divides_by_zero(after):
    found = spread(after, before=[np.zeros((32, 8))])
    assert found.kept == 1
