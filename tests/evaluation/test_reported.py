"""The reported bugs: well formed, judged as a marked test is, and told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from evaluation.reported import Report, reports
from evaluation.reported.measure import Row, findings_of, measured
from evaluation.reported.report import OUTSIDE, WRITTEN
from evaluation.reported.table import flagged, table, true_cause
from pytest_lossguard.core.findings import FINDING_KINDS

KNOWN = {it.name: it for it in reports()}
#: Of each kind that a recording sees, one that trains for less than half a second.
QUICK = ("labels-with-one-axis-too-few", "loop-without-training-mode")
HANDFUL = (
    "window-predicts-its-own-first-value",
    "targets-of-other-actions-are-0",
    "masks-of-0-and-255",
    "kl-term-with-the-sign-reversed",
    "decays-every-few-steps",
    "loss-function-in-the-train-step",
)


def test_there_are_enough_and_each_has_a_name_and_a_cause():
    assert len(KNOWN) == len(reports()) >= 50
    assert all(it.causes and it.wrong for it in reports())


def test_most_come_from_a_public_report_of_their_own():
    public = [it.source for it in reports() if it.source not in (OUTSIDE, WRITTEN)]

    assert len(public) >= 11 + 24 - 1  # one of the eleven could not be rebuilt
    assert len(set(public)) == len(public)
    assert all("#" in it or it.startswith("https://") for it in public)


def test_each_half_has_many_that_a_recording_can_see():
    halves = [it.half for it in reports() if not it.unseen]
    assert min(halves.count("tune"), halves.count("report")) >= 15


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_program_fails_for_its_cause_and_the_fixed_one_passes(name):
    broken, fixed = measured(KNOWN[name], [0])

    assert broken.failed
    assert true_cause(KNOWN[name], broken)
    assert not fixed.failed
    assert fixed.score > broken.score


def test_a_model_check_finds_what_no_training_shows_and_passes_the_fixed_one():
    asked = KNOWN["generator-without-its-condition"]

    assert asked.seen_as in findings_of(asked.check, fixed=False)
    assert findings_of(asked.check, fixed=True) == []


def test_what_is_checked_has_a_kind_to_be_seen_as():
    checked = [it for it in reports() if it.check is not None]

    assert len(checked) >= 5
    assert all(it.seen_as in FINDING_KINDS for it in checked)


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDFUL)
def test_some_of_each_topic_fail_and_are_mended(name):
    broken, fixed = measured(KNOWN[name], [1])

    assert broken.failed
    assert true_cause(KNOWN[name], broken)
    assert not fixed.failed


def test_a_sentence_that_nothing_trained_names_its_cause():
    said = "gradients were computed 120 times and never applied"
    silent = replace(row(failed=True, errors=["NothingTrained"]), messages=[said])

    assert silent.first_cause == "update_skipped"
    assert replace(silent, messages=[]).first_cause == "NothingTrained"


def row(*, fixed=False, failed=False, errors=(), warnings=(), cause=None):
    return Row(
        name="shifted",
        half="tune",
        fixed=fixed,
        seed=0,
        failed=failed,
        errors=list(errors),
        warnings=list(warnings),
        messages=[f"{it}: because" for it in (*errors, *warnings)],
        cause=cause,
        score=math.nan if failed else 0.5,
        seconds=1.0,
    )


SHIFTED = Report(
    name="shifted",
    source="owner/project#1",
    kind="data",
    wrong="labels a row too late",
    program=lambda fixed: float(fixed),
    causes=("labels_carry_no_signal",),
)


def test_the_first_cause_is_the_diagnosis_else_the_first_finding():
    errors, warnings = ["plateau"], ["labels_carry_no_signal"]

    assert row(errors=errors, cause="too_few_steps").first_cause == "too_few_steps"
    assert row(errors=errors, cause="unknown").first_cause == "plateau"
    assert row(warnings=warnings).first_cause == "labels_carry_no_signal"
    assert row().first_cause is None


def test_a_warning_flags_only_if_it_is_true():
    assert flagged(SHIFTED, row(warnings=["labels_carry_no_signal"]))
    assert flagged(SHIFTED, row(failed=True, errors=["plateau"]))
    assert not flagged(SHIFTED, row(warnings=["dead_units"]))


def test_the_table_shows_what_was_failed_and_what_was_said_of_fixed_ones():
    rows = [
        row(failed=True, errors=["plateau"], cause="labels_carry_no_signal"),
        row(fixed=True, warnings=["overfitting"]),
    ]
    text = table([SHIFTED], rows, "python -m evaluation.reported")

    assert (
        "| both | 1 | 1 (100%) | 1 (100%) | 1 (100%) | 1 | 0 (0%) | 1 (100%) |" in text
    )
    assert "- shifted, seed 0: overfitting: because" in text


@pytest.mark.parametrize(
    ("said", "counts"), [(["check_causal"], "1 (100%)"), (["check_exports"], "0 (0%)")]
)
def test_a_check_counts_where_it_says_what_is_wrong(said, counts):
    report = replace(SHIFTED, unseen="checks", seen_as="check_causal")
    rows = [replace(row(), checked=said), replace(row(fixed=True), checked=[]), row()]
    text = table([report], rows, "python -m evaluation.reported")

    assert f"| 1 reports | 1 | {counts} | 1 | 0 (0%) |" in text
