"""How near a run came to failing is a share of a limit."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge.limit_used import BROKEN, nearness
from tests.support.traces import falling, make_trace


def near(trace, **policy):
    return nearness(trace, Policy(**policy))


def test_a_good_run_is_far_from_every_limit():
    trace = make_trace(falling(1.0, 0.01), start=1.0, end=0.01, constant=1.0)

    assert near(trace) == pytest.approx(0.1)


def test_the_constant_prediction_is_a_limit():
    trace = make_trace(falling(10.0, 0.49), start=10.0, end=0.49, constant=1.0)

    assert near(trace) == pytest.approx(0.5)


def test_the_start_is_a_limit():
    trace = make_trace(falling(1.0, 0.49), start=1.0, end=0.49)

    assert near(trace) == pytest.approx(0.5)


def test_the_growth_of_a_step_is_a_limit():
    curve = falling(1.0, 0.01)
    curve[5] = 5.0
    trace = make_trace(curve, start=1.0, end=0.01, constant=1.0)

    assert near(trace) == pytest.approx(0.5)
    assert near(trace, max_loss_growth=5.0) == pytest.approx(1.0)


def test_a_broken_run_is_as_near_as_can_be():
    trace = make_trace([1.0, float("nan")], start=1.0, end=float("nan"))

    assert near(trace) == BROKEN


def test_a_loss_without_a_floor_is_judged_by_its_growth_alone():
    trace = make_trace([*falling(3.0, 1.0), -5.0], start=3.0, end=-5.0, constant=-1.0)

    assert near(trace) == pytest.approx(0.1)
