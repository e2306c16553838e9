"""The inside explains; alone it only warns."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.step_facts import StepFacts
from pytest_lossguard.core.trace import LayerStats
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def found(trace, **policy):
    return [(it.kind, it.severity) for it in judge(trace, Policy(**policy))]


def good(**rest):
    return make_trace(falling(), start=1, end=0.1, constant=1, **rest)


def relu(dead, **rest):
    return LayerStats(name="hidden", activation="relu", units=10, dead=dead, **rest)


def sigmoid(saturated, **rest):
    return LayerStats(
        name="hidden", activation="sigmoid", units=10, saturated=saturated, **rest
    )


@pytest.mark.parametrize(("dead", "expected"), [(0.8, []), (0.97, ["dead_units"])])
def test_sparse_units_of_a_good_training_are_no_news(dead, expected):
    assert [kind for kind, _ in found(good(layers=(relu(dead),)))] == expected


def test_dead_units_explain_a_bad_training():
    bad = make_trace([9.0] * 400, start=9, end=9, constant=1, layers=(relu(0.8),))

    assert ("dead_units", "warning") in found(bad)


def test_saturated_hidden_units_warn():
    assert found(good(layers=(sigmoid(0.99),))) == [
        ("saturated_activations", "warning")
    ]


def test_an_output_may_be_sure_of_itself():
    assert found(good(layers=(sigmoid(0.99, is_output=True),))) == []


def test_a_gradient_norm_over_the_policys_limit_fails():
    trace = good(grad_norm=3.0)

    assert found(trace) == []
    assert found(trace, max_grad_norm=4.0) == [("exploding_gradient", "error")]
    assert found(trace, max_grad_norm=5.0) == []


def test_a_gradient_far_over_the_runs_own_warns():
    norms = np.ones((400, 2))
    norms[7] = 1e5

    assert found(good(grad_norm=norms)) == [("exploding_gradient", "warning")]


def test_a_tiny_first_gradient_warns():
    names = ("a/kernel", "b/kernel", "c/kernel")

    trace = good(grad_norm=[1e-6, 0.1, 1.0], variables=names)

    (only,) = judge(trace, Policy())
    assert (only.kind, only.where) == ("vanishing_gradient", "a/kernel")


def test_a_variable_without_gradient_is_named():
    (only,) = judge(good(grad_norm=[-1.0, 1.0]), Policy())

    assert (only.kind, only.where) == ("disconnected_variable", "net/dense/kernel")


def test_a_dominating_penalty_shows_its_share_per_epoch():
    data = np.asarray(falling(1, 0.2, 40))
    trace = make_trace(
        data + 1.0,
        data_loss=data,
        start=1,
        end=0.2,
        constant=1,
        steps_per_epoch=4,
    )

    (only,) = judge(trace, Policy())

    assert only.kind == "penalty_dominates"
    assert "epoch 1 5" in only.message
    assert "10 8" in only.message


def test_a_penalty_that_is_left_when_the_data_are_learned_is_no_news():
    data = np.asarray(falling(1, 0.001, 40))
    how = {"data_loss": data, "start": 1, "end": 0.001, "constant": 1}

    assert found(make_trace(data + 0.1, **how)) == []
    (kept,) = found(make_trace(data + 0.5, **how))
    assert "penalty_dominates" in str(kept)


def test_what_is_added_and_depends_on_the_batch_is_an_objective():
    data = np.asarray(falling(1, 0.2, 40))
    how = {"data_loss": data, "start": 1, "end": 0.2, "constant": 1}
    noise = np.random.default_rng(0).normal(1, 0.05, 40)

    assert found(make_trace(data + noise, **how)) == []
    (trend,) = found(make_trace(data + np.linspace(2, 0.5, 40) + noise / 1e3, **how))
    (declared,) = found(
        make_trace(data + noise, **how, step=StepFacts(regularized=True))
    )
    assert "penalty_dominates" in str(trend)
    assert "penalty_dominates" in str(declared)


def test_a_customary_penalty_is_no_news():
    data = np.asarray(falling())

    assert found(good(data_loss=data)) == []


@pytest.mark.parametrize(("last", "expected"), [(0.1, True), (float("nan"), False)])
def test_units_are_reported_to_be_one_only_where_numbers_are_finite(last, expected):
    layers = (LayerStats(name="hidden", activation="relu", units=4, symmetric=True),)
    trace = make_trace([*falling(), last], start=1, end=last, constant=1, layers=layers)

    assert (("symmetric_weights", "error") in found(trace)) == expected
