"""The marked tests that a session has collected, and their outcomes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from ..core.printable import printable
from ..core.states import ELSEWHERE, LEFT_OUT, NOT_RUN

#: Markers whose tests are ordered, left out and reported if they did not run.
_MARKERS = ("converges", "contracts", "model_checks")
#: Attribute of the test reports of a marked test.
MARKED = "lossguard_marked"
#: Key of ``workeroutput`` with the tests that a pytest-xdist worker has collected.
_OUTPUT = "lossguard_collected"
#: Attribute of the worker's first report with the same tests: a worker may crash
#: before it sends its ``workeroutput``.
_ON_REPORT = "lossguard_waiting"
#: The ``when`` of the report that pytest-xdist makes for a test that crashed a worker.
_CRASHED = "???"


def is_marked(item: pytest.Item) -> bool:
    """Whether a test has one of the markers of this plugin."""
    return any(item.get_closest_marker(it) is not None for it in _MARKERS)


def is_searched(item: pytest.Item) -> bool:
    """Whether Hypothesis runs the test."""
    return hasattr(getattr(item, "obj", None), "hypothesis")


@dataclass(slots=True)
class Result:
    """The result of a marked test in this session.

    Attributes:
        outcome: ``"passed"``, ``"skipped"`` or ``"failed"``.
        seconds: Duration of set-up, body and teardown together.
    """

    outcome: str = "passed"
    seconds: float = 0.0

    def add(self, report: pytest.TestReport) -> None:
        """Add a report of the test. If the test is run again, the last run counts."""
        self.seconds += report.duration
        if str(report.outcome) == "rerun":
            self.outcome = "passed"
        elif report.failed or (report.skipped and self.outcome == "passed"):
            self.outcome = report.outcome


class Collected:
    """Records the marked tests and their outcomes in each process. The controller of
    pytest-xdist has those of all workers.

    Attributes:
        waiting: Why a test has no result, by node id; the reasons are in `core.states`.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._ended: dict[str, Result] = {}
        self.waiting: dict[str, str] = {}
        self._all: list[str] = []
        self._begun: dict[str, Result] = {}
        self._crashed: dict[str, pytest.TestReport] = {}
        self._has_lost_worker = False
        self._is_sent = not hasattr(config, "workerinput")

    def before_split(self, items: Iterable[pytest.Item]) -> None:
        """Record the tests of all parts if the session is split into parts."""
        if self._config.getoption("splits", None):
            self._all = [it.nodeid for it in items if is_marked(it)]

    def leave_out(self, items: Iterable[pytest.Item]) -> None:
        """Record the tests that ``--lossguard-time`` leaves out."""
        self.waiting |= {it.nodeid: LEFT_OUT for it in items}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record the tests that are to run."""
        to_run = {it.nodeid: NOT_RUN for it in session.items if is_marked(it)}
        elsewhere = dict.fromkeys(self._all, ELSEWHERE)
        self.waiting = {**elsewhere, **self.waiting, **to_run}

    def mark(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Mark the report of a marked test for the controller."""
        if item.nodeid in self.waiting:
            vars(report)[MARKED] = True
        if not self._is_sent:
            self._is_sent = True
            vars(report)[_ON_REPORT] = dict(self.waiting)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome of a marked test, and the tests that its worker has
        collected.
        """
        self.waiting |= getattr(report, _ON_REPORT, {})
        if getattr(report, MARKED, False):
            self._begun.setdefault(report.nodeid, Result()).add(report)
            if report.when == "teardown":  # until then, a crash can still lose it
                self._ended[report.nodeid] = self._begun[report.nodeid]
        elif str(report.when) == _CRASHED:
            self._crashed[report.nodeid] = report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send a worker's tests to the controller. If pytest-xdist has ended the
        session with an internal error, list the lost tests here, as no summary will be
        written.
        """
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.waiting
        reporter: Any = session.config.pluginmanager.getplugin("terminalreporter")
        if session.exitstatus == pytest.ExitCode.INTERNAL_ERROR and reporter:
            self._name_lost(reporter)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take the tests of a worker that ended normally, and note one that crashed."""
        self._has_lost_worker = self._has_lost_worker or bool(error)
        self.waiting |= getattr(node, "workeroutput", {}).get(_OUTPUT, {})

    @property
    def results(self) -> dict[str, Result]:
        """Results of the marked tests that ran, by node id.

        The report of a crashed worker does not say whether its test is marked; the
        tests that other workers collected do.
        """
        crashed = {
            nodeid: Result(
                "failed", self._begun.get(nodeid, Result()).seconds + report.duration
            )
            for nodeid, report in self._crashed.items()
            if nodeid in self.waiting or nodeid in self._begun
        }
        return {**self._ended, **crashed}

    def states(self) -> dict[str, str]:
        """Return the outcome of each marked test, or the reason why it has none."""
        outcomes = {nodeid: it.outcome for nodeid, it in self.results.items()}
        return {**self.waiting, **outcomes}

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """List the tests that were lost with a worker."""
        self._name_lost(terminalreporter)

    def _name_lost(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._has_lost_worker:
            return
        lost = [it for it, state in self.states().items() if state == NOT_RUN]
        if lost:
            terminalreporter.write_line(
                f"lossguard: {len(lost)} marked tests were not run because a worker was"
                " lost:",
                red=True,
            )
        for nodeid in lost:
            terminalreporter.write_line(f"  {printable(nodeid)}")


COLLECTED = pytest.StashKey[Collected]()
