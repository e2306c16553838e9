"""Known hard cases of a project, which the search of their test runs first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import UsageError
from ..core.folders import REGRESSION_FOLDER
from ..core.printable import printable
from .collected import is_marked, is_searched
from .report_data import PAYLOAD

if TYPE_CHECKING:
    from ..report.regressions import KnownCase

#: Keys of ``workerinput`` with the cases and of ``workeroutput`` with stale cases.
_INPUT, _OUTPUT = "lossguard_known_cases", "lossguard_stale_cases"


class Regressions:
    """Reads the known cases at collection, and lists at the end those that are stale.

    Attributes:
        stale: Why a case could not be run, by file.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.stale: dict[str, str] = {}
        self._failed: list[str] = []

    def of(self, item: pytest.Item) -> list[KnownCase]:
        """Return the known cases of a test."""
        if not self._folder_exists:
            return []
        from ..report.shards import without_shard

        name = without_shard(printable(item.nodeid))
        return [it for it in self._cases if it.case.nodeid == name]

    @cached_property
    def _folder_exists(self) -> bool:
        if hasattr(self._config, "workerinput"):
            return bool(self._config.workerinput.get(_INPUT))
        return (self._config.rootpath / REGRESSION_FOLDER).is_dir()

    @cached_property
    def _cases(self) -> list[KnownCase]:
        from ..report.regressions import KnownCase, read_folder

        if hasattr(self._config, "workerinput"):
            given = self._config.workerinput[_INPUT]
            return [KnownCase.from_json(it) for it in given]
        try:
            known, stale = read_folder(self._config.rootpath)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from None
        self.stale |= {it.file: it.reason for it in stale}
        return known

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send the cases to a pytest-xdist worker, which may run on another machine."""
        if self._folder_exists:
            node.workerinput[_INPUT] = [it.to_json() for it in self._cases]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Find cases whose test no longer exists, before any test is left out."""
        if self._folder_exists and any(map(is_marked, items)):
            from ..report.shards import without_shard

            here = {without_shard(printable(it.nodeid)): it for it in items}
            files = {it.nodeid.partition("::")[0] for it in items}
            for case in self._cases:
                reason = self._reason(case.case.nodeid, here, files)
                if reason is not None:
                    self.stale[case.file] = reason

    def _reason(
        self, nodeid: str, here: Mapping[str, pytest.Item], files: Collection[str]
    ) -> str | None:
        """Return why a case belongs to no test any more; None if its test exists or may
        exist.

        Args:
            nodeid: Node id of the test of the case.
            here: The collected tests, by node id as a case writes it.
            files: The files of the collected tests.
        """
        file = nodeid.partition("::")[0]
        if not (self._config.rootpath / file).exists():
            return f"its test is gone, with {file}"
        if nodeid in here:
            plain = not is_searched(here[nodeid])
            return "its test is no longer a search over corruptions" if plain else None
        is_gone = file in files and not self._is_selected
        return "its test is gone" if is_gone else None

    @property
    def _is_selected(self) -> bool:
        """Whether only some tests of a file may have been collected."""
        chosen = any("::" in it for it in self._config.args)
        return bool(chosen or self._config.getoption("lf", False))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the stale cases of a worker to the controller."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self.stale

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take the stale cases of a worker."""
        self.stale |= getattr(node, "workeroutput", {}).get(_OUTPUT, {})

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the results of the known cases of a test."""
        found = (getattr(report, PAYLOAD, None) or {}).get("search") or {}
        self.stale |= found.get("stale_cases") or {}
        if found.get("failed_case"):
            self._failed.append(found["failed_case"])

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """List the cases that failed and those that are stale."""
        for file in sorted(set(self._failed)):
            line = printable(f"lossguard: a known case failed: {file}")
            terminalreporter.write_line(line, red=True)
        if self.stale:
            terminalreporter.write_line(
                "lossguard: known cases that are stale and were not run: delete them",
                yellow=True,
            )
        for file, reason in sorted(self.stale.items()):
            terminalreporter.write_line(printable(f"  {file}: {reason}"), yellow=True)


REGRESSIONS = pytest.StashKey[Regressions]()
