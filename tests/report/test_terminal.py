"""The lines at the end of a session."""

from __future__ import annotations

import pytest

from pytest_lossguard.report.terminal import extremes, table, warned
from tests.support.entries import PROBE, baseline, entry, found, run

NAME = "tests/test_it.py::"


def test_columns_are_aligned_and_the_test_comes_last():
    bad = run((6.23, "NaN"), findings=[found()], nearness=1e12)
    tests = [entry("test_b", bad), entry("test_a", run((2.0, 0.5)), run())]

    assert list(table(tests))[:3] == [
        "verdict        before -> after  steps  of limit  test",
        f"converged      2 -> 0.5*            2  0.25      {NAME}test_a (worst of 2)",
        f"not converged  6.23 -> NaN*         2  -         {NAME}test_b",
    ]


def test_some_of_several_is_reported_as_such():
    _, line, *_ = table([entry("a", run(findings=[found()]), run(), run())])

    assert line.startswith("2 of 3 converged  ")


def test_a_baseline_is_reported_where_there_is_one():
    _, first, second, *_ = table([entry("a", baseline=baseline()), entry("b")])

    assert first.endswith("::a, baseline regressed")
    assert second.endswith("::b")


def test_a_test_in_which_nothing_trained_has_a_line():
    _, line, *_ = table([entry("a", outcome="failed") | {"runs": []}])

    assert line.split() == ["none", "-", "-", "-", f"{NAME}a"]


def test_the_lines_fit_a_terminal():
    tests = [entry("test_" + "x" * 9, run((1.5e-10, 123456.0)))]

    others = [entry("a", run(probe=PROBE, nearest="constant"))]
    lines = [*table(tests), *table(others)]
    assert all(len(line) <= 80 for line in lines)


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


# Warned tests


def caution(kind="plateau", value=2.0, limit=1.0, severity="warning"):
    return found(kind, severity) | {"value": value, "limit": limit}


def test_what_passed_with_a_warning_is_listed_the_worst_first():
    tests = [
        entry("fine"),
        entry("near", run(findings=[caution("overfitting", 0.9, 0.5)], nearness=0.9)),
        entry("far", run(findings=[caution("noisy_loss", 0.8, 0.7)], nearness=0.1)),
        entry("unmarked", run(findings=[found()]), outcome="passed"),
        entry("failed", run(findings=[found()])),
        entry("xfailed", run(findings=[found()]), outcome="skipped"),
    ]

    assert list(warned(tests)) == [
        "  3 tests passed with warnings, the nearest to failing first:",
        f"    diverging_loss  1, limit 0.5    {NAME}unmarked",
        f"    overfitting     0.9, limit 0.5  {NAME}near",
        f"    noisy_loss      0.8, limit 0.7  {NAME}far",
        "  what each means: pytest --lossguard-explain NAME",
    ]
    assert list(warned(tests, -1)) == [
        "  3 tests passed with warnings; without -q they are listed"
    ]
    assert list(warned(tests[:1])) == []


def test_of_several_warnings_what_may_be_the_cause_is_reported_and_the_rest_counted():
    both = [caution("slow_convergence"), caution("unscaled_inputs", 2527.0, 10.0)]

    _, line, _ = warned([entry("raw", run(findings=both))])

    assert line == f"    unscaled_inputs +1  2527, limit 10  {NAME}raw"


def test_a_warning_without_numbers_has_none():
    _, line = warned([entry("a", run(findings=[caution("yours:odd", None, None)]))])

    assert line == f"    yours:odd    {NAME}a"


def test_many_warned_tests_are_no_wall():
    tests = [entry(f"t{it:03}", run(findings=[caution()])) for it in range(60)]
    tests += [
        entry(f"u{it:03}", run(findings=[caution("noisy_loss")])) for it in range(40)
    ]

    short, whole = (list(warned(tests, it)) for it in (0, 1))

    assert len(short) == 13
    assert short[-2] == "    and 90 more with -v: 50 plateau, 40 noisy_loss"
    assert len(whole) == 102


@pytest.mark.parametrize("length", [10, 47, 48, 49, 60, 70, 90, 3000])
def test_a_warning_is_one_line_whatever_the_test_is_called(length):
    folders, name = "tests/" + "deep/" * 30, f"test_{'x' * length}[last]\nline"
    test = entry(name, run(findings=[caution("yours:" + "k" * 50)]))
    test["nodeid"] = f"{folders}test_it.py::{name}"

    _, line = warned([test])

    assert len(line) <= 80
    assert line.endswith("last] line")
    assert "\n" not in line


# The pair of losses


def test_the_pair_is_of_the_probe_where_there_is_one_and_else_marked():
    head, probed, stepped, *rest = table([entry("a", run(probe=PROBE)), entry("b")])

    assert "before -> after" in head
    assert "2.5 -> 0.25  " in probed
    assert "2 -> 0.5*" in stepped
    assert rest[0].startswith("before -> after: loss before training and after it")
    assert rest[2].startswith("* loss of the first step -> the last")


def test_the_limit_that_a_share_is_of_is_named_and_explained():
    _, line, *rest = table([entry("a", run(nearness=0.9, nearest="constant"))])

    assert "  0.9 constant  " in line
    assert "of limit: share of the nearest limit" in " ".join(rest)
    assert "always predicting the best constant" in " ".join(rest)
