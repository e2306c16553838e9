"""Behavior stays as it was: verdicts, findings and causes of well-known programs."""

from __future__ import annotations

import json

import pytest

from tests.golden.golden import (
    COMMITTED,
    TOLERANCE,
    UNSTABLE,
    differences,
    facts,
    report,
    stable,
)

REPORT = [{"runs": [{"verdict": "converged", "value": 1.0}]}]


def test_a_difference_is_named_with_its_place():
    other = [{"runs": [{"verdict": "not_converged", "value": 1.0}]}]

    assert differences(REPORT, REPORT) == []
    assert differences(REPORT, other) == [
        "/0/runs/0/verdict: 'converged', then 'not_converged'"
    ]
    assert differences([1.0, 2e5], [1.01, 3e5], close=TOLERANCE) == []
    assert differences([1.0, 2e5], [1.2, 3.0], close=TOLERANCE) == [
        "/0: 1.0, then 1.2",
        "/1: 200000.0, then 3.0",
    ]


def test_of_unstable_trainings_all_but_floats_and_warnings_is_compared():
    def tests(name, value, verdict="not_converged", *severities):
        found = [{"severity": it} for it in severities]
        run = {"steps": 9, "verdict": verdict, "value": value, "findings": found}
        return stable({name: [run]})

    unstable = UNSTABLE[0]
    assert tests(unstable, 0.7) == tests(unstable, 0.9)
    assert tests(unstable, 0.7) != tests(unstable, 0.7, "converged")
    noisy, broken = ("not_converged", "warning"), ("not_converged", "error")
    assert tests(unstable, 0.7) == tests(unstable, 0.7, *noisy)
    assert tests(unstable, 0.7) != tests(unstable, 0.7, *broken)
    assert tests("another", 0.7) != tests("another", 0.7, *noisy)
    assert tests("another", 0.7) != tests("another", 0.9)
    assert set(UNSTABLE) <= set(json.loads(COMMITTED.read_text()))


@pytest.mark.slow
def test_the_report_of_scenarios_and_examples_is_as_it_was(tmp_path):
    """After a change that was meant: ``python -m tests.golden write``."""
    committed = json.loads(COMMITTED.read_text())
    found = facts(report(tmp_path))

    assert differences(stable(committed), stable(found), close=TOLERANCE) == []
