"""The summary at the end of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..core.printable import printable
from ..report.checked import is_checked
from .report_data import Reporter, survived

if TYPE_CHECKING:
    from ..report.entry import Entry


class Summary:
    """Writes the summary of the trainings; nothing if nothing was trained."""

    def __init__(self, config: pytest.Config, reporter: Reporter) -> None:
        self._config, self._reporter = config, reporter

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Write one line and the notable tests; under ``-v`` a line for each test."""
        entries, troubles = self._reporter.tests.values(), self._reporter.troubles
        tests = [it for it in entries if it["runs"] or not is_checked(it)]
        if any(test["runs"] for test in tests):
            with survived(troubles, "the summary could not be written completely"):
                self._write_summary(terminalreporter, tests)
        for path in self._reporter.written if entries else ():
            text = printable(f"lossguard: report in {path}")
            terminalreporter.write_line(text)
        for trouble in dict.fromkeys(troubles):
            terminalreporter.write_line(f"lossguard: {trouble}", yellow=True)

    def _write_summary(
        self, terminalreporter: pytest.TerminalReporter, tests: list[Entry]
    ) -> None:
        from ..report import terminal

        verbosity, seconds = self._config.get_verbosity(), self._reporter.seconds
        if verbosity > 0:
            terminalreporter.write_sep("=", "lossguard")
            for line in terminal.table(tests):
                terminalreporter.write_line(line)
        line, bad = terminal.counted(tests, sum(seconds.values()))
        terminalreporter.write_line(line, red=bool(bad), green=not bad)
        for line in terminal.warned(tests, verbosity):
            terminalreporter.write_line(line, yellow=True)
        if verbosity >= 0:
            for line in terminal.extremes(tests, seconds):
                terminalreporter.write_line(line)
        for line in terminal.searches(tests, every=verbosity > 0):
            terminalreporter.write_line(line)
