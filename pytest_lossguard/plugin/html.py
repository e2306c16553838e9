"""The HTML report: what each worker hands on for it, and its writing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from .options import report_path
from .reporter import Reporter
from .state import SESSION, Test

__all__ = ["HtmlReporter", "hand_on", "is_asked"]

#: Attribute of a test report that carries what only the page shows, as builtins.
_DETAILS = "lossguard_html"
_NOTHING_TRAINED: dict[str, Any] = {"trainings": 0, "details": [], "cases": None}


def is_asked(config: pytest.Config) -> bool:
    """Whether the report is asked for."""
    return report_path(config, "lossguard_html") is not None


def hand_on(config: pytest.Config, report: pytest.TestReport, test: Test) -> None:
    """Add what the page shows of a test that trained, where a page is asked for."""
    if test.guard is None or not is_asked(config):
        return
    from ..report.html import details_of, shown_first

    runs = test.guard.runs
    near = [test.guard.nearness(run) for run in runs]
    shown = shown_first([run.verdict for run in runs], near)
    vars(report)[_DETAILS] = {
        "trainings": len(runs),
        "details": [details_of(it) for it in shown],
        "cases": None if test.search is None else test.search.details(),
    }


class HtmlReporter:
    """Gathers the details and writes the page, in the process that writes reports.

    Raises:
        pytest.UsageError: What makes the page is not installed.
    """

    def __init__(self, config: pytest.Config, reporter: Reporter) -> None:
        missing = [it for it in ("jinja2", "plotly") if find_spec(it) is None]
        if missing:
            raise pytest.UsageError(
                f"--lossguard-html needs {' and '.join(missing)}, not installed here:"
                " pip install 'pytest-lossguard[html]' (the ini setting is"
                " lossguard_html)"
            )
        self._config, self._reporter = config, reporter
        self._details: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what a test hands on."""
        found = getattr(report, _DETAILS, None)
        if found is not None:
            self._details[report.nodeid] = found

    def pytest_sessionfinish(self) -> None:
        """Write the page."""
        from ..report.html import write_html

        path = report_path(self._config, "lossguard_html")
        assert path is not None
        tests = [
            {**test, **self._details.get(nodeid, _NOTHING_TRAINED)}
            for nodeid, test in self._reporter.tests.items()
        ]
        with self._reporter.writing(path):
            write_html(path, tests, self._config.stash[SESSION].seed)
            self._reporter.written.append(path)
