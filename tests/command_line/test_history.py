"""The figures of each test over the reports of a folder."""

from __future__ import annotations

import html
import re

import pytest

from pytest_lossguard.command_line import main
from pytest_lossguard.report.json_report import write_json
from pytest_lossguard.report.session_facts import Commit, SessionFacts
from tests.support.entries import entry, found, run


def good(loss, seconds=None):
    made = entry("test_it", run(probe={"before": 2.0, "after": loss}))
    return {**made, "duration": seconds}


BAD = entry(
    "test_it",
    run((2.0, 9.0), findings=[found()], probe={"before": 2.0, "after": 9.0}),
)


@pytest.fixture
def history(tmp_path):
    """The page of reports, each with the day of its commit."""

    def of(*reports):
        for index, (day, tests) in enumerate(reports):
            date = f"2026-01-{day:02}T00:00:00+00:00"
            commit = Commit(id=f"{day:02}" * 20, date=date)
            path = tmp_path / "reports" / f"{index}.json"
            tests, others = tests if isinstance(tests, tuple) else (tests, {})
            session = SessionFacts(commit=commit)
            write_json(path, tests, others, session)
        output = tmp_path / "history.html"
        assert main(["history", str(tmp_path / "reports"), "-o", str(output)]) == 0
        return output.read_text(encoding="utf-8")

    return of


def labels(page):
    return [html.unescape(it) for it in re.findall(r'aria-label="(.*?)"', page)]


def test_figures_go_from_the_oldest_commit_to_the_newest(history):
    page = history((3, [good(0.25, 2.0)]), (1, [good(0.5, 1.0)]), (2, [BAD]))

    assert "1 test over 3 reports, from 0101010 2026-01-01 to 0303030" in page
    text = labels(page)
    assert text[1:4] == [
        "0101010 2026-01-01: converged",
        "0202020 2026-01-02: not converged",
        "0303030 2026-01-03: converged",
    ]
    assert "loss after: 0.5 at first, 0.25 at last" in text
    assert "time: 1.0 s at first, 2.0 s at last" in text


def test_what_fails_now_stands_first_and_what_is_missing_is_a_gap(history):
    other = entry("test_a", run(probe={"before": 2.0, "after": 0.5}))
    page = history((1, [other]), (2, [other, BAD]))

    assert page.index("::test_it") < page.index("::test_a")
    assert "0101010 2026-01-01: not in the report" in labels(page)


def test_a_test_without_an_entry_has_its_reason(history):
    name = BAD["nodeid"]
    states = ("left_out", "not_run", "failed")
    days = ((day, ([], {name: it})) for day, it in enumerate(states, 2))

    page = history((1, [BAD]), *days)

    assert "0202020 2026-01-02: left out by --lossguard-time" in labels(page)
    assert "0303030 2026-01-03: not run: its session ended before" in labels(page)
    failed = "0404040 2026-01-04: failed without a record"
    assert any(it.startswith(failed) for it in labels(page))
    assert page.count(">×<") == 2


def test_what_failed_without_a_record_fails_now(history):
    other = entry("test_a", run(probe={"before": 2.0, "after": 0.5}))
    first = [other, good(0.5)]

    page = history((1, first), (2, ([other], {good(0.5)["nodeid"]: "failed"})))

    assert '<span class="error">failed without a record' in page
    assert page.index("::test_it") < page.index("::test_a")


def test_no_name_of_a_test_becomes_markup(history):
    hostile = {**good(0.5), "nodeid": "t.py::test_it[</table><script>]"}
    assert "<script>" not in history((1, [hostile]))


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_a_report_is_named(tmp_path, capsys, name):
    (tmp_path / "empty").mkdir()
    assert main(["history", str(tmp_path / name)]) == 2
    assert f"{tmp_path / name} has no report: give a folder" in capsys.readouterr().err


def test_a_file_that_is_no_report_is_named(tmp_path, capsys):
    (tmp_path / "a.json").write_text("[]")
    assert main(["history", str(tmp_path)]) == 2
    assert "a.json is not a report" in capsys.readouterr().err
