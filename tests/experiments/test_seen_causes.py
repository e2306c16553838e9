"""Causes that were seen in a training come first, and a re-run may prove them."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.change import ModelFacts
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.core.findings import FINDING_KINDS, SEEN_CAUSES
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.step_facts import StepFacts
from pytest_lossguard.experiments.diagnose import diagnose
from pytest_lossguard.judge import judge
from pytest_lossguard.report.diagnosis import diagnosis_lines
from tests.support.traces import falling, make_trace

SEEN = StepFacts(inference_layers=("net/bn",))
GOOD = make_trace(falling(), start=1.0, end=0.1, constant=1.0)


class Again:
    facts = ModelFacts(optimizer="Adam", learning_rate=0.01, loss="mse")
    rows = 100
    is_complete = True

    def __init__(self, *traces):
        self.traces, self.runs = traces, 0

    def __call__(self, *changes, **how):
        self.runs += 1
        return self.traces[0] if not changes else self.traces[-1]


def faulty(end=0.2, source="watch"):
    return make_trace(
        falling(end=end), start=1.0, end=end, constant=1.0, step=SEEN, source=source
    )


def why(trace, rerun):
    return diagnose(trace, judge(trace, Policy()), rerun, Policy(), 1000.0)


def test_each_is_a_kind_of_finding_and_a_cause_of_the_contract():
    assert set(SEEN_CAUSES) <= set(FINDING_KINDS) & set(CAUSES)


def test_a_re_run_by_the_usual_step_proves_it():
    found = why(faulty(), Again(GOOD))
    first = found.causes[0]
    assert (first.cause, first.verified, first.where) == (
        "inference_mode",
        True,
        "net/bn",
    )
    assert (first.change, first.loss_before, first.loss_after) == (
        "training=True",
        0.2,
        0.1,
    )
    assert "training=True" in first.remedy
    assert not found.left_out
    assert "  cause   inference_mode (net/bn)" in diagnosis_lines(found)


def test_a_re_run_that_ends_higher_proves_it_without_comparing_losses():
    first = why(faulty(end=0.05), Again(GOOD)).causes[0]
    assert (first.verified, first.loss_before, first.loss_after) == (True, None, None)


@pytest.mark.parametrize(
    "rerun",
    [None, Again(faulty())],
    ids=["nothing can be run again", "the fault is in the model"],
)
def test_it_is_the_first_cause_where_no_re_run_proves_it(rerun):
    found = why(faulty(), rerun)
    assert [(it.cause, it.verified) for it in found.causes] == [
        ("inference_mode", False)
    ]
    assert diagnosis_lines(found)[0] == (
        "  cause   inference_mode (net/bn), seen in the training itself"
    )
    assert "seen in the training itself" in found.lines()[0]


def test_no_further_change_is_tried_where_it_explains_the_failure():
    rerun = Again(faulty())
    why(faulty(source="fit"), rerun)
    assert rerun.runs == 0


def test_it_stands_before_causes_that_re_runs_prove():
    bad = make_trace([1.0, 1e6, 1e6, 1e5], start=1.0, end=1e5, constant=1.0, step=SEEN)
    found = why(bad, Again(bad, GOOD))
    assert found.causes[0].cause == "inference_mode"
    assert found.causes[1].verified
