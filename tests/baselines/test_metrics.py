"""What is measured of a training, on traces made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.baselines import METRICS, half_way, measure
from tests.support.traces import falling, make_trace


def test_the_metrics_of_a_training_that_fell_to_a_tenth():
    curve = falling(start=1.0, end=0.1, steps=200)
    norms = np.linspace(10.0, 1.0, 200)[:, None]
    trace = make_trace(curve, start=1.0, end=0.1, constant=0.5, grad_norm=norms)

    measured = measure(trace, half=0.45)

    assert measured["skill"] == 0.8
    assert measured["loss_removed"] == 0.9
    # Where a geometric fall to .1 passes .55, two steps later for the smoothing.
    assert measured["steps_to_half"] == pytest.approx(55, abs=1)
    assert measured["highest_grad_norm"] == pytest.approx(2**0.5 * 9.55, abs=0.01)
    assert measured["lowest_grad_norm"] == pytest.approx(2**0.5 * 1.45, abs=0.01)
    assert measured["worst_jump"] == 0.0
    assert "loss_fall" not in measured


def test_half_of_the_way_is_the_median_of_all_seeds():
    traces = [make_trace(falling(), start=1.0, end=it) for it in (0.1, 0.2, 0.9)]

    assert half_way(traces) == 0.4


def test_a_training_that_never_gets_half_way_takes_a_step_more_than_it_had():
    trace = make_trace(falling(1.0, 0.9, 50), start=1.0, end=0.9)

    assert measure(trace, half=0.4)["steps_to_half"] == 51


def test_a_jump_is_reported_as_a_share_of_the_start():
    curve = [*falling(2.0, 1.0, 50), 1.5, *falling(1.0, 0.5, 50)]

    assert measure(make_trace(curve, start=2.0, end=0.5), 0.3)["worst_jump"] == 0.25


def test_a_loss_below_zero_has_a_fall_and_no_shares():
    trace = make_trace(np.linspace(1.0, -3.0, 100), start=1.0, end=-3.0)

    measured = measure(trace, half_way([trace]))

    assert half_way([trace]) is None
    assert measured["loss_fall"] == 4.0
    assert not {"skill", "loss_removed", "steps_to_half", "worst_jump"} & set(measured)


def test_what_is_not_finite_is_left_out():
    trace = make_trace([1.0, np.nan, np.nan], start=1.0, end=np.nan, constant=0.5)

    assert "skill" not in measure(trace, 0.4)


@given(st.sampled_from(sorted(METRICS)), st.floats(0.01, 1e6))
def test_what_did_not_change_did_not_get_worse(name, value):
    assert METRICS[name].worsening(value, value) <= 0


@given(st.sampled_from(sorted(METRICS)), st.floats(0.01, 1e3), st.floats(1.3, 10))
def test_only_one_way_is_worse(name, value, factor):
    metric = METRICS[name]
    up = metric.worsening(value, value * factor + 0.1)
    down = metric.worsening(value * factor + 0.1, value)

    worse = {"higher": (False, True), "lower": (True, False), "neither": (False, False)}
    assert (up > 0, down > 0) == worse[metric.better]


def test_every_metric_is_one_that_something_measures():
    whole = make_trace(falling(), start=1.0, end=0.1, constant=0.5)
    open_ended = replace(whole, losses=("poisson",))
    headrooms = {"learning_rate_headroom", "input_scale_headroom"}

    known = {*measure(whole, 0.4), *measure(open_ended, None), *headrooms}
    assert known == set(METRICS)
