"""The properties of a test case in a JUnit file."""

from __future__ import annotations

from pytest_lossguard.report.junit import properties
from tests.support.entries import baseline, entry, found, run


def test_a_test_has_one_property_for_each_fact():
    bad = run((1.0, "NaN"), findings=[found(), found(), found("plateau", "warning")])

    assert dict(properties(entry("a", run(), bad, baseline=baseline()))) == {
        "lossguard_verdict": "not_converged",
        "lossguard_trainings": "2",
        "lossguard_steps": "2",
        "lossguard_loss_first": "1",
        "lossguard_loss_last": "NaN",
        "lossguard_nearness": "0.25",
        "lossguard_findings": "diverging_loss,plateau",
        "lossguard_causes": "",
        "lossguard_baseline": "regressed",
    }


def test_only_proved_causes_are_named():
    causes = [
        {"cause": "unscaled_inputs", "verified": True},
        {"cause": "dead_units", "verified": False},
    ]
    bad = run(findings=[found()], diagnosis={"causes": causes})

    assert dict(properties(entry("a", bad)))["lossguard_causes"] == "unscaled_inputs"


def test_of_several_trainings_the_one_nearest_to_failing_is_reported():
    text = dict(properties(entry("a", run(), run((3.0, 1.0), nearness=0.5), run())))

    assert (text["lossguard_verdict"], text["lossguard_loss_first"]) == (
        "converged",
        "3",
    )


def test_where_nothing_was_judged_there_is_none():
    assert list(properties(entry() | {"runs": []})) == []
