"""GitHub's step summary and annotations: escaped, bounded, at the right lines."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from pytest_lossguard.core.addresses import explanation
from pytest_lossguard.report.github import MOST_BYTES, commands, summary
from tests.support.entries import baseline, entry, found, run

ROOT = Path("/home/ci/repo")


def linked(kind):
    return f"[{kind}]({explanation(kind)})"


def cells(table):
    """The cells of each row, as GitHub would show them."""
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    return [
        [html.unescape(it.strip()) for it in row.strip("|").split("|")] for row in rows
    ]


def test_a_row_shows_verdict_curve_and_reason():
    cause = {"cause": "learning_rate_too_high", "verified": True, "remedy": "lower it"}
    bad = run((1.0, "NaN"), findings=[found()], diagnosis={"causes": [cause]})

    head, row = cells(summary([entry("test_a", bad)]))

    assert head == [
        *("test", "verdict", "loss before -> after", "steps", "of limit"),
        "what was found",
    ]
    assert row == [
        "tests/test_it.py::test_a",
        "not converged",
        "1 -> NaN*",
        "2",
        "-",
        f"{linked('diverging_loss')}: it blew up / cause:"
        f" {linked('learning_rate_too_high')}; lower it",
    ]


def test_what_failed_comes_first_then_what_was_warned_of():
    warned = run(findings=[found("plateau", "warning")])
    tests = [entry("a"), entry("b", warned), entry("c", run(findings=[found()]))]

    names = [row[0][-1] for row in cells(summary(tests))[1:]]

    assert names == ["c", "b", "a"]


def test_what_a_test_is_called_cannot_leave_its_cell():
    name = "test_a[x|y\n<script>alert(1)</script> *b* `c` [l](u) \\| @all]"

    text = summary([entry(name)])

    _, row = cells(text)
    assert row[0] == f"tests/test_it.py::{name}".replace("\n", " ")
    assert "<script>" not in text
    assert len(text.splitlines()) == len(summary([entry()]).splitlines())


def test_a_summary_stays_below_its_limit_and_says_what_is_left_out():
    tests = [entry(f"test_{index:05}_{'é' * 300}") for index in range(2000)]

    text = summary(tests)

    shown = text.count("\n| tests/")
    assert len(text.encode()) <= MOST_BYTES
    assert len(text.encode()) > 0.9 * MOST_BYTES
    assert f"\n{2000 - shown} more are left out: a step summary holds at" in text


def test_the_line_on_what_is_left_out_fits_too():
    tests = [entry(f"test_{index}") for index in range(20)]
    whole = len(summary(tests).encode())

    for room in range(600, whole, 7):
        text = summary(tests, room)
        assert "more are left out" in text
        assert len(text.encode()) <= room


@pytest.mark.parametrize("room", [-5, 0, 100])
def test_where_no_room_is_left_nothing_is_added(room):
    assert summary([entry()], room) == ""


def test_tests_without_a_result_are_named_before_the_table():
    others = {"t.py::test_[b]": "left_out", "t.py::test_a": "left_out"}
    others |= {"t.py::test_c": "not_run", "t.py::test_d": "skipped"}

    head, _, table = summary([entry()], others=others).rpartition("</details>")

    told = html.unescape(head)
    assert told.index("1 marked test without a result, not run") < told.index(
        "2 marked tests without a result, left out by --lossguard-time"
    )
    assert "\n- t.py::test_[b]\n- t.py::test_a\n" in told
    assert "test_[b]" not in head
    assert "test_d" not in told
    assert "1 test of training, none failed" in table


def test_where_all_is_left_out_the_summary_says_only_that():
    text = summary([], others={"t.py::test_a": "left_out"})

    assert "1 marked test without a result" in text
    assert "none failed" not in text


def test_names_of_tests_without_a_result_fit_into_the_summary():
    others = {f"t.py::test_{index}": "left_out" for index in range(99)}
    whole = summary([entry()], others=others)

    for room in range(800, len(whole), 97):
        text = summary([entry()], room, others)
        assert "99 marked tests without a result" in text
        assert "more are left out" in text
        assert len(text.encode()) <= room


def test_a_small_summary_is_whole():
    assert "left out" not in summary([entry(f"test_{index}") for index in range(50)])


def test_a_failure_is_an_error_at_its_line():
    tests = [entry("test_a", run(findings=[found(message="50% of,\nit: x")]))]

    (line,) = commands(tests, ROOT, ROOT)

    assert line == (
        "::error file=tests/test_it.py,line=7,title=lossguard%3A not converged"
        "::tests/test_it.py::test_a%0Adiverging_loss: 50%25 of,%0Ait: x"
        f"%0Asee: {explanation('diverging_loss')}"
    )


def test_a_warning_of_a_test_that_passed_is_a_warning():
    warned = run(findings=[found("plateau", "warning")])

    (line,) = commands([entry("test_a", warned)], ROOT, ROOT)

    assert line.startswith("::warning file=tests/test_it.py,line=7,")


@pytest.mark.parametrize(
    "test",
    [
        entry("converged"),
        entry("xfailed", run(findings=[found()]), outcome="skipped"),
    ],
    ids=lambda test: test["nodeid"].partition("::")[2],
)
def test_nothing_else_is_annotated(test):
    assert list(commands([test], ROOT, ROOT)) == []


def test_a_marked_test_that_failed_otherwise_says_why():
    asserted = entry("a", outcome="failed", error="assert 0.7 > 0.8\n + where")
    nothing = entry("b", outcome="failed", error="NothingTrained: none") | {"runs": []}

    first, second = commands([asserted, nothing], ROOT, ROOT)

    assert first.endswith(
        "title=lossguard%3A failed::tests/test_it.py::a%0Aassert 0.7 > 0.8"
    )
    assert second.endswith("::tests/test_it.py::b%0ANothingTrained: none")


def test_at_most_ten_of_each():
    bad = [entry(f"b{index}", run(findings=[found()])) for index in range(12)]
    warned = [
        entry(f"w{index}", run(findings=[found("plateau", "warning")]))
        for index in range(12)
    ]

    lines = list(commands([*bad, *warned], ROOT, ROOT))

    assert sum(line.startswith("::error ") for line in lines) == 10
    assert sum(line.startswith("::warning ") for line in lines) == 10


def test_paths_are_those_of_the_repository():
    tests = [entry("test_a", run(findings=[found()]))]

    (inside,) = commands(tests, ROOT / "python", ROOT)
    (outside,) = commands(tests, Path("/elsewhere"), ROOT)

    assert "file=python/tests/test_it.py," in inside
    assert "file=/elsewhere/tests/test_it.py," in outside


def test_a_baseline_that_got_worse_is_reported():
    test = entry("test_a", outcome="failed", baseline=baseline())

    (line,) = commands([test], ROOT, ROOT)

    assert line.startswith("::error ")
    assert line.endswith("%0Abaseline: final skill fell from 0.9 to 0.4")
    assert re.search("baseline: final skill fell from 0.9", summary([test]))


def test_a_title_cannot_end_the_properties():
    test = entry("test_a", run(findings=[found()]), file="a,b:c%d.py")

    (line,) = commands([test], ROOT, ROOT)

    assert "file=a%2Cb%3Ac%25d.py,line=7," in line
