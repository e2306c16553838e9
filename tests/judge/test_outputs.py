"""What the output can never be is a fault, whatever the curve looks like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.relations import ActivatedTwice, StepRelations
from pytest_lossguard.core.trace import Output, TargetRange
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def found_for(activation, target, loss="mse", units=1):
    """Kinds and severities for a run that learned well by its curve."""
    trace = make_trace(falling(), start=1.0, end=0.1, constant=1.0, losses=(loss,))
    output = Output(layer="dense_1", activation=activation, units=units)
    trace = replace(
        trace,
        after=replace(trace.after, outputs=(output,)),
        target_ranges=(target,),
    )
    return [(it.kind, it.severity) for it in judge(trace, Policy())]


def values(low, high, **shares):
    return TargetRange(low=low, high=high, **shares)


SIGNED = values(-3, 3, below_minus_one=0.16, below_zero=0.5, above_one=0.16)
FAILS = [("labels_out_of_range", "error")]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "softplus"])
def test_signed_targets_are_out_of_the_reach_of_a_bounded_output(activation):
    assert found_for(activation, SIGNED) == FAILS


@pytest.mark.parametrize("activation", [None, "linear", "elu", "leaky_relu"])
def test_an_output_without_bounds_reaches_all(activation):
    assert found_for(activation, SIGNED) == []


def test_class_numbers_are_out_of_the_reach_of_one_sigmoid():
    classes = values(0, 3, above_one=0.5)

    assert found_for("sigmoid", classes, "binary_crossentropy") == FAILS


@pytest.mark.parametrize(
    ("activation", "target"),
    [
        ("sigmoid", values(0, 1)),
        ("tanh", values(-1, 1, below_zero=0.5)),
        ("relu", values(0, 250, above_one=0.9)),
    ],
)
def test_targets_within_reach_are_fine(activation, target):
    assert found_for(activation, target) == []


def test_a_few_values_out_of_reach_only_warn():
    few = values(-0.1, 5, below_zero=0.02)

    assert found_for("relu", few) == [("labels_out_of_range", "warning")]


def test_class_indices_need_a_unit_each():
    loss = "sparse_categorical_crossentropy"

    assert found_for("softmax", values(0, 9, above_one=0.8), loss, units=10) == []
    assert found_for("softmax", values(1, 10, above_one=0.9), loss, units=10) == FAILS
    assert found_for("softmax", values(-1, 9, below_zero=0.1), loss, units=10) == FAILS


@pytest.mark.parametrize("loss", ["hinge", "cosine_similarity", "my_own_loss"])
def test_a_loss_that_compares_in_another_way_is_left_alone(loss):
    assert found_for("sigmoid", SIGNED, loss) == []


MISMATCH = [("loss_output_mismatch", "error")]


def test_softmax_over_one_unit_says_nothing():
    assert found_for("softmax", values(0, 1), "binary_crossentropy") == MISMATCH


def test_labels_that_do_not_exclude_each_other_are_no_task_for_softmax():
    several = values(0, 1, rows_not_one=0.7, columns=3)

    assert found_for("softmax", several, "mse", units=3) == MISMATCH
    assert found_for("sigmoid", several, "mse", units=3) == []


def test_one_hot_and_soft_labels_are():
    soft = values(0, 1, rows_not_one=0.0, columns=3)

    assert found_for("softmax", soft, "categorical_crossentropy", units=3) == []


def test_it_can_be_allowed():
    trace = make_trace(falling(), start=1.0, end=0.1, losses=("mse",))
    output = Output(layer="dense_1", activation="relu", units=1)
    trace = replace(
        trace, after=replace(trace.after, outputs=(output,)), target_ranges=(SIGNED,)
    )

    assert judge(trace, Policy(allow=("labels_out_of_range",))) == ()


@pytest.mark.parametrize(
    ("facts", "end"),
    [
        ({"by": "softmax", "units": 10}, "above 23%"),
        ({"by": "softmax", "units": 2, "scale": 0.5}, "above 62%"),
        ({"by": "softmax", "units": None}, "no class can get a high"),
        ({"by": "sigmoid", "units": None}, "between 50% and 73%"),
    ],
)
def test_an_activation_that_is_applied_twice_fails(facts, end):
    twice = ActivatedTwice(place="train.py:9", **{"scale": 1.0, **facts})
    trace = make_trace(falling(), relations=StepRelations(twice=twice))
    (it,) = [it for it in judge(trace, Policy()) if it.kind == "activated_twice"]
    assert it.severity == ("warning" if "scale" in facts else "error")
    assert it.where == "train.py:9"
    assert end in it.message
    own = "Binary" if facts["by"] == "sigmoid" else "SparseCategorical"
    assert it.hint.endswith(f"as keras.losses.{own}Crossentropy().")
