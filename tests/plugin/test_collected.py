"""A session knows what it has collected, and names what was lost with a worker."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from pytest_lossguard.plugin.collected import MARKED, Collected

BODY = """
import os
import numpy as np
import pytest

OFF = "alone columns unseen types zeros process trained held_out own_label kept mixed"
OFF = dict.fromkeys([*OFF.split(), "requests"], False)


@pytest.mark.parametrize("n", range(8))
@pytest.mark.contracts(**OFF)
def test_checked(contract, n):
    contract(lambda x: x * 2, np.arange(40.0).reshape(20, 2))
    if n == 2:
        os._exit(1)


@pytest.mark.contracts(**OFF)
@pytest.mark.skip
def test_skipped(contract):
    pass


def test_plain():
    pass
"""


def report_of(pytester, *options):
    pytester.makepyfile(test_it=BODY)
    path = pytester.path / "r.json"
    plain = ("-p", "no:randomly", "-p", "no:cacheprovider")
    result = pytester.runpytest_inprocess(*plain, *options, f"--lossguard-json={path}")
    return result, json.loads(path.read_text())


def test_what_a_lost_worker_was_to_run_is_named(pytester):
    result, report = report_of(pytester, "-n2", "--max-worker-restart=0")

    others = report["without_entry"]
    crashed = "test_it.py::test_checked[2-deterministic]"
    assert others.pop(crashed) == "failed"
    lost = [it for it, why in others.items() if why == "not_run"]
    assert lost
    ended = {it["nodeid"] for it in report["tests"]}
    assert not ended & {crashed, *lost}
    text = [f"  {it}" for it in lost]
    assert set(text) <= set(result.outlines)


@pytest.mark.parametrize("is_last", [False, True])
def test_a_crash_is_a_failure_whether_it_is_reported_before_or_after(pytester, is_last):
    """pytest-xdist reports a worker that is gone, then of the test it was running."""
    collected = Collected(pytester.parseconfig())
    crash = pytest.TestReport("a", ("a", None, "a"), {}, "failed", "gone", "???")
    crash.duration = 2.0
    ended = SimpleNamespace(workeroutput={"lossguard_collected": {"a": "not_run"}})
    text = [
        lambda: collected.pytest_testnodedown(SimpleNamespace(), "gone"),
        lambda: collected.pytest_runtest_logreport(crash),
        lambda: collected.pytest_testnodedown(ended, None),
    ]
    for tell in (text[2], *text[:2]) if is_last else text:
        tell()

    assert collected.states() == {"a": "failed"}
    assert collected.results["a"].seconds == 2.0


def test_a_list_of_what_is_collected_is_a_report(pytester):
    _, report = report_of(pytester, "--collect-only")

    assert report["tests"] == []
    assert set(report["without_entry"].values()) == {"not_run"}
    assert len(report["without_entry"]) == 9


def test_a_test_that_has_only_begun_has_no_outcome(pytester):
    collected = Collected(pytester.parseconfig())
    collected.waiting = {"a": "not_run", "b": "not_run"}
    for nodeid, phases in (("a", ("setup", "call", "teardown")), ("b", ("setup",))):
        for when in phases:
            report = pytest.TestReport(
                nodeid, ("a.py", 1, "a"), {}, "passed", None, when, duration=1.0
            )
            vars(report)[MARKED] = True
            collected.pytest_runtest_logreport(report)

    assert collected.states() == {"a": "passed", "b": "not_run"}
    assert collected.results["a"].seconds == 3.0
