"""Which marked tests a session has collected, and what came of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from ..core.printable import printable
from ..core.states import ELSEWHERE, LEFT_OUT, NOT_RUN

__all__ = ["COLLECTED", "MARKED", "Collected", "Result", "is_marked", "is_searched"]

#: The markers whose tests are ordered, left out and missed.
_MARKERS = ("converges", "contracts", "model_checks")
#: Attribute of the reports of such a test.
MARKED = "lossguard_marked"
#: Where a worker of pytest-xdist leaves what it has collected.
_OUTPUT = "lossguard_collected"
#: Attribute of its first report, which has the same: its end may never come.
_ON_REPORT = "lossguard_waiting"
#: When a test ran in which a worker crashed, as pytest-xdist reports it.
_CRASHED = "???"


def is_marked(item: pytest.Item) -> bool:
    """Whether a test has one of the markers of this plugin."""
    return any(item.get_closest_marker(it) is not None for it in _MARKERS)


def is_searched(item: pytest.Item) -> bool:
    """Whether Hypothesis runs the test, example by example."""
    return hasattr(getattr(item, "obj", None), "hypothesis")


@dataclass(slots=True)
class Result:
    """What came of a marked test in this session.

    Attributes:
        outcome: ``"passed"``, ``"skipped"`` or ``"failed"``.
        seconds: Set-up, body and teardown.
    """

    outcome: str = "passed"
    seconds: float = 0.0

    def add(self, report: pytest.TestReport) -> None:
        """Take one of its reports; of a test that is run once more the last counts."""
        self.seconds += report.duration
        if str(report.outcome) == "rerun":
            self.outcome = "passed"
        elif report.failed or (report.skipped and self.outcome == "passed"):
            self.outcome = report.outcome


class Collected:
    """Keeps both, in each process; the controller of pytest-xdist has those of all
    workers.

    Attributes:
        waiting: Why each of the others has none, as in `core.states`.
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
        """Note what all parts of a session that is split have to run."""
        if self._config.getoption("splits", None):
            self._all = [it.nodeid for it in items if is_marked(it)]

    def leave_out(self, items: Iterable[pytest.Item]) -> None:
        """Note what ``--lossguard-time`` leaves out."""
        self.waiting |= {it.nodeid: LEFT_OUT for it in items}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what is to be run."""
        to_run = {it.nodeid: NOT_RUN for it in session.items if is_marked(it)}
        elsewhere = dict.fromkeys(self._all, ELSEWHERE)
        self.waiting = {**elsewhere, **self.waiting, **to_run}

    def mark(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Have the controller know the report of a marked test."""
        if item.nodeid in self.waiting:
            vars(report)[MARKED] = True
        if not self._is_sent:
            self._is_sent = True
            vars(report)[_ON_REPORT] = dict(self.waiting)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome of a marked test, and what its worker has collected."""
        self.waiting |= getattr(report, _ON_REPORT, {})
        if getattr(report, MARKED, False):
            self._begun.setdefault(report.nodeid, Result()).add(report)
            if report.when == "teardown":  # before that it can still be lost
                self._ended[report.nodeid] = self._begun[report.nodeid]
        elif str(report.when) == _CRASHED:
            self._crashed[report.nodeid] = report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand on what a worker has collected; name what was lost where pytest-xdist
        has ended, for then nobody is asked for a summary.
        """
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.waiting
        reporter: Any = session.config.pluginmanager.getplugin("terminalreporter")
        if session.exitstatus == pytest.ExitCode.INTERNAL_ERROR and reporter:
            self._name_lost(reporter)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take it, where there is one that ended well."""
        self._has_lost_worker = self._has_lost_worker or bool(error)
        self.waiting |= getattr(node, "workeroutput", {}).get(_OUTPUT, {})

    @property
    def results(self) -> dict[str, Result]:
        """Of the marked tests that ran, by node id. The report of a worker that crashed
        does not say whether its test is marked: what another collected does.
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
        """The outcome of each marked test, or why it has none."""
        outcomes = {nodeid: it.outcome for nodeid, it in self.results.items()}
        return {**self.waiting, **outcomes}

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Name what was lost with a worker."""
        self._name_lost(terminalreporter)

    def _name_lost(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._has_lost_worker:
            return
        lost = [it for it, state in self.states().items() if state == NOT_RUN]
        if lost:
            terminalreporter.write_line(
                f"lossguard: {len(lost)} marked tests were not run, for a worker was"
                " lost:",
                red=True,
            )
        for nodeid in lost:
            terminalreporter.write_line(f"  {printable(nodeid)}")


COLLECTED = pytest.StashKey[Collected]()
