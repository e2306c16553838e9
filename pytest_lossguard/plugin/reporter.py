"""Gathers what the tests report, and writes it down where the reports are made."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["PAYLOAD", "Reporter", "shorten_summary"]

#: Attribute of a test report that carries the runs, as builtins, to the controller.
PAYLOAD = "lossguard"
#: Passing searches told of without -v.
_SHOWN = 5


def shorten_summary(report: pytest.TestReport) -> None:
    """Leave room for the fact in pytest's own summary line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.removeprefix("pytest_lossguard.")


class Reporter:
    """Gathers what the tests report, in the process that writes reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tests: dict[str, dict[str, Any]] = {}
        self._outcomes: dict[str, str] = {}
        self._seconds = 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the runs of one test from its last report."""
        if str(report.outcome) == "rerun":  # what follows counts
            self._outcomes.pop(report.nodeid, None)
            return
        worst = {"failed": 2, "skipped": 1, "passed": 0}
        known = self._outcomes.get(report.nodeid, "passed")
        if worst.get(report.outcome, 0) >= worst[known]:
            self._outcomes[report.nodeid] = report.outcome
        found = getattr(report, PAYLOAD, None)
        if found is not None:
            self._seconds += found["seconds"]
            self._tests[report.nodeid] = {
                "nodeid": report.nodeid,
                "outcome": self._outcomes[report.nodeid],
                "runs": found["runs"],
                "search": found["search"],
            }

    def pytest_sessionfinish(self) -> None:
        """Write the JSON report."""
        path = self._path()
        if path is not None:
            from ..report.json_report import write_json

            write_json(path, list(self._tests.values()))

    def _path(self) -> Path | None:
        given = self._config.getoption("lossguard_json")
        if given:
            return Path(self._config.invocation_params.dir, given)
        setting = self._config.getini("lossguard_json")
        return Path(self._config.rootpath, setting) if setting else None

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """One line, and none where nothing trained."""
        runs = [run for test in self._tests.values() for run in test["runs"]]
        if not runs:
            return
        bad = sum(run["verdict"] != "converged" for run in runs)
        tests = len(self._tests)
        line = (
            f"lossguard: {_plural(len(runs), 'training')} judged in"
            f" {_plural(tests, 'test')},"
            f" {bad if bad else 'none'} not converged ({self._seconds:.1f} s)"
        )
        terminalreporter.write_line(line, red=bool(bad), green=not bad)
        self._tell_searches(terminalreporter)
        path = self._path()
        if path is not None:
            terminalreporter.write_line(f"lossguard: report in {path}")

    def _tell_searches(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What each search proved, those nearest to failing first."""
        passed = [
            test
            for test in self._tests.values()
            if test["search"] and test["search"]["closest"]
        ]
        passed.sort(key=lambda test: -test["search"]["closest"]["nearness"])
        shown = passed if self._config.get_verbosity() > 0 else passed[:_SHOWN]
        for test in shown:
            told = "; ".join(_search_lines(test["search"]))
            for line in textwrap.wrap(
                f"{test['nodeid']} {told}",
                78,
                initial_indent="  ",
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            ):
                terminalreporter.write_line(line)
        if len(shown) < len(passed):
            more = len(passed) - len(shown)
            terminalreporter.write_line(f"  and {_plural(more, 'search')} more: -v")


def _search_lines(search: dict[str, Any]) -> Iterator[str]:
    if search["space"] is not None:
        yield f"survived {search['space']}"
    yield f"searched {search['examples']}, {search['unique']} different"
    if search["exhausted_budget"]:
        yield "the budget kept others from being run"
    closest = search["closest"]
    near = f"{closest['nearness']:.2g} of a limit"
    if closest["nearness"] > 1:
        near += ", excused as slow"
    yield f"closest to failing {closest['corruption']}, {near}"
    if search["headroom"]:
        yield f"beyond that {', '.join(search['headroom'])}"


def _plural(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
