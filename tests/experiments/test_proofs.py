"""Which warnings re-runs can make errors, by what, and from where on."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.data_facts import DataFacts, UnseenRows
from pytest_lossguard.core.step_facts import CustomGradient, StepFacts
from pytest_lossguard.core.trace import Rescaled, Validation
from pytest_lossguard.experiments.compare import repeats
from pytest_lossguard.experiments.proofs import (
    Outside,
    outside,
    proofs,
    proved,
    seeds,
)
from tests.support.findings import finding
from tests.support.traces import falling, make_trace

WHY = "the rows are not all seen"


def run(end=0.5, steps=100, **rest):
    curve = falling(1.0, end, steps)
    return make_trace(curve, start=1.0, end=end, constant=1.0, perfect_loss=0.0, **rest)


def proof_of(kind, *, severity="warning", where=None, steps=100, **facts):
    told = finding(
        kind, severity=severity, where=where, why=WHY, **NUMBERS.get(kind, {})
    )
    return next(proofs((told,), run(steps=steps, **facts)), None)


NUMBERS = {
    "rows_in_class_order": {"value": 0.7, "limit": 0.4, "together": 2, "classes": 9},
    "rate_ended": {"value": 0.8, "limit": 0.5, "when": "there", "step": 40},
    "repeated_batch": {"value": 0.8, "limit": 0.0},
    "unscaled_inputs": {"value": 0.004, "limit": 0.02},
    "custom_gradient_wrong": {"value": -1.0, "limit": 1.0, "name": "bent"},
}


def test_rows_in_the_order_of_classes_are_shuffled():
    found = proof_of("rows_in_class_order")

    assert found.without == (Change(kind="shuffle_rows"),)
    assert found.as_it_was == found.with_fault == ()


def test_a_rate_that_a_callback_lowered_is_kept():
    facts = StepFacts(rate_cut_at=20, rate_ended_at=40)
    found = proof_of("rate_ended", step=facts)

    assert found.as_it_was == (Change(kind="more_steps", value=0.2),)
    assert found.with_fault == (Change(kind="more_steps", value=0.4),)
    assert found.without == ()


@pytest.mark.parametrize("calls", [3, 0])
def test_rows_that_each_call_left_out_are_trained_on(calls):
    unseen = UnseenRows(epochs=3, batches=20, steps=4, calls=calls)
    found = proof_of("repeated_batch", data_facts=DataFacts(unseen=unseen))

    few = Change(kind="fewer_rows", value=0.2)
    assert (found is not None) is bool(calls)
    if calls:
        assert found.as_it_was == found.with_fault == (few,)
        assert found.without == ()


def test_inputs_that_were_scaled_twice_are_scaled_once():
    found = proof_of("unscaled_inputs", rescaled=Rescaled(layer="r", scale=0.25))

    assert found.without == (Change(kind="scale_inputs", value=4.0),)
    assert proof_of("unscaled_inputs") is None


def test_a_gradient_written_by_hand_is_derived():
    wrong = CustomGradient(name="bent", place="net.py:3", given=-1.0, real=1.0)
    facts = StepFacts(custom_gradients=(wrong,))
    found = proof_of("custom_gradient_wrong", where="net.py:3", step=facts)

    assert found.without == (Change(kind="plain_gradients", value="net.py:3"),)
    assert proof_of("custom_gradient_wrong", where="net.py:9", step=facts) is None


def test_errors_other_warnings_and_long_trainings_are_left_alone():
    assert proof_of("rows_in_class_order", severity="error") is None
    assert proof_of("plateau") is None
    assert proof_of("rows_in_class_order", steps=5001) is None


@pytest.mark.parametrize(
    ("without", "perfect", "far"),
    [
        (0.66, 0.0, True),
        (0.68, 0.0, False),  # two thirds are left
        (0.66, 0.5, True),  # a third of what can be lost at all
        (0.9, 0.5, False),
    ],
)
def test_far_better_is_a_third_less_of_what_can_be_lost(without, perfect, far):
    found = Outside(fault=1.0, without=without, perfect=perfect, constant=2.0)

    assert found.is_far_better is far


def test_what_predicts_no_better_than_a_constant_is_not_better():
    assert not Outside(fault=9.0, without=1.9, perfect=0, constant=2).is_far_better


@pytest.mark.parametrize(
    ("skill", "again", "same"),
    [(0.5, 0.6, True), (0.5, 0.7, False), (0.5, 0.3, False), (-0.4, 0.1, True)],
)
def test_a_re_run_that_learns_otherwise_says_nothing(skill, again, same):
    assert repeats(run(1 - skill), run(1 - again), least=0.0) is same


def held_out(loss, constant=1.0):
    return run(validation=Validation(step=(1, 2), loss=(0.1, loss), constant=constant))


def test_the_end_on_held_out_rows_is_compared():
    found = outside(held_out(0.8), held_out(0.2))

    assert found == Outside(fault=0.8, without=0.2, perfect=0.0, constant=1.0)
    assert outside(run(), held_out(0.2)) is None
    assert outside(held_out(0.8), held_out(0.2, constant=None)) is None


def test_an_error_has_both_losses_the_worst_seed_and_a_verified_cause():
    found = [
        Outside(fault=0.8, without=it, perfect=0.0, constant=1.0)
        for it in (0.2, 0.4, 0.1)
    ]
    error, why = proved(proof_of("rows_in_class_order"), tuple(found))
    (cause,) = why.causes

    assert len(found) == len(seeds())
    assert error.severity == "error"
    assert "a loss of 0.2 on held-back rows, with the fault at 0.8" in (error.message)
    assert "on 3 seeds at most 50% of it is left, limit 67%" in error.message
    assert (cause.cause, cause.verified) == ("rows_in_class_order", True)
    assert (cause.loss_before, cause.loss_after) == (0.8, 0.2)
