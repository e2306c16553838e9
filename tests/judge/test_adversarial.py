"""Trainings against each other, or after moving targets: no loss of them has to fall,
and none may blow up.
"""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from tests.support.traces import make_trace


def errors(loss, *, contested=False, moving_target=False, **policy):
    trace = make_trace(
        np.asarray(loss, float), contested=contested, moving_target=moving_target
    )
    found = judge(trace, Policy(**policy))
    return {it.kind for it in found if it.severity == "error"}


RISING = np.linspace(0.6, 5.0, 40)
FROM_ZERO = np.concatenate([[0.001], np.sin(np.arange(39))])
BLOWN_UP = np.geomspace(0.6, 1e6, 40)
BOTTOMLESS = -np.geomspace(0.6, 1e6, 40)


@pytest.mark.parametrize("loss", [RISING, FROM_ZERO])
def test_a_contested_loss_may_rise(loss):
    assert errors(loss, contested=True) == set()
    assert errors(loss, contested=False) != set()


def test_a_contested_loss_must_fall_where_the_test_asks_for_it():
    assert "loss_not_decreasing" in errors(RISING, contested=True, min_drop=0.1)


def test_a_contested_loss_may_not_blow_up_either_way():
    assert "diverging_loss" in errors(BLOWN_UP, contested=True)
    assert "impossible_loss" in errors(BOTTOMLESS, contested=True)


def test_a_curve_blown_up_at_its_second_step_starts_at_its_first():
    loss = [8.0, 3000.0, 2500.0, *np.linspace(2000.0, 600.0, 37)]

    assert {"diverging_loss", "loss_not_decreasing"} <= errors(loss, contested=False)


GROWN = np.geomspace(1.0, 400.0, 40)  # squares of values that grow to 20


@pytest.mark.parametrize("loss", [RISING, FROM_ZERO, GROWN])
def test_a_loss_may_rise_as_its_targets_move(loss):
    assert errors(loss, moving_target=True) == set()
    assert errors(loss) != set()


def test_it_must_fall_where_the_test_asks_for_it():
    assert "loss_not_decreasing" in errors(GROWN, moving_target=True, min_drop=0.1)


def test_values_that_run_away_fail_whatever_their_targets_do():
    assert "diverging_loss" in errors(np.geomspace(1, 1e9, 40), moving_target=True)
    assert "impossible_loss" in errors(BOTTOMLESS, moving_target=True)


def test_noise_around_0_is_nothing_where_a_loss_need_not_fall():
    noisy = np.random.default_rng(0).standard_normal(80)

    assert found_of(noisy, moving_target=True) == set()
    assert "noisy_loss" in found_of(noisy)


def test_what_a_loss_object_did_not_give_of_an_agent_is_no_penalty():
    falling = np.geomspace(1.0, 0.2, 80)
    parts = {"data_loss": 0.2 * falling}

    assert "penalty_dominates" in found_of(falling, **parts)
    assert found_of(falling, **parts, moving_target=True) == set()


def found_of(loss, **facts):
    return {it.kind for it in judge(make_trace(loss, **facts), Policy())}
