"""Schedules that end too early, and clipping that leaves nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.step_facts import Clipping, StepFacts
from pytest_lossguard.judge import judge
from tests.support.traces import make_trace


def kinds(trace):
    return {it.kind for it in judge(trace, Policy()) if it.severity == "error"}


def resting(at, end, steps=400):
    """A loss that falls from 1 up to a step and stays there."""
    falls = np.geomspace(1.0, end, max(2, at))
    return [*falls, *[end] * (steps - len(falls))]


def ended(at, end, steps=400, **rest):
    return make_trace(
        resting(at, end, steps),
        start=1.0,
        end=end,
        constant=1.0,
        step=StepFacts(rate_ended_at=at),
        **rest,
    )


@pytest.mark.parametrize(
    ("at", "end", "fails"),
    [
        (40, 0.8, True),
        (5, 0.95, True),
        (100, 0.05, False),  # it had learned
        (300, 0.8, False),  # it is the end that rests
        (None, 0.8, False),
    ],
)
def test_a_rate_that_ends_while_the_loss_falls_fails(at, end, fails):
    assert ("rate_ended" in kinds(ended(at, end) if at else ended_never(end))) == fails


def ended_never(end):
    return make_trace(
        resting(40, end), start=1.0, end=end, constant=1.0, step=StepFacts()
    )


def test_a_loss_that_had_come_to_rest_before_the_rate_did_is_silent():
    losses = [*np.geomspace(1.0, 0.8, 20), *[0.8] * 380]
    facts = StepFacts(rate_ended_at=100)
    trace = make_trace(losses, start=1.0, end=0.8, constant=1.0, step=facts)
    assert "rate_ended" not in kinds(trace)


@pytest.mark.parametrize(
    ("cut", "falls_until", "end", "text"),
    [(40, 60, 0.8, ["warning"]), (40, 20, 0.8, []), (40, 60, 0.1, [])],
)
def test_a_rate_that_a_callback_lowers_while_the_loss_falls_is_a_warning(
    cut, falls_until, end, text
):
    facts = StepFacts(rate_ended_at=100, rate_cut_at=cut)
    losses = resting(falls_until, end)
    trace = make_trace(losses, start=1.0, end=end, constant=1.0, step=facts)
    found = [it for it in judge(trace, Policy()) if it.kind == "rate_ended"]
    assert [it.severity for it in found] == text
    for it in found:
        assert "at step 40, where a callback first lowered it" in it.message


def clipped(clipping, norm, end=1.0, steps=60):
    return make_trace(
        np.linspace(1.0, end, steps),
        start=1.0,
        end=end,
        constant=0.5,
        grad_norm=norm,
        step=StepFacts(clipping=clipping),
    )


@pytest.mark.parametrize(
    ("clipping", "norm", "fails"),
    [
        (Clipping(norm=1e-4), 1.0, True),
        (Clipping(whole=1e-4), 1.0, True),
        (Clipping(value=1e-6), 1.0, True),
        (Clipping(norm=1.0), 0.5, False),
        (Clipping(norm=0.5), 1.0, False),
        (Clipping(value=1e-2), 1.0, False),  # 200 values of it are no nothing
        (None, 1.0, False),
    ],
)
def test_clipping_that_leaves_nothing_at_any_step_fails(clipping, norm, fails):
    assert ("clipped_to_nothing" in kinds(clipped(clipping, norm))) == fails


def test_clipping_under_which_the_loss_falls_is_silent():
    trace = clipped(Clipping(norm=1e-4), 1.0, end=0.1)
    assert "clipped_to_nothing" not in kinds(trace)


def test_clipping_that_leaves_all_of_one_step_is_silent():
    norms = np.ones((60, 2))
    norms[30] = 1e-5
    trace = clipped(Clipping(norm=1e-4), norms)
    assert "clipped_to_nothing" not in kinds(trace)
