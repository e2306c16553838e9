"""The lines at the end of a session."""

from __future__ import annotations

from pytest_lossguard.report.terminal import extremes, table
from tests.report.entries import baseline, entry, found, run

NAME = "tests/test_it.py::"


def test_columns_are_aligned_and_the_test_comes_last():
    bad = run((6.23, "NaN"), findings=[found()], nearness=1e12)
    tests = [entry("test_b", bad), entry("test_a", run((2.0, 0.5)), run())]

    assert list(table(tests)) == [
        "verdict        loss         steps  of limit  test",
        f"converged      2 to 0.5         2      0.25  {NAME}test_a (worst of 2)",
        f"not converged  6.23 to NaN      2         -  {NAME}test_b",
    ]


def test_some_of_several_is_told_as_such():
    _, line = table([entry("a", run(findings=[found()]), run(), run())])

    assert line.startswith("2 of 3 converged  ")


def test_a_baseline_is_told_where_there_is_one():
    _, first, second = table([entry("a", baseline=baseline()), entry("b")])

    assert first.endswith("::a, baseline regressed")
    assert second.endswith("::b")


def test_a_test_in_which_nothing_trained_has_a_line():
    _, line = table([entry("a", outcome="failed") | {"runs": []}])

    assert line.split() == ["none", "-", "-", "-", f"{NAME}a"]


def test_the_lines_fit_a_terminal():
    tests = [entry("test_" + "x" * 10, run((1.5e-10, 123456.0)))]

    assert all(len(line) <= 80 for line in table(tests))


def test_the_slowest_and_the_closest_to_failing_are_named():
    tests = [
        entry("a", run(nearness=0.5)),
        entry("b", run(nearness=1.5)),
        entry("c", run(findings=[found()], nearness=9.0)),
    ]
    seconds = {NAME + "a": 2.04, NAME + "b": 1.0, NAME + "c": 1.5}

    assert list(extremes(tests, seconds)) == [
        f"  slowest 2.0 s {NAME}a",
        f"  closest to failing 1.5 of a limit, excused as slow {NAME}b",
    ]


def test_of_a_single_test_neither_is_said():
    assert list(extremes([entry("a")], {NAME + "a": 1.0})) == []
