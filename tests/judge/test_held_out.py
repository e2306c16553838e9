"""Held-out rows: broken ones, and those prepared otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import (
    HeldOut,
    Nonfinite,
)
from pytest_lossguard.judge import judge
from tests.support.held_out import kinds_found, message, trained
from tests.support.traces import column

NAN = float("nan")
BAD_INPUTS = Nonfinite(part="inputs", column=3, columns=8, affected=1, rows=2, of=50)
FOUR = {"mean": np.zeros(4), "std": np.ones(4), "low": -np.ones(4)}
FOUR |= {"high": np.ones(4), "median": np.zeros(4)}


# NaN or infinity


def test_missing_values_in_held_out_rows_fail_with_feature_and_share():
    trace = trained((NAN,) * 4, HeldOut(rows=50, nonfinite=(BAD_INPUTS,)))
    (found,) = judge(trace, Policy())
    assert (found.kind, found.severity) == ("nonfinite_validation", "error")
    assert found.where == "feature 3"
    assert (
        "validation inputs hold NaN or infinity in feature 3, in 2 of 50 rows (4%)"
        in (found.message)
    )


def test_missing_held_out_targets_are_reported_as_targets():
    bad = replace(BAD_INPUTS, part="targets", columns=1, column=0)
    trace = trained((NAN,) * 4, HeldOut(rows=50, nonfinite=(bad,)))
    assert "the validation targets hold NaN or infinity, in 2 of 50" in message(trace)


def test_a_held_out_loss_that_is_not_finite_is_reported_where_the_rows_were_not_seen():
    (found,) = judge(trained((0.5, NAN, 0.5, 0.4), None), Policy())
    assert (found.kind, found.severity) == ("nonfinite_validation", "warning")
    assert "1 of 4 held-out losses" in found.message


def test_overfitting_is_reported_by_the_finite_held_out_losses():
    losses = (0.9, 0.5, NAN, 0.7, 0.8)
    assert kinds_found(trained(losses, None)) == ["overfitting", "nonfinite_validation"]


def test_missing_values_that_the_training_rows_have_too_are_masked():
    bad = HeldOut(rows=50, nonfinite=(BAD_INPUTS,))
    alike = trained((0.5, 0.3), bad, inputs=(column("input", nonfinite=3),))
    assert kinds_found(trained((0.5, 0.3), bad)) == ["nonfinite_validation"]
    assert kinds_found(alike) == []


def test_a_training_that_broke_itself_has_no_held_out_rows_to_blame():
    broken = replace(
        trained((NAN,) * 4, None), after=None, before=None, constant_loss=None
    )
    broken.steps.loss[50:] = NAN
    assert "nonfinite_validation" not in kinds_found(broken)


# Rows that are prepared otherwise

RAW = HeldOut(rows=100, inputs=(column("input", mean=541.0, std=120.0, high=900.0),))
ALIKE = HeldOut(rows=100, inputs=(column("input", mean=0.1),))


def test_held_out_rows_in_another_scale_are_reported_by_feature_not_as_overfitting():
    trace = trained((40.0, 45.0, 60.0, 90.0), RAW)
    assert kinds_found(trace) == ["validation_differs"]
    assert "never below 40, limit 0.5" in message(trace)
    assert "has mean 541 and standard deviation 120 there, 0 and 1 in" in message(trace)


def test_a_loss_that_rises_on_rows_in_another_scale_is_no_overfitting_either():
    trace = trained((0.9, 0.3, 0.6, 0.9), RAW)
    assert kinds_found(trace) == ["validation_differs"]
    assert "rose to 0.9, limit 0.3 (its lowest)" in message(trace)


def test_real_overfitting_stays_overfitting():
    assert kinds_found(trained((0.9, 0.5, 0.7, 0.9), ALIKE)) == ["overfitting"]
    # Nothing holds outside, and was never learned there: memorized by and by.
    assert kinds_found(trained((1.02, 1.1, 1.3, 1.6), ALIKE)) == ["overfitting"]


def test_a_held_out_loss_far_off_after_one_pass_is_no_overfitting():
    """In the first pass each row is new: nothing is learned by heart by then."""
    trace = trained((5.0, 6.0, 7.0, 8.0), ALIKE)
    assert kinds_found(trace) == ["validation_differs"]
    assert "look at the labels" in message(trace)
    late = replace(trace, steps_per_epoch=2)
    assert kinds_found(late) == ["overfitting"]
    assert kinds_found(replace(trace, averaging=("batch_normalization",))) == [
        "overfitting"
    ]


def test_few_held_out_rows_tell_nothing_of_the_others():
    few = replace(RAW, rows=8)
    assert kinds_found(trained((40.0, 45.0, 60.0, 90.0), few)) == ["overfitting"]


def test_rows_in_another_scale_that_are_predicted_well_are_no_fault():
    assert kinds_found(trained((0.9, 0.5, 0.3, 0.2), RAW)) == []


def test_a_training_that_does_not_learn_has_no_held_out_rows_to_blame():
    trace = replace(
        trained((40.0, 45.0), RAW), after=None, before=None, constant_loss=0.06
    )
    assert "validation_differs" not in kinds_found(trace)


def test_held_out_rows_of_classes_never_trained_on_are_reported():
    sorted_by_class = replace(ALIKE, unknown=0.98)
    trace = trained((5.0, 6.0, 7.0, 8.0), sorted_by_class)
    assert "98% of its rows are of a class that no training row has" in message(trace)


def test_squeezed_columns_are_reported():
    mine = column("input", **FOUR)
    theirs = replace(mine, std=np.full(4, 0.06))
    trace = trained(
        (0.9, 0.8, 0.7, 0.7), HeldOut(rows=100, inputs=(theirs,)), inputs=(mine,)
    )
    assert kinds_found(trace) == ["validation_differs"]


@pytest.mark.parametrize(
    "theirs",
    [
        {"mean": 0.8},  # drifted a little
        {"std": 4.0, "low": -3.5, "high": 3.5},  # rare words, within the range
        {"std": 0.05},  # a single column that hardly varies there
    ],
)
def test_columns_that_differ_by_nature_leave_overfitting_as_it_is(theirs):
    rows = HeldOut(rows=100, inputs=(column("input", **theirs),))
    assert kinds_found(trained((0.9, 0.5, 0.7, 0.9), rows)) == ["overfitting"]


def test_a_word_never_seen_in_training_is_no_other_column():
    mine = column("input", **{**FOUR, "std": np.array([0.3, 0.3, 0.3, 0.0])})
    theirs = replace(
        mine, std=np.array([0.3, 0.3, 0.3, 0.14]), mean=np.array([0, 0, 0, 0.02])
    )
    rows = HeldOut(rows=100, inputs=(theirs,))
    trace = trained((0.9, 0.5, 0.7, 0.9), rows, inputs=(mine,))
    assert kinds_found(trace) == ["overfitting"]


def test_class_numbers_and_tokens_have_no_scale():
    mine = column("input", is_numeric=False)
    theirs = replace(RAW.inputs[0], is_numeric=False)
    rows = HeldOut(rows=100, inputs=(theirs,))
    assert kinds_found(trained((0.9, 0.5, 0.7, 0.9), rows, inputs=(mine,))) == [
        "overfitting"
    ]


def test_a_held_out_loss_that_was_never_good_is_reported_as_such():
    never = message(trained((1.3, 1.2, 1.4, 1.45, 1.5), None))
    assert "never below what a constant prediction costs (1)" in never
    assert "never below" not in message(trained((0.6, 0.5, 0.7, 0.8, 0.9), None))
