"""Numbers that are not finite, and losses that cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge, loss_curve_of
from tests.support.traces import column, falling, make_trace


def kinds(trace):
    return [it.kind for it in judge(trace, Policy())]


def test_the_first_non_finite_loss_is_named():
    trace = make_trace([1.0, 0.9, np.nan], start=1, end=np.nan, constant=1)

    found = judge(trace, Policy())

    assert [(it.kind, it.step) for it in found] == [("nonfinite_loss", 3)]
    assert found[0].headline == "the loss was NaN at step 3"


def test_infinity_is_distinguished_from_nan():
    trace = make_trace([1.0, np.inf], start=1, end=np.inf)

    assert judge(trace, Policy())[0].message == "the loss was inf at step 2"


def test_a_loss_that_could_not_be_seen_is_not_taken_for_nan():
    trace = make_trace(falling(), start=1, end=0.1, constant=1)
    unseen = replace(
        trace.steps,
        loss=np.full(400, np.nan),
        data_loss=np.full(400, np.nan),
        loss_seen=np.zeros(400, bool),
    )

    assert kinds(replace(trace, steps=unseen)) == []


def test_predictions_that_are_not_finite_fail_though_every_step_was():
    assert "nonfinite_loss" in kinds(make_trace(falling(), start=1, end=np.nan))


def test_a_non_finite_gradient_names_step_and_variable():
    norms = np.ones((4, 2))
    norms[2, 1] = np.inf
    trace = make_trace([1, 0.9, 0.8, 0.7], start=1, end=0.7, grad_norm=norms)

    (found,) = [it for it in judge(trace, Policy()) if "gradient" in it.kind]

    assert (found.kind, found.step) == ("nonfinite_gradient", 3)
    assert found.where == "net/dense_1/kernel"


def test_loss_scaling_skips_such_gradients_on_purpose():
    norms = np.ones((400, 2))
    norms[0] = np.inf
    trace = make_trace(falling(), start=1, end=0.1, constant=1, grad_norm=norms)

    assert kinds(replace(trace, loss_is_scaled=True)) == []


def test_nan_in_the_input_is_reported_first_when_the_training_broke():
    inputs = (column("input", nonfinite=2, first_nonfinite=(3, 1)),)
    trace = make_trace([np.nan], start=np.nan, end=np.nan, inputs=inputs)

    found = judge(trace, Policy())

    assert [it.kind for it in found] == ["nonfinite_input", "nonfinite_loss"]
    assert found[0].where == "row 3, feature 1"


def test_nan_in_the_input_only_warns_where_the_training_copes():
    inputs = (column("input", nonfinite=2, first_nonfinite=(3, 1)),)
    trace = make_trace(falling(), start=1, end=0.1, constant=1, inputs=inputs)

    assert [(it.kind, it.severity) for it in judge(trace, Policy())] == [
        ("missing_values", "warning")
    ]


def test_a_negative_cross_entropy_cannot_be():
    trace = make_trace(
        np.linspace(0.7, -2, 50),
        start=0.7,
        end=-2,
        losses=("binary_crossentropy",),
    )

    (found,) = judge(trace, Policy())

    assert found.kind == "impossible_loss"
    assert found.value < 0


def test_a_negative_loss_of_ones_own_can_be():
    trace = make_trace(np.linspace(0.7, -2, 50), start=0.7, end=-2, losses=("my_nll",))

    assert kinds(trace) == []


def test_a_loss_of_zero_from_the_first_step_cannot_be():
    trace = make_trace([0.0] * 20, start=0, end=0, losses=("categorical_crossentropy",))

    assert "impossible_loss" in kinds(trace)


def test_a_loss_that_falls_without_bound_cannot_be():
    trace = make_trace(-np.geomspace(1, 1e10, 50), start=1, end=-1e10, losses=("mine",))

    (found,) = judge(trace, Policy())

    assert "it falls without bound" in found.message


def test_labels_that_make_a_constant_cost_less_than_nothing_cannot_be():
    trace = make_trace(
        falling(), start=1, end=0.1, constant=-10, losses=("binary_crossentropy",)
    )

    assert "impossible_loss" in kinds(trace)


@pytest.mark.parametrize(
    ("perfect", "expected_kinds"),
    [(0.0, ["impossible_loss"]), (-1.0, []), (-0.2, []), (None, [])],
)
def test_a_distance_with_the_wrong_sign_costs_most_where_it_is_perfect(
    perfect, expected_kinds
):
    """Similarities end at -1, likelihoods of ones own are no distances."""
    trace = make_trace(
        np.linspace(-0.1, -0.8, 200),
        start=-0.1,
        end=-0.8,
        constant=-0.3,
        losses=("mine",),
        perfect_loss=perfect,
    )

    assert kinds(trace) == expected_kinds


@pytest.mark.parametrize(
    ("constant", "perfect", "skill"),
    [
        (1.0, None, 0.2),  # at least 0 all the way: 0 is perfect
        (-0.5, None, None),
        (-0.5, -1.5, -1.3),
        (-0.5, -0.1, None),  # less was seen: that prediction is not perfect
    ],
)
def test_skill_is_measured_down_to_what_a_perfect_prediction_costs(
    constant, perfect, skill
):
    trace = make_trace(
        [1.0, 0.8], start=1.0, end=0.8, constant=constant, perfect_loss=perfect
    )
    assert loss_curve_of(trace).skill == (
        None if skill is None else pytest.approx(skill)
    )
