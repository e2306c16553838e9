"""Marked tests in the order that a gate needs, and as many as a time allows."""

from __future__ import annotations

import json

import pytest

from pytest_lossguard.plugin.earlier import Earlier
from pytest_lossguard.plugin.order import in_order, left_out

KNOWN = {
    "calm": Earlier(seconds=1, nearness=0.1),
    "near": Earlier(seconds=2, nearness=0.8),
    "nearer": Earlier(seconds=3, nearness=0.9),
    "failed": Earlier(seconds=4, failed=True),
    "other": Earlier(seconds=5, nearness=0.2),
}
ALL = ["other", "calm", "near", "new", "nearer", "failed"]


def test_what_failed_comes_first_then_what_is_new_then_what_came_near():
    expected = ["failed", "new", "nearer", "near", "other", "calm"]
    assert in_order(ALL, KNOWN) == expected


def test_tests_of_which_nothing_stands_out_keep_their_order():
    assert in_order(["b", "a"], {}) == ["b", "a"]
    assert in_order(["calm", "other"], KNOWN) == ["calm", "other"]


def test_what_is_most_worth_running_is_kept_within_the_time():
    # failed 4, new 3 (the median), nearer 3; near 2 has no room, calm 1 has
    assert left_out(ALL, KNOWN, seconds=11) == ["near", "other"]
    assert left_out(ALL[::-1], KNOWN, seconds=11) == ["near", "other"]
    assert left_out(ALL, KNOWN, seconds=100) == []


def test_several_processes_have_more_room_but_no_test_takes_longer_than_the_time():
    assert left_out(ALL, KNOWN, seconds=4.5, at_once=4) == ["other"]


def test_a_test_that_was_left_out_often_has_its_turn():
    waiting = {**KNOWN, "calm": Earlier(seconds=1, nearness=0.1, left_out=9)}

    assert left_out(["near", "calm"], KNOWN, seconds=2) == ["calm"]
    assert left_out(["near", "calm"], waiting, seconds=2) == ["near"]


def test_without_a_known_duration_nothing_is_left_out():
    assert left_out(["a", "b"], {}, seconds=0.001) == []


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        "x",
        {"failed": True},
        {"failed": True, "nearness": 0.1, "seconds": "many", "left_out": 0},
        {"failed": True, "nearness": 0.1, "seconds": float("nan"), "left_out": 0},
        {"failed": True, "nearness": -1.0, "seconds": 1.0, "left_out": 0},
    ],
)
def test_what_is_damaged_in_the_cache_is_not_known(damaged):
    assert Earlier.from_json(damaged) is None


BODY = """
import os
import numpy as np

X = np.arange(40.0).reshape(20, 2)
OFF = "alone columns unseen types zeros process trained held_out own_label kept mixed"
OFF = dict.fromkeys([*OFF.split(), "requests"], False)


def test_plain():
    pass


@pytest.mark.parametrize("name", ["first", "second", "third"])
@pytest.mark.contracts(**OFF)
def test_checked(contract, name):
    contract(lambda x: x * 2, X)
    assert name != os.environ.get("BAD")
"""
CACHED = ("-p", "cacheprovider")


def ids(*names):
    return [f"test_it.py::test_checked[{it}-deterministic]" for it in names]


@pytest.fixture
def cached(pytester):
    """Write what an earlier session is to have known."""

    def write(**known):
        folder = pytester.path / ".pytest_cache" / "v" / "lossguard"
        folder.mkdir(parents=True, exist_ok=True)
        full = {"failed": False, "nearness": 0.0, "seconds": 1.0, "left_out": 0}
        tests = {ids(name)[0]: {**full, **it} for name, it in known.items()}
        (folder / "tests").write_text(json.dumps(tests))

    return write


def collected(result):
    return [it for it in result.outlines if it.startswith("test_it.py::")]


def test_a_session_is_ordered_by_what_the_last_one_saw(project, monkeypatch):
    monkeypatch.setenv("BAD", "third")
    project(BODY, *CACHED).assert_outcomes(passed=3, failed=1)

    plain = project(BODY, *CACHED, "--collect-only", "-q")
    ordered = project(BODY, *CACHED, "--collect-only", "-q", "--lossguard-order")

    unmarked = ["test_it.py::test_plain"]
    assert collected(plain) == [*unmarked, *ids("first", "second", "third")]
    assert collected(ordered) == [*unmarked, *ids("third", "first", "second")]


def test_a_test_that_is_left_out_is_deselected_counted_and_named(
    project, pytester, cached, monkeypatch
):
    cached(first={"seconds": 9.0}, second={"failed": True}, third={})

    report, page = pytester.path / "r.json", pytester.path / "r.html"
    written = (f"--lossguard-json={report}", f"--lossguard-html={page}")
    step = pytester.path / "step.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    result = project(BODY, *CACHED, "--lossguard-time=3", *written)

    result.assert_outcomes(passed=3, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "lossguard: 1 of 3 marked tests left out by --lossguard-time=3:",
            f"     9.0 s, longer than that  {ids('first')[0]}".replace("[", "[[]"),
        ]
    )
    out = json.loads(report.read_text())["without_entry"]
    assert out == {ids("first")[0]: "left_out"}
    told = "1 marked test without a result, left out by --lossguard-time"
    assert told in page.read_text()
    assert "test_checked[first-deterministic]" in page.read_text()
    assert told in step.read_text()
    kept = pytester.path / ".pytest_cache/v/lossguard/tests"
    after = json.loads(kept.read_text())
    assert after[ids("first")[0]]["left_out"] == 1
    assert not after[ids("second")[0]]["failed"]


def test_all_left_out_is_no_green_session(project, pytester, cached):
    cached(first={}, second={}, third={})

    page = pytester.path / "r.html"
    options = ("--lossguard-time=0.1", "-k", "checked", f"--lossguard-html={page}")
    result = project(BODY, *CACHED, *options)

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "3 marked tests without a result" in page.read_text()


@pytest.mark.parametrize("options", [(), CACHED])
def test_where_nothing_is_known_all_run_and_the_summary_says_so(project, options):
    result = project(BODY, *options, "--lossguard-time=0.001")

    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["lossguard: --lossguard-time=0.001 left nothing out*"])


def test_the_ini_file_can_ask_for_the_order(project, pytester, cached):
    cached(third={"failed": True})
    pytester.makeini("[pytest]\nlossguard_order = true")

    result = project(BODY, *CACHED, "--collect-only", "-q")

    assert collected(result)[1] == ids("third")[0]


def test_last_failed_selects_before_the_time_does(project, monkeypatch, cached):
    monkeypatch.setenv("BAD", "third")
    project(BODY, *CACHED)
    cached(first={}, second={}, third={"failed": True})

    result = project(BODY, *CACHED, "--lf", "--lossguard-time=1")

    result.assert_outcomes(failed=1)
    assert "left out" not in result.stdout.str()


def test_workers_agree_on_what_is_left_out(project, cached):
    cached(first={"seconds": 9.0}, second={"seconds": 2.0}, third={"failed": True})

    result = project(BODY, *CACHED, "-n2", "--lossguard-time=3")

    result.assert_outcomes(passed=3)
    text = "lossguard: 1 of 3 marked tests left out by --lossguard-time=3:"
    result.stdout.fnmatch_lines([text])


def test_stepwise_and_another_order_are_refused(project):
    result = project(BODY, *CACHED, "-p", "stepwise", "--stepwise", "--lossguard-order")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --stepwise needs the tests in the order*"])
