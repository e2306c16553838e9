"""Gathers what the tests report, where the reports are made, and writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from .options import report_path

if TYPE_CHECKING:
    from .state import Test

__all__ = [
    "PAYLOAD",
    "Reporter",
    "leave_out_own_frames",
    "payload",
    "put_properties",
    "shorten_summary",
]

#: Attribute of a test report that carries the runs, as builtins, to the controller.
PAYLOAD = "lossguard"
_PACKAGE = f"{__name__.partition('.')[0]}."
#: Characters of what a failed test said.
_MOST_SAID = 2000


def leave_out_own_frames(call: pytest.CallInfo[None]) -> None:
    """Show the way from the user's line to an error of the user's code without the
    frames of this package between; an error that arose in them is told whole.
    """
    if call.excinfo is None:
        return
    error, frames = call.excinfo.value, []
    at = error.__traceback__
    while at is not None:
        frames.append(at)
        at = at.tb_next
    if not frames or _is_own(frames[-1]):
        return
    for it in reversed(frames):
        if not _is_own(it):
            at = TracebackType(at, it.tb_frame, it.tb_lasti, it.tb_lineno)
    call.excinfo = pytest.ExceptionInfo.from_exception(error.with_traceback(at))


def _is_own(at: TracebackType) -> bool:
    return str(at.tb_frame.f_globals.get("__name__")).startswith(_PACKAGE)


def shorten_summary(report: pytest.TestReport) -> None:
    """Leave room for the fact in pytest's own summary line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = crash.message.removeprefix("pytest_lossguard.")


def payload(item: pytest.Item, test: Test) -> dict[str, Any]:
    """What a test that trained hands on, as builtins."""
    guard = test.guard
    assert guard is not None
    held = None if guard.held is None else guard.held.to_json()
    if held is not None:  # as seen from the root, on whatever machine
        held["file"] = os.path.relpath(held["file"], item.config.rootpath)
    return {
        "runs": [
            {**run.verdict.to_json(), "nearness": float(guard.nearness(run))}
            for run in guard.runs
        ],
        "search": None if test.search is None else test.search.to_json(),
        "baseline": held,
        "seconds": test.seconds,
    }


def put_properties(
    item: pytest.Item, report: pytest.TestReport, found: dict[str, Any]
) -> None:
    """Put what a JUnit file shows where pytest looks for it, once per test."""
    from ..report.junit import PREFIX, properties

    ours: list[tuple[str, object]] = list(properties(found))
    for kept in (item.user_properties, report.user_properties):
        kept[:] = [it for it in kept if not it[0].startswith(PREFIX)] + ours


def _message(report: pytest.TestReport) -> str:
    """What a failure says, without the way to it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(report.longreprtext if crash is None else crash.message)


class Reporter:
    """Gathers what the tests report, in the process that writes reports.

    Attributes:
        tests: The entry of each test in the JSON report, by node id.
        seconds: How long each took.
        written: Where reports were written.
        troubles: One sentence for each report that could not be.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.tests: dict[str, dict[str, Any]] = {}
        self.seconds: dict[str, float] = {}
        self.written: list[Path] = []
        self.troubles: list[str] = []
        self._config = config
        self._outcomes: dict[str, str] = {}
        self._said: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the runs of one test from its last report."""
        if str(report.outcome) == "rerun":  # what follows counts
            self._outcomes.pop(report.nodeid, None)
            self._said.pop(report.nodeid, None)
            return
        worst = {"failed": 2, "skipped": 1, "passed": 0}
        known = self._outcomes.get(report.nodeid, "passed")
        if worst.get(report.outcome, 0) >= worst[known]:
            self._outcomes[report.nodeid] = report.outcome
        if report.failed:
            self._said.setdefault(report.nodeid, _message(report)[:_MOST_SAID])
        found = getattr(report, PAYLOAD, None)
        if found is not None:
            seconds = self.seconds.get(report.nodeid, 0.0)
            self.seconds[report.nodeid] = seconds + found["seconds"]
            file, line, _ = report.location
            self.tests[report.nodeid] = {
                "nodeid": report.nodeid,
                "file": file,
                "line": None if line is None else line + 1,
                "outcome": self._outcomes[report.nodeid],
                "error": self._said.get(report.nodeid),
                "runs": found["runs"],
                "search": found["search"],
                "baseline": found["baseline"],
                "contract": found.get("contract"),
            }

    def pytest_sessionfinish(self) -> None:
        """Write the reports that were asked for."""
        path = report_path(self._config, "lossguard_json")
        if path is not None:
            from ..report.json_report import write_json

            with self.writing(path):
                write_json(path, list(self.tests.values()))
                self.written.append(path)
        folder = report_path(self._config, "lossguard_tensorboard")
        if folder is not None:
            from ..report.tensorboard import write_events

            with self.writing(folder):
                write_events(folder, self.tests.values())
                self.written.append(folder)

    @contextmanager
    def writing(self, path: Path) -> Iterator[None]:
        """Let no file that cannot be written end the session."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            self.troubles.append(f"{path} could not be written: {reason}")
