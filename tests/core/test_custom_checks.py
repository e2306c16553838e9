"""Checks of one's own: their findings are held to the policy as all others."""

from __future__ import annotations

import pytest

from pytest_lossguard import UsageError, finding
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.experiments.runner import Target
from pytest_lossguard.judge import judge, loss_curve_of
from pytest_lossguard.judge.curve import in_one_unit
from pytest_lossguard.session.runs import judged
from tests.support.findings import finding as built_in
from tests.support.traces import falling, make_trace

GOOD = make_trace(falling(), start=1, end=0.1, constant=1)


def too_slow(trace, policy):
    yield finding("mine:too_slow", "it took long", value=2, limit=1, step=3, hint="Hm.")


def warns(trace, policy):
    return [finding("mine:odd", "it looks odd", severity="warning")]


def findings_of(policy, *checks):
    return [(it.kind, it.severity) for it in judge(GOOD, policy, checks)]


def test_an_error_of_ones_own_fails_a_training():
    run = judged(GOOD, Policy(), (too_slow,))

    assert not run.converged
    assert run.findings[0].to_json() == {
        "kind": "mine:too_slow",
        "severity": "error",
        "step": 3,
        "value": 2.0,
        "limit": 1.0,
        "where": None,
        "message": "it took long",
    }
    assert (run.findings[0].headline, run.findings[0].hint) == ("it took long", "Hm.")


def test_a_warning_fails_under_strict_only():
    assert findings_of(Policy(), warns) == [("mine:odd", "warning")]
    assert findings_of(Policy(strict=True), warns) == [("mine:odd", "error")]


def test_what_is_allowed_is_left_out():
    assert findings_of(Policy(allow=("mine:too_slow",)), too_slow, warns) == [
        ("mine:odd", "warning")
    ]


def test_a_check_that_finds_nothing_may_return_nothing():
    def finds_nothing(trace, policy):
        return None

    assert findings_of(Policy(), finds_nothing) == []


def test_a_run_judged_again_is_held_to_the_same_checks():
    run = judged(GOOD, Policy(allow=("mine:too_slow",)), (too_slow,))

    assert run.converged
    with pytest.raises(AssertionError, match="it took long"):
        run.assert_converged()


@pytest.mark.parametrize("kind", ["too_slow", "plateau", "Mine:x", "mine:", ":x", ""])
def test_a_kind_without_a_prefix_is_refused(kind):
    with pytest.raises(UsageError, match="with your own prefix"):
        finding(kind, "no")


def test_a_severity_that_is_none_is_refused():
    with pytest.raises(UsageError, match="must be 'error' or 'warning'"):
        finding("mine:x", "no", severity="fatal")


@pytest.mark.parametrize("given", ["slow", built_in("constant_feature", value=1)])
def test_a_check_that_gives_something_else_is_named(given):
    def odd_check(trace, policy):
        return [given]

    with pytest.raises(UsageError, match="odd_check returned .*lossguard.finding"):
        judge(GOOD, Policy(), (odd_check,))


def test_no_change_repairs_what_a_check_still_finds():
    """Re-runs are held to the checks too: else the first would pass for a cause."""
    findings = judge(GOOD, Policy(), (too_slow,))

    goal = Target.of(GOOD, findings, Policy(), (too_slow,))
    found = loss_curve_of(GOOD)

    assert goal.missed_by(GOOD, found, in_one_unit(found, GOOD)) == {"mine:too_slow"}
