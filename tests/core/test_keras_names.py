"""One table of Keras' names: what the lists that it replaced did not agree on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_lossguard.core.change import Change, ModelFacts
from pytest_lossguard.core.keras_names import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    activation_facts,
    loss_facts,
    optimizer_facts,
)
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Output, TargetRange
from pytest_lossguard.experiments.candidates import hypotheses
from pytest_lossguard.experiments.changes import describe
from pytest_lossguard.judge import judge
from tests.support.traces import column, falling, make_trace

SIGNED = TargetRange(
    low=-3, high=3, below_minus_one=0.16, below_zero=0.5, above_one=0.2
)


def kinds_of(activation, loss, target=SIGNED):
    """What is found where a training that learned well ends in such an output."""
    trace = make_trace(falling(), start=1.0, end=0.1, constant=1.0, losses=(loss,))
    output = Output(layer="dense_1", activation=activation, units=1)
    after = replace(trace.after, outputs=(output,))
    trace = replace(trace, after=after, target_ranges=(target,))
    return [it.kind for it in judge(trace, Policy())]


def likeliest(**facts):
    """The changes tried first for a loss that stands still."""
    trace = make_trace(falling(1.0, 0.9), start=1.0, end=0.9, constant=1.0)
    trace = replace(trace, inputs=(column("inputs"),))
    found = hypotheses(trace, (), ModelFacts(**facts))
    return {(it.change.kind, it.change.value): it.weight for it in found}


def test_no_name_means_two_things():
    names = [
        *((it.name, it.class_name, *it.aliases) for it in LOSSES),
        *((it.name, *it.aliases) for it in ACTIVATIONS),
        *((it.name,) for it in OPTIMIZERS),
    ]
    flat = [name for group in names for name in group]
    assert len(flat) == len(set(flat))


@pytest.mark.parametrize("name", ["mse", "MSE", "MeanSquaredError"])
def test_a_loss_is_known_by_all_of_its_names(name):
    assert loss_facts(name) is loss_facts("mean_squared_error")


def test_what_is_not_of_keras_is_not_known():
    assert loss_facts("my_loss") is None
    assert activation_facts("my_activation") is None
    assert activation_facts(None) is None
    assert optimizer_facts("Sophia") is None


@pytest.mark.parametrize(
    "activation", ["relu6", "squareplus", "softsign", "hard_tanh", "sparse_sigmoid"]
)
def test_every_bounded_output_is_seen_not_to_reach_signed_targets(activation):
    assert kinds_of(activation, "mse") == ["labels_out_of_range"]


@pytest.mark.parametrize("activation", ["elu", "celu", "selu", "gelu", "silu", "mish"])
def test_an_output_that_goes_a_little_below_0_is_left_alone(activation):
    assert kinds_of(activation, "mse") == []


@pytest.mark.parametrize(
    "loss", ["binary_focal_crossentropy", "categorical_focal_crossentropy", "kld"]
)
def test_labels_out_of_range_is_found_under_every_loss_of_probabilities(loss):
    assert kinds_of("sigmoid", loss) == ["labels_out_of_range"]


@pytest.mark.parametrize("name", ["Poisson", "poisson"])
def test_a_loss_without_floor_has_none_by_any_name(name):
    assert not loss_facts(name).has_floor


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "Nadam"])
def test_the_adam_family_shares_its_usual_rates(optimizer):
    high = likeliest(optimizer=optimizer, learning_rate=0.3)
    low = likeliest(optimizer=optimizer, learning_rate=5e-5)

    assert high["learning_rate", 0.1] == 95
    assert low["learning_rate", 10.0] == 95
    assert ("optimizer", "adam") not in high


@pytest.mark.parametrize("activation", ["softsign", "hard_tanh", "sparse_sigmoid"])
def test_relu_is_tried_for_every_hidden_activation_that_saturates(activation):
    found = likeliest(activations=(activation,) * 3)

    assert found["hidden_activation", "relu"] == 40


def test_the_change_of_optimizer_is_reported_with_its_rate():
    change = Change(kind="optimizer", value="adam")
    trace = make_trace(falling(), start=1.0, end=0.1, constant=1.0)

    assert describe(change, trace, ModelFacts(optimizer="SGD")) == "SGD -> Adam(0.001)"
