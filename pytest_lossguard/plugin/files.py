"""Baselines and failing cases, sent with the test report and written by the controller.

A pytest-xdist worker may run on another machine, so it does not write them itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import UsageError
from ..core.folders import REGRESSION_FOLDER
from ..core.systems import relative, with_slashes
from .state import Test

if TYPE_CHECKING:
    from ..baselines import Baseline
    from ..report.replay import Replay

#: Attribute of a test report with the files to be written, as builtins.
_FILES = "lossguard_files"


def keep_baseline(
    config: pytest.Config, test: Test, path: Path, baseline: Baseline
) -> None:
    """Send a baseline with the report of the test.

    Raises:
        UsageError: The path holds a file of another tool.
    """
    from ..baselines import refuse_foreign

    refuse_foreign(path)
    seen_from_root = with_slashes(relative(path, config.rootpath))
    test.files["baseline"] = {"path": seen_from_root, **baseline.to_json()}


def keep_replay(test: Test, case: Replay) -> None:
    """Send a failing case with the report of the test."""
    test.files["replay"] = case.to_json()


def hand_files_on(report: pytest.TestReport, test: Test) -> None:
    """Attach the files of a test to its last report."""
    if test.files:
        vars(report)[_FILES] = test.files


class Files:
    """Writes the files, and lists those that should be committed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._written: list[Path] = []
        self._kept: set[Path] = set()
        self._troubles: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the files attached to a report."""
        found = getattr(report, _FILES, {})
        if "baseline" in found:
            self._write_baseline(found["baseline"])
        if "replay" in found:
            self._write_replay(found["replay"])

    def _write_baseline(self, given: dict[str, Any]) -> None:
        from ..baselines import Baseline, write_baseline

        path = Path(os.path.normpath(self._config.rootpath / given["path"]))
        try:
            write_baseline(path, Baseline.from_json(given))
        except UsageError as error:
            self._troubles.append(str(error))
        else:
            self._written.append(path)

    def _write_replay(self, given: dict[str, Any]) -> None:
        from ..report.replay import Replay, write_replay

        try:
            case = Replay.from_json(given)
            write_replay(self._config.rootpath, case)
        except OSError as error:
            reason = error.strerror or error
            self._troubles.append(f"no file for --lossguard-replay: {reason}")
            return
        if case.corruption is not None and self._keeps:
            self._keep(case)

    @property
    def _keeps(self) -> bool:
        return bool(self._config.getoption("lossguard_keep_failures"))

    def _keep(self, case: Replay) -> None:
        from ..report.regressions import keep

        try:
            path, _ = keep(self._config.rootpath / REGRESSION_FOLDER, case)
        except OSError as error:
            reason = error.strerror or error
            self._troubles.append(f"no file in {REGRESSION_FOLDER}: {reason}")
        else:
            self._kept.add(path)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a session in which a file could not be written."""
        if self._troubles and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """List baselines and kept cases, relative to the folder that pytest was called
        in.
        """
        for what, paths in (
            ("baselines written", self._written),
            ("failing cases kept, to be run first from now on", self._kept),
        ):
            if paths:
                them = "it" if len(paths) == 1 else "them"
                terminalreporter.write_line(f"lossguard: {what}: commit {them}")
            for path in sorted(paths):
                shown = relative(path, self._config.invocation_params.dir)
                terminalreporter.write_line(f"  {shown}")
        for trouble in self._troubles:
            terminalreporter.write_line(f"lossguard: {trouble}")
