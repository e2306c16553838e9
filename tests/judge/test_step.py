"""What a training step does wrong, judged from hand-made facts."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.step_facts import (
    CustomGradient,
    IgnoredArgument,
    StepFacts,
    TracedDraw,
)
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def found(kind, **facts):
    trace = make_trace(falling(), start=1.0, end=0.1, step=StepFacts(**facts))
    return [it for it in judge(trace, Policy()) if it.kind == kind]


@pytest.mark.parametrize(
    ("facts", "value"),
    [
        ({"loss_scale": 1024.0, "loss_scaled": False}, 1 / 1024),
        ({"loss_scale": 1024.0, "gradients_scaled": True, "loss_scaled": True}, 1024),
        ({"loss_scale": 1024.0, "loss_scaled": True}, None),
        ({"loss_scale": 1024.0, "loss_scaled": None}, None),
        ({"loss_scale": 1.0, "loss_scaled": False}, None),
    ],
)
def test_a_scale_must_be_on_both_sides(facts, value):
    assert [it.value for it in found("loss_not_scaled", **facts)] == (
        [] if value is None else [value]
    )


def test_a_gradient_by_hand_that_is_wrong_is_a_warning_with_both_slopes():
    wrong = CustomGradient(name="bent", place="net.py:8", given=0.4, real=-0.4)
    (it,) = found("custom_gradient_wrong", custom_gradients=(wrong,))
    assert (it.severity, it.value, it.limit) == ("warning", 0.4, -0.4)
    assert "of bent (net.py:8) is 0.4, but" in it.message


@pytest.mark.parametrize(
    ("draw", "value"),
    [
        ({}, 40),
        ({"traces": 4}, 10),
        ({"traces": 5}, None),
        ({"runs": 10}, 10),
        ({"runs": 9}, None),
        ({"in_dataset": True}, 40),
    ],
)
def test_a_number_that_is_drawn_once_for_many_runs_is_a_warning(draw, value):
    drawn = TracedDraw(name="random.random", place="net.py:8", **draw)
    trace = make_trace([1.0] * 40, step=StepFacts(traced_draws=(drawn,)))
    it = [it for it in judge(trace, Policy()) if it.kind == "random_drawn_once"]
    assert [(each.severity, each.value) for each in it] == (
        [] if value is None else [("warning", value)]
    )


def test_all_places_that_draw_once_make_one_finding_for_each_kind_of_function():
    drawn = [
        TracedDraw(name="random.random", place=f"net.py:{line}", in_dataset=line > 6)
        for line in range(1, 9)
    ]
    step, dataset = found("random_drawn_once", traced_draws=tuple(drawn))
    assert step.where == "net.py:1"
    assert step.message.endswith("The same at net.py:2, net.py:3, net.py:4, ...")
    assert (dataset.where, dataset.message[-8:]) == ("net.py:7", "net.py:8")


@pytest.mark.parametrize(("penalty", "fails"), [(0.3, True), (1e-9, False)])
def test_a_penalty_that_is_left_out_is_reported_with_the_loss(penalty, fails):
    assert len(found("penalty_left_out", penalty=penalty)) == fails


@pytest.mark.parametrize("left_out", [True, False])
def test_weights_that_the_loss_leaves_out_are_an_error(left_out):
    kinds = [
        it.severity for it in found("sample_weight_ignored", weights_left_out=left_out)
    ]
    assert kinds == ["error"] * left_out


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        ({"kind": "mask", "differs": True}, "error"),
        ({"kind": "weights", "differs": True}, "error"),
        ({"kind": "mask", "differs": None}, "warning"),
        ({"kind": "mask", "differs": False}, None),
        ({"kind": "mask", "differs": True, "is_named": False}, "warning"),
        ({"kind": "mask", "differs": True, "model_masks": True}, "warning"),
        ({"kind": "weights", "differs": True, "model_masks": True}, "error"),
        ({"kind": "ends", "differs": True}, None),
        ({"kind": "ends", "differs": True, "bootstraps": True}, "error"),
    ],
)
def test_an_argument_that_a_step_ignores_fails_if_it_would_matter(facts, severity):
    ignored = (IgnoredArgument(name="it", **facts),)
    kinds = [it.severity for it in found("argument_ignored", ignored=ignored)]
    assert kinds == ([] if severity is None else [severity])


def test_weights_of_fit_that_are_left_out_are_not_named_twice():
    ignored = (IgnoredArgument(name="sample_weight", kind="weights", differs=True),)
    assert not found("argument_ignored", ignored=ignored, weights_left_out=True)
