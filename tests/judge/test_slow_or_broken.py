"""Slow is not broken, and what ended where it began is not slow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.change import Change, ModelFacts
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Outlier, Trace, Validation
from pytest_lossguard.experiments.compare import ComparedRun, improvable, wanted
from pytest_lossguard.judge import judge, loss_curve_of
from tests.support.traces import column, falling, make_trace

INPUTS = (column("input"),)
RAW = (column("input", mean=900.0, std=400.0),)
FAR = (
    column(
        "input",
        outlier=Outlier(row=3, column=0, value=900.0, distance=900.0),
        outlier_share=0.01,
    ),
)


def kinds(trace: Trace, severity: str = "error") -> list[str]:
    return [it.kind for it in judge(trace, Policy()) if it.severity == severity]


def noisy(start: float, end: float, steps: int, noise: float) -> np.ndarray:
    spread = np.random.default_rng(0).normal(0.0, noise, steps)
    return np.linspace(start, end, steps) + spread


# A run that ended where it began


@pytest.mark.parametrize("steps", [54, 100, 285])
def test_weights_and_loss_that_stay_where_they_were_are_not_slow(steps):
    still = make_trace(
        noisy(0.6934, 0.6933, steps, 0.02),
        start=0.6934,
        end=0.6933,
        constant=0.693,
        update_norm=1e-6,
    )
    assert "loss_not_decreasing" in kinds(still)


def test_a_loss_that_falls_as_steadily_as_a_tiny_rate_lets_it_learned_nothing():
    still = make_trace(
        np.linspace(0.6934, 0.69335, 285),
        start=0.6934,
        end=0.69335,
        constant=0.693,
        update_norm=1e-6,
    )
    assert "loss_not_decreasing" in kinds(still)


def test_a_start_a_little_better_than_a_constant_is_nothing_learned_either():
    still = make_trace(
        [0.9] * 100, start=0.9, end=0.8999, constant=1.0, update_norm=1e-6
    )
    assert kinds(still) == ["loss_not_decreasing"]


def test_where_there_is_nothing_to_learn_the_weights_go_somewhere():
    nothing = make_trace([0.69] * 100, start=0.7, end=0.69, constant=0.693)
    assert kinds(nothing) == []
    assert kinds(nothing, "warning") == ["plateau"]


def test_weights_that_were_trained_before_may_stay_where_they_are():
    trained = make_trace(
        [0.1] * 100, start=0.1, end=0.1, constant=1.0, update_norm=1e-6
    )
    assert kinds(trained) == []


# A steady fall by little


def test_a_steady_fall_by_less_than_two_percent_is_a_fall():
    assert kinds(make_trace(noisy(544, 542, 64, 0.3), start=544.0, end=542.0)) == []


def test_noise_that_happens_to_end_lower_is_no_fall():
    noise = make_trace(noisy(544, 544, 64, 3.0), start=544.0, end=542.0)
    assert kinds(noise) == ["loss_not_decreasing"]


def test_a_handful_of_steps_shows_no_trend():
    few = make_trace(noisy(544, 542, 20, 0.1), start=544.0, end=542.0)
    assert kinds(few) == ["loss_not_decreasing"]


# Only the curve is known


def test_no_fall_within_the_noise_is_warned_of_and_beyond_it_fails():
    unsure = make_trace(np.tile([7.0, 13.0], 32))
    assert (kinds(unsure), kinds(unsure, "warning")) == ([], ["loss_not_decreasing"])
    assert kinds(make_trace(np.tile([7.0, 13.0], 2500))) == ["loss_not_decreasing"]
    assert kinds(make_trace(noisy(10, 14, 64, 1.0))) == ["loss_not_decreasing"]


def test_the_start_of_a_noisy_curve_is_more_than_three_batches():
    curve = noisy(14, 10, 200, 3.0)
    curve[:3] = 6.0
    assert kinds(make_trace(curve)) == []


# A cheap constant


@pytest.mark.parametrize(("uninformed", "fails"), [(0.693, False), (None, True)])
def test_a_constant_that_is_cheap_makes_no_start_far_off(uninformed, fails):
    rare = make_trace(
        falling(0.7, 0.06, 400),
        start=0.7,
        end=0.06,
        constant=0.05,
        uninformed_loss=uninformed,
    )
    assert bool(kinds(rare)) is fails


def test_a_cheap_constant_excuses_no_start_that_the_data_explain():
    far = make_trace(
        falling(10.0, 1.9, 400),
        start=10.0,
        end=1.9,
        constant=1.4,
        uninformed_loss=2.1,
        inputs=RAW,
    )
    assert kinds(far) == ["worse_than_constant"]


def test_knowing_nothing_is_no_excuse_where_it_is_no_dearer_than_the_constant():
    far = make_trace(
        falling(7.0, 0.8, 400),
        start=7.0,
        end=0.8,
        constant=0.69,
        uninformed_loss=0.693,
    )
    assert kinds(far) == ["worse_than_constant"]


# Data out of scale


@pytest.mark.parametrize(
    ("inputs", "fails"), [(INPUTS, False), (RAW, True), (FAR, True)]
)
def test_shortness_excuses_no_start_that_the_data_explain(inputs, fails):
    short = make_trace(
        falling(7.0, 1.2, 54), start=7.0, end=1.2, constant=0.69, inputs=inputs
    )
    assert bool(kinds(short)) is fails


def compared(trace: Trace, *references: ComparedRun) -> list[str]:
    found = improvable(trace, references)
    return [it.kind for it in found if it.severity == "error"]


def with_change(kind: str, end: float, value: float | None = None) -> ComparedRun:
    better = make_trace(falling(1.0, end), start=1.0, end=end, constant=1.0)
    change = Change(kind=kind, value=value)
    return ComparedRun(changes=(change,), description=f"{kind} changed", trace=better)


def short(end: float, steps: int = 54, **rest: object) -> Trace:
    return make_trace(
        np.linspace(1.0, end, steps),
        start=1.0,
        end=end,
        constant=1.0,
        **{"inputs": INPUTS, **rest},
    )


@pytest.mark.parametrize(
    ("kind", "inputs", "fails"),
    [
        ("standardize_inputs", RAW, True),
        ("standardize_inputs", INPUTS, False),  # gray levels from 0 to 1
        ("clip_inputs", FAR, True),
        ("canonical_output", INPUTS, True),
        ("no_penalty", INPUTS, True),
        ("reinitialize", INPUTS, False),
    ],
)
def test_however_short_the_run_a_fault_undone_that_removes_far_more_fails_it(
    kind, inputs, fails
):
    trace = short(0.7, steps=18, inputs=inputs)
    assert compared(trace, with_change(kind, 0.2)) == (["plateau"] if fails else [])


@pytest.mark.parametrize(
    ("mean", "std", "fails"),
    [
        (0.5, 0.29, False),  # uniform from 0 to 1
        (0.0, 0.004, True),  # normalized twice
        (5.0, 3.0, True),
    ],
)
def test_data_as_good_as_scaled_are_no_fault_if_standardized_ones_learn_faster(
    mean, std, fails
):
    inputs = (column("input", mean=mean, std=std),)
    trace = short(0.7, steps=320, inputs=inputs)
    assert bool(compared(trace, with_change("standardize_inputs", 0.05))) is fails


def test_a_change_that_learns_no_more_than_a_constant_proves_nothing():
    far = make_trace(
        falling(4.0, 1.6, 50), start=4.0, end=1.6, constant=1.0, inputs=INPUTS
    )
    assert improvable(far, (with_change("canonical_output", 0.95),)) == ()


def test_a_fault_of_the_data_is_reported_though_a_higher_rate_does_better():
    trace = short(0.9, inputs=RAW)
    rate, scaled = (
        with_change("learning_rate", 0.05, 10.0),
        with_change("standardize_inputs", 0.3),
    )
    first, better = improvable(trace, (rate, scaled))
    assert first.severity == "error"
    assert "standardize_inputs" in better.message


# A higher rate


@pytest.mark.parametrize(("end", "fails"), [(0.95, False), (0.99, True)])
def test_a_short_run_that_gets_on_needs_longer_one_that_does_not_fails(end, fails):
    rate = with_change("learning_rate", 0.2, 10.0)
    assert bool(compared(short(end), rate)) is fails


@pytest.mark.parametrize(("update", "fails"), [(1e-4, True), (5e-3, False)])
def test_weights_that_go_far_while_the_loss_falls_are_not_too_slow(update, fails):
    long = short(0.9, steps=960, update_norm=update)
    rate = with_change("learning_rate", 0.1, 10.0)
    assert bool(compared(long, rate)) is fails


@pytest.mark.parametrize(
    ("initializer", "asked"), [("GlorotUniform", False), ("RandomNormal", True)]
)
def test_weights_on_their_way_that_were_drawn_as_usual_are_not_drawn_anew(
    initializer, asked
):
    facts = ModelFacts(initializers=(initializer,))
    on_its_way = short(0.9, steps=960, update_norm=5e-3)
    changes = wanted(on_its_way, facts)
    assert ((Change(kind="reinitialize"),) in changes) is asked


# Averages of batch normalization


def lagging(**rest: object) -> Trace:
    trace = make_trace(
        falling(0.7, 0.01, 54), start=0.7, end=2.5, constant=0.69, inputs=INPUTS
    )
    return replace(trace, **rest)


@pytest.mark.parametrize(("update", "asked"), [(1e-6, True), (1e-3, False)])
def test_a_far_higher_rate_is_tried_where_the_weights_hardly_moved(update, asked):
    changes = wanted(short(0.999, update_norm=update), ModelFacts())
    assert ((Change(kind="learning_rate", value=1e4),) in changes) is asked


def test_averages_that_lag_are_named_and_the_training_itself_decides():
    trace = lagging(averaging=("batch_normalization",))
    assert kinds(trace) == []
    (finding,) = judge(trace, Policy())
    assert finding.kind == "slow_convergence"
    assert "the averages of batch normalization (layer batch_norm" in finding.message
    assert "the loss is at 2.5 after step 54" in finding.message


def test_without_averages_predictions_decide():
    assert "worse_than_constant" in kinds(lagging())


def test_averages_that_an_outlier_spoils_do_not_lag():
    spoiled = lagging(averaging=("batch_normalization",), inputs=FAR)
    assert "worse_than_constant" in kinds(spoiled)


# Overfitting


@pytest.mark.parametrize(
    ("losses", "is_reported"),
    [
        ((0.5, 0.1, 0.15, 0.25), False),  # three quarters of a constant's loss are gone
        ((0.9, 0.45, 0.5, 0.52), False),  # it rose a little
        ((0.9, 0.45, 0.6, 0.8), True),
        ((1.0, 0.98, 1.1, 1.2), True),  # nothing held outside
    ],
)
def test_overfitting_is_reported_where_what_held_outside_is_lost(losses, is_reported):
    trace = make_trace(
        falling(1, 0.05, 100),
        start=1,
        end=0.05,
        constant=1.0,
        validation=Validation(step=(25, 50, 75, 100), loss=losses, constant=1.0),
    )
    assert (kinds(trace, "warning") == ["overfitting"]) is is_reported


def test_a_loss_with_a_constant_part_is_judged_by_what_lies_above_it():
    """540 of 542 can never go: two thirds of the rest are gone."""
    curve = falling(541.9, 540.6, 64)
    trace = make_trace(
        curve, start=542.0, end=540.6, constant=541.0, perfect_loss=540.0
    )
    found = loss_curve_of(trace)
    assert found.beats_constant
    assert judge(trace, Policy()) == ()
    assert not loss_curve_of(replace(trace, perfect_loss=None)).beats_constant
