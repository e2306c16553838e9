"""What the session says at its end."""

from __future__ import annotations

from typing import Any

import pytest

from .reporter import Reporter

__all__ = ["Summary"]


class Summary:
    """Tells of what was gathered; of nothing where nothing trained."""

    def __init__(self, config: pytest.Config, reporter: Reporter) -> None:
        self._config, self._reporter = config, reporter

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """One line and what stands out; under ``-v`` a line for each test."""
        tests = [
            test
            for test in self._reporter.tests.values()
            if test["runs"] or test["contract"] is None
        ]
        if any(test["runs"] for test in tests):
            self._tell(terminalreporter, tests)
            for path in self._reporter.written:
                terminalreporter.write_line(f"lossguard: report in {path}")
        for trouble in self._reporter.troubles:
            terminalreporter.write_line(f"lossguard: {trouble}", yellow=True)

    def _tell(
        self, terminalreporter: pytest.TerminalReporter, tests: list[dict[str, Any]]
    ) -> None:
        from ..report import terminal

        verbosity, seconds = self._config.get_verbosity(), self._reporter.seconds
        if verbosity > 0:
            terminalreporter.write_sep("=", "lossguard")
            for line in terminal.table(tests):
                terminalreporter.write_line(line)
        line, bad = terminal.counted(tests, sum(seconds.values()))
        terminalreporter.write_line(line, red=bool(bad), green=not bad)
        if verbosity >= 0:
            for line in terminal.extremes(tests, seconds):
                terminalreporter.write_line(line)
        for line in terminal.searches(tests, every=verbosity > 0):
            terminalreporter.write_line(line)
