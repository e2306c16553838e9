"""What one step depends on: rows that meet the labels of others."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.relations import (
    CountedLabels,
    InputUse,
    LabelUse,
    MixedRows,
    SoftmaxOverRows,
    StepRelations,
)
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def judged(**relations):
    trace = make_trace(
        falling(),
        start=1,
        end=0.1,
        constant=1,
        batch_size=16,
        relations=StepRelations(**relations),
    )
    return judge(trace, Policy())


@pytest.mark.parametrize(("rows", "pairs"), [(32, (1024, 32)), (None, (256, 16))])
def test_mixed_rows_are_named_with_both_shapes_and_how_many_pairs_they_make(
    rows, pairs
):
    mixed = MixedRows(predictions=(rows, 1), labels=(rows,), place="train.py:12")
    (found,) = judged(mixed_rows=mixed)
    assert (found.kind, found.severity) == ("rows_mixed", "error")
    assert (found.value, found.limit) == pairs
    assert found.where == "train.py:12"
    assert f"({rows or 'n'}, 1)" in found.message
    assert f"{pairs[0]} pairs for {pairs[1]} rows" in found.message


@pytest.mark.parametrize(
    ("by_class", "severity"), [(True, "error"), (False, "warning")]
)
def test_a_softmax_over_the_rows_is_an_error_where_labels_name_a_class(
    by_class, severity
):
    mixed = SoftmaxOverRows(units=10, place="train.py:12", by_class=by_class)
    (found,) = judged(mixed_rows=mixed)
    assert (found.kind, found.severity, found.where) == (
        "rows_mixed",
        severity,
        "train.py:12",
    )
    assert "softmax over the rows for each of 10 classes" in found.message


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (0.5, 0.0, ["predictions_ignore_inputs"]),
        (0.0, 0.0, ["inputs_ignored"]),
        (0.0, 0.1, []),
        (0.5, 1e-5, []),
    ],
)
def test_outputs_that_do_not_depend_on_inputs_are_an_error(before, after, kinds):
    used = InputUse(model="encoder", rows=16, before=before, after=after)
    found = judged(inputs=used)
    assert [it.kind for it in found] == kinds
    for it in found:
        assert (it.severity, it.where, it.limit) == ("error", "the model encoder", 1e-6)


@pytest.mark.parametrize(
    ("use", "kind", "severity"),
    [
        ("ignored", "labels_ignored", "error"),
        ("pairs", "rows_mixed", "error"),
        ("as a set", "rows_mixed", "warning"),
    ],
)
def test_a_loss_that_takes_no_label_by_row_is_named(use, kind, severity):
    (found,) = judged(labels=LabelUse(loss="mine", use=use, rows=48, changed=0.0))
    assert (found.kind, found.severity) == (kind, severity)
    assert found.where == "the loss mine"
    assert (found.value, found.limit) == (0.0, 1e-5)
    assert "48 rows" in found.message


def test_outputs_that_are_shares_of_the_rows_are_an_error():
    (found,) = judged(shared_rows=48)
    assert (found.kind, found.severity, found.value) == ("rows_mixed", "error", 48)
    assert "add up to 1 over 48 rows" in found.message


@pytest.mark.parametrize(("changed", "told"), [(0.4, True), (1e-6, False)])
def test_padding_that_counts_is_a_warning(changed, told):
    padded = CountedLabels(
        model="tagger", places=40, of=96, unit="positions", changed=changed
    )
    found = judged(padded=padded)
    assert [(it.kind, it.severity) for it in found] == [
        ("padding_not_masked", "warning")
    ] * told
    for it in found:
        assert (it.value, it.limit) == (changed, 1e-5)
        assert "the model tagger marks 40 of 96 positions" in it.message


@pytest.mark.parametrize(("changed", "told"), [(0.4, True), (1e-6, False)])
def test_rows_of_weight_0_that_count_are_an_error(changed, told):
    weightless = CountedLabels(
        model="net", places=12, of=32, unit="rows", changed=changed
    )
    found = judged(weightless=weightless)
    assert [(it.kind, it.severity) for it in found] == [
        ("sample_weight_ignored", "error")
    ] * told
    for it in found:
        assert (it.value, it.limit) == (changed, 1e-5)
        assert "12 of 32 rows, whose weight is 0" in it.message
        assert "changes by 0.4 of its size, limit 1e-5" in it.message
        assert it.headline == "rows of weight 0 are trained on"
