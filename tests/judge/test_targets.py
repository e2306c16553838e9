"""Targets that a model makes: values left at 0, labels that the net moves itself."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.data_facts import ChangedLabels, DataFacts, TurnedTargets
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def found(**facts):
    lone = facts.pop("lone", 0.0)
    trace = make_trace(falling(), data_facts=DataFacts(lone_targets=lone), **facts)
    return {it.kind: it for it in judge(trace, Policy())}


def test_targets_left_at_zero_fail_an_agent():
    finding = found(lone=0.97, moving_target=True)["loss_output_mismatch"]

    assert finding.severity == "error"
    assert "in 97% of the rows, limit 90%" in finding.message


def test_they_are_a_warning_where_no_model_makes_them():
    assert found(lone=1.0)["loss_output_mismatch"].severity == "warning"


@pytest.mark.parametrize("lone", [0.0, 0.5])
def test_some_zeros_are_nothing(lone):
    assert found(lone=lone, moving_target=True) == {}


def test_labels_that_the_net_moves_are_a_warning():
    finding = found(labels_follow="mean_squared_error")["loss_output_mismatch"]

    assert finding.severity == "warning"
    assert "mean_squared_error" in finding.message


def test_nets_against_each_other_may_compare_what_one_says_of_two_inputs():
    assert found(labels_follow="mean_squared_error", contested=True) == {}


@pytest.mark.parametrize(
    ("changed", "end", "more", "fails"),
    [
        (0.89, 2.3, {}, True),
        (0.8, 2.3, {}, False),
        (0.89, 0.5, {}, False),
        (0.89, 2.3, {"contested": True}, False),
        (0.89, 2.3, {"moving_target": True}, False),
    ],
)
def test_labels_that_change_each_time_are_an_error_where_little_was_learned(
    changed, end, more, fails
):
    facts = DataFacts(
        changed_labels=ChangedLabels(rows=400, changed=changed, chance=0.9)
    )
    trace = make_trace(
        falling(2.35, end, 60),
        start=2.35,
        end=end,
        constant=2.3,
        data_facts=facts,
        **more,
    )
    findings = [
        it for it in judge(trace, Policy()) if it.kind == "labels_carry_no_signal"
    ]
    assert [it.severity for it in findings] == ["error"] * fails
    for it in findings:
        assert "of 400 rows that were seen again 89% had another label" in it.message


@pytest.mark.parametrize(
    ("rows", "turned", "fails"),
    [(95, 39, True), (20, 10, True), (20, 9, False), (400, 39, False), (95, 0, False)],
)
def test_targets_that_are_mirrored_under_the_same_images_fail(rows, turned, fails):
    facts = DataFacts(turned_targets=TurnedTargets(rows=rows, turned=turned))
    told = judge(make_trace(falling(), data_facts=facts), Policy())

    assert [it.kind for it in told] == ["labels_carry_no_signal"] * fails
    assert all(it.severity == "error" for it in told)
