"""Weights, averages and optimizers that a step leaves behind, from hand-made facts."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.step_facts import StepFacts
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def found(kind, **facts):
    trace = make_trace(falling(), start=1.0, end=0.1, step=StepFacts(**facts))
    return [it for it in judge(trace, Policy()) if it.kind == kind]


@pytest.mark.parametrize(("asked", "severity"), [(False, "error"), (True, "warning")])
def test_layers_that_were_never_in_training_mode_are_named(asked, severity):
    layers = ("net/bn", "net/drop", "net/bn_1", "net/bn_2")
    (it,) = found("inference_mode", inference_layers=layers, inference_asked=asked)
    assert (it.severity, it.value, it.limit) == (severity, 4, 0)
    assert it.where == "net/bn, net/drop, net/bn_1 and 1 more"


def test_a_step_of_which_nothing_was_seen_is_not_judged_by_it():
    assert not found("inference_mode")
    trace = make_trace(falling(), start=1.0, end=0.1)
    assert not judge(trace, Policy())


@pytest.mark.parametrize(
    ("steps", "taken", "after", "fails"),
    [(1, 40, 36, True), (1, 12, 8, False), (1, 40, 0, False), (2, 400, 300, False)],
)
def test_one_update_that_is_followed_by_gradients_alone_fails(
    steps, taken, after, fails
):
    facts = StepFacts(gradients=taken, gradients_after=after)
    trace = make_trace([1.0] * steps, step=facts)
    kinds = {it.kind for it in judge(trace, Policy())}
    assert ("update_skipped" in kinds) == fails


@pytest.mark.parametrize(("steps", "fails"), [(4, True), (3, False)])
def test_sums_that_are_never_reset_fail_after_some_updates(steps, fails):
    trace = make_trace([1.0] * steps, step=StepFacts(never_reset=True))
    found = [it for it in judge(trace, Policy()) if it.kind == "update_skipped"]
    assert [(it.value, it.limit) for it in found] == [(4, 4)] * fails


@pytest.mark.parametrize(
    ("steps", "restarts", "state_lost", "severity"),
    [
        (40, 39, True, "error"),
        (40, 3, True, "error"),
        (200, 3, True, "warning"),
        (200, 9, True, "error"),
        (990, 9, True, "error"),
        (1000, 9, True, "warning"),
        (40, 39, False, None),
        (40, 0, True, None),
    ],
)
def test_optimizers_made_anew_fail_where_they_cannot_be_phases(
    steps, restarts, state_lost, severity
):
    facts = StepFacts(restarts=restarts, state_lost=state_lost)
    trace = make_trace(falling(steps=steps), start=1.0, end=0.1, step=facts)
    found = [it for it in judge(trace, Policy()) if it.kind == "optimizer_restarted"]
    assert [it.severity for it in found] == ([severity] if severity else [])
