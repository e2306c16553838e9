"""Held-out rows: broken ones, those trained on too, and those prepared otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.coded_labels import Agreement
from pytest_lossguard.core.findings import SEEN_CAUSES
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import (
    HeldOut,
    NearRows,
    Nonfinite,
    Repeats,
    Trace,
    Validation,
)
from pytest_lossguard.judge import judge
from tests.support.traces import column, falling, make_trace

NAN = float("nan")
BAD_INPUTS = Nonfinite(part="inputs", column=3, columns=8, affected=1, rows=2, of=50)
FOUR = {"mean": np.zeros(4), "std": np.ones(4), "low": -np.ones(4)}
FOUR |= {"high": np.ones(4), "median": np.zeros(4)}


def trained(losses: tuple[float, ...], held_out: HeldOut | None, **rest) -> Trace:
    """A training that goes well, with held-out losses after each of its passes."""
    passes = tuple(range(25, 25 * len(losses) + 1, 25))
    trace = make_trace(
        falling(1.0, 0.05, 25 * len(losses)),
        start=1.0,
        end=0.05,
        constant=1.0,
        inputs=(column("input"),),
        validation=Validation(step=passes, loss=losses),
        held_out=held_out,
        steps_per_epoch=25,
    )
    return replace(trace, **rest)


def kinds_found(trace: Trace) -> list[str]:
    return [it.kind for it in judge(trace, Policy())]


def message(trace: Trace) -> str:
    (found,) = judge(trace, Policy())
    return found.message


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


# Rows that are trained on too


@pytest.mark.parametrize(
    ("found", "of", "again", "is_reported"),
    [
        (100, 100, 0, True),  # the training data themselves
        (30, 100, 0, True),
        (8, 8, 0, True),
        (2, 100, 0, False),  # a few duplicates
        (5, 100, 0, True),
        (40, 100, 200, False),  # rows repeat as much by nature
        (100, 100, 500, False),
        (95, 100, 200, True),
        (0, 100, 0, False),
    ],
)
def test_held_out_rows_that_are_trained_on_are_reported_beyond_what_repeats(
    found, of, again, is_reported
):
    repeats = Repeats(found=found, of=of, again=again, again_of=500)
    trace = trained((0.5, 0.3, 0.2), HeldOut(rows=of, repeats=repeats))
    assert (kinds_found(trace) == ["validation_rows_trained_on"]) is is_reported


def test_the_share_of_rows_trained_on_is_reported_beside_its_limit():
    repeats = Repeats(found=30, of=100, again=0, again_of=500)
    trace = trained((0.5, 0.3, 0.2), HeldOut(rows=100, repeats=repeats))
    assert "30% of the validation rows are trained on too, limit 21%" in message(trace)


@pytest.mark.parametrize(("found", "severity"), [(30, "error"), (20, "warning")])
def test_a_held_out_loss_of_mostly_trained_rows_is_an_error(found, severity):
    repeats = Repeats(found=found, of=100, again=0, again_of=500)
    trace = trained((0.5, 0.3, 0.2), HeldOut(rows=100, repeats=repeats))
    (it,) = judge(trace, Policy())
    assert (it.kind, it.severity) == ("validation_rows_trained_on", severity)


def test_rows_of_a_class_that_were_copied_are_reported_as_such():
    repeats = Repeats(found=30, of=100, again=0, again_of=500, copied=1)
    trace = trained((0.5, 0.3, 0.2), HeldOut(rows=100, repeats=repeats))
    assert "the rows of class 1 were copied before the split" in message(trace)


# Rows that are all but copies of such


def near_rows(near=(), others=(), **how):
    return NearRows(repeats=Repeats(**how), loss_near=near, loss_others=others)


@pytest.mark.parametrize(
    ("near", "others", "severity"),
    [
        ((0.04, 0.06), (0.9, 0.96), "error"),
        ((0.04, 0.5), (0.9, 0.96), "warning"),  # a half costs as much
        ((0.04, 0.06), (0.1, 5.0), "warning"),
        ((0.3, 0.3), (0.4, 0.4), "warning"),
        ((), (), "warning"),
    ],
)
def test_near_rows_are_an_error_where_they_cost_far_less_than_the_others(
    near, others, severity
):
    rows = near_rows(near, others, found=60, of=100, again=300, again_of=500)
    trace = trained((0.5, 0.3, 0.2), HeldOut(rows=100, near=rows), perfect_loss=0.0)
    (it,) = judge(trace, Policy())
    assert (it.kind, it.severity) == ("validation_rows_trained_on", severity)
    told = "these rows cost 0.05, the other validation rows 0.93" in it.message
    assert told is (severity == "error")


@pytest.mark.parametrize(
    ("found", "again", "among", "severity"),
    [
        (60, 0, 1.0, "error"),
        (25, 0, 1.0, None),
        (60, 300, 1.0, "warning"),  # so are training rows to one another
        (100, 300, 1.0, "error"),
        (25, 150, 1.0, None),
        (20, 0, 0.2, "error"),  # of all, five times as many
        (20, 100, 0.2, "warning"),
    ],
)
def test_near_copies_of_trained_rows_are_an_error_beyond_what_is_near_by_nature(
    found, again, among, severity
):
    near = near_rows(found=found, of=100, again=again, again_of=500, among=among)
    trace = trained((0.5, 0.3, 0.2), HeldOut(rows=100, near=near))
    told = [(it.kind, it.severity) for it in judge(trace, Policy())]
    assert told == [("validation_rows_trained_on", severity)] * (severity is not None)


def test_rows_that_equal_trained_rows_are_told_before_those_that_nearly_do():
    equal = Repeats(found=30, of=100, again=0, again_of=500)
    near = near_rows(found=60, of=100, again=300, again_of=500)
    both = HeldOut(rows=100, repeats=equal, near=near)
    assert "are trained on too" in message(trained((0.5, 0.3, 0.2), both))
    said = message(trained((0.5, 0.3, 0.2), HeldOut(rows=100, near=near)))
    assert "60% of the validation rows are nearly equal to rows that are" in said
    assert "limit 20% (60% of the training rows have such a copy too" in said


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


# Labels that are coded otherwise


def coded(**changed) -> HeldOut:
    facts = {"rows": 300, "classes": 10, "fewest": 20, "trained": 0.98}
    facts |= {"as_is": 0.05, "renamed": 0.95, "moved": ((0, 8), (2, 9), (3, 1), (4, 2))}
    facts |= {"nearer": 0.52, "compared": 128}
    return HeldOut(rows=300, agreement=Agreement(**{**facts, **changed}))


RISING = (2.6, 3.0, 4.0, 5.0, 6.0)


def test_labels_coded_apart_are_the_first_cause_and_their_consequences_are_left_out():
    (found,) = judge(trained(RISING, coded()), Policy())
    assert (found.kind, found.severity) == ("labels_coded_apart", "error")
    assert found.suspects in SEEN_CAUSES
    assert (
        "predictions equal 5% of the validation labels (limit 48%), but 95% once"
        " class 0 is read as 8, 2 is read as 9, 3 is read as 1 (and 1 more)"
    ) in found.message

    assert kinds_found(trained(RISING, None)) == ["validation_differs"]
    later = (0.9, 1.2, 1.3, 1.4, 1.5)
    assert kinds_found(trained(later, None)) == ["overfitting"]
    assert kinds_found(trained(later, coded())) == ["labels_coded_apart"]


@pytest.mark.parametrize(
    "changed",
    [
        {"renamed": 0.7},
        {"as_is": 0.5},
        {"trained": 0.5},
        {"rows": 20},
        {"moved": ((0, 8), (8, 0))},
        {"classes": 2, "moved": ((1, 0),)},
        {"classes": 2, "moved": ((1, 0), (0, 1)), "renamed": 0.85},
        {"classes": 2, "moved": ((1, 0), (0, 1)), "fewest": 4},
    ],
    ids=str,
)
def test_labels_that_only_look_coded_apart_are_not_reported(changed):
    found = kinds_found(trained(RISING, coded(**changed)))
    assert "labels_coded_apart" not in found


def test_two_classes_that_are_swapped_are_reported():
    swapped = coded(classes=2, moved=((1, 0), (0, 1)))
    assert kinds_found(trained(RISING, swapped)) == ["labels_coded_apart"]


@pytest.mark.parametrize("nearer", [0.9, None])
def test_rows_of_another_kind_make_it_a_warning(nearer):
    (found,) = judge(trained(RISING, coded(nearer=nearer)), Policy())
    assert found.severity == "warning"
    assert "their inputs may be at fault" in found.message


def test_trainings_whose_loss_need_not_fall_are_not_judged_by_their_labels():
    assert "labels_coded_apart" not in kinds_found(
        trained(RISING, coded(), contested=True)
    )


def test_a_held_out_loss_that_was_never_good_is_reported_as_such():
    never = message(trained((1.3, 1.2, 1.4, 1.45, 1.5), None))
    assert "never below what a constant prediction costs (1)" in never
    assert "never below" not in message(trained((0.6, 0.5, 0.7, 0.8, 0.9), None))
