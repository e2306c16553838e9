"""Results for tools that show them: GitHub Actions and pytest-html."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ..core.files import add_to
from .report_data import PAYLOAD, Reporter, survived


def register_others(config: pytest.Config, reporter: Reporter) -> None:
    """Register the plugins for the tools that are present."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        config.pluginmanager.register(GitHub(config, reporter), "lossguard-github")
    if config.pluginmanager.hasplugin("html") and config.getoption("htmlpath", None):
        config.pluginmanager.register(
            PytestHtml(config, reporter), "lossguard-pytest-html"
        )


class GitHub:
    """Writes the step summary, and annotations at the lines of the tests."""

    def __init__(self, config: pytest.Config, reporter: Reporter) -> None:
        self._config, self._reporter = config, reporter

    def pytest_sessionfinish(self) -> None:
        """Add a table to the step summary."""
        given = os.environ.get("GITHUB_STEP_SUMMARY")
        others = self._reporter.others
        if not given or not (self._reporter.tests or others):
            return
        from ..report.github import MOST_BYTES, summary

        path = Path(given)
        with survived(self._reporter.troubles, f"{path} could not be written"):
            taken = path.stat().st_size if path.exists() else 0
            room = MOST_BYTES - taken
            text = summary(self._reporter.tests.values(), room, others)
            add_to(path, text)

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Write the workflow commands, each on a separate line."""
        if not self._reporter.tests:
            return
        from ..report.github import commands

        root = self._config.rootpath
        workspace = Path(os.environ.get("GITHUB_WORKSPACE") or root)
        troubles: list[str] = []
        with survived(troubles, "annotations for GitHub could not be made"):
            for line in commands(self._reporter.tests.values(), root, workspace):
                terminalreporter.write_line(line)
        for trouble in troubles:
            terminalreporter.write_line(f"lossguard: {trouble}", yellow=True)


class PytestHtml:
    """Adds a curve and a table to the rows of pytest-html."""

    def __init__(self, config: pytest.Config, reporter: Reporter) -> None:
        self._plugin: Any = config.pluginmanager.getplugin("html")
        self._reporter = reporter

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Attach them to the last report of a test."""
        found = getattr(report, PAYLOAD, None)
        if found is None:
            return
        from ..report.snippet import snippet

        unsaid = f"{report.nodeid} cannot be shown by pytest-html"
        with survived(self._reporter.troubles, unsaid):
            content = snippet(found)
            if content:
                extras = getattr(report, "extras", [])
                vars(report)["extras"] = [*extras, self._plugin.extras.html(content)]
