"""Held-out rows that are trained on too, or all but copies of such."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import HeldOut, NearRows, Repeats
from pytest_lossguard.judge import judge
from tests.support.held_out import kinds_found, message, trained


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
