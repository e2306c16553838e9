"""Baselines of tests: their paths, when they are written, and unused files."""

from __future__ import annotations

import hashlib
import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import UsageError
from ..core.folders import BASELINE_FOLDER
from ..core.systems import relative
from .files import keep_baseline
from .progress import progress_of
from .state import POLICY, TEST

if TYPE_CHECKING:
    from ..session.baseline import BaselineRequest

#: Key of ``workeroutput`` with the baseline files that no test uses.
_UNUSED = "lossguard_unused"
#: Longest file name; a longer one is cut, and a checksum keeps it unique.
_LONGEST = 120


def baseline_of(item: pytest.Item) -> BaselineRequest:
    """Return the baseline of a test, and how to update and write it."""
    from ..session.baseline import BaselineRequest

    return BaselineRequest(
        path=_path_of(item),
        test=_name_of(item),
        update=item.config.getoption("lossguard_update") or "",
        write=partial(keep_baseline, item.config, item.stash[TEST]),
        progress=partial(progress_of, item),
    )


def refuse_baseline_of_search(item: pytest.Item) -> None:
    """Refuse a baseline for a search: its data differ between runs, so there is nothing
    to compare with.

    Raises:
        UsageError: The test is a search and asks for a baseline.
    """
    if _has_baseline(item):
        raise UsageError(
            "converges(baseline=True) is for a test that trains the same each time, but"
            " this one runs on many examples: use it in a test without `corruption` and"
            " without @given"
        )


def _has_baseline(item: pytest.Item) -> bool:
    policy = item.stash.get(POLICY, None)
    return policy is not None and policy.baseline


def _name_of(item: pytest.Item) -> str:
    """Name of the test in its baseline file, independent of the folder."""
    _, _, name = item.nodeid.partition("::")
    return f"{item.path.name}::{name}"


def _path_of(item: pytest.Item) -> Path:
    """Path of the baseline: ``__lossguard__/<module>.<test>.json`` next to the test
    file.
    """
    _, _, name = item.nodeid.partition("::")
    full = f"{item.path.stem}.{name.replace('::', '.')}"
    safe = re.sub(r"[^\w\[\].=,+-]+", "_", full)
    if safe != full or len(safe) > _LONGEST:
        checksum = hashlib.sha256(full.encode()).hexdigest()[:8]
        safe = f"{safe[:_LONGEST]}-{checksum}"
    return item.path.parent / BASELINE_FOLDER / f"{safe}.json"


class Unused:
    """Finds baselines whose test no longer exists.

    The search runs only if whole files were collected: otherwise a test may exist
    without having been collected.
    """

    def __init__(self) -> None:
        self._items: list[pytest.Item] = []

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Record a test before any test is deselected."""
        self._items.append(item)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Find the baseline files without a test, and pass them to the controller."""
        config: Any = session.config
        found = [str(it) for it in self._found(session)]
        if hasattr(config, "workeroutput"):
            config.workeroutput[_UNUSED] = found
        else:
            config.stash[_FOUND].update(found)

    def _found(self, session: pytest.Session) -> list[Path]:
        if session.testsfailed or self._is_selected(session):
            return []
        used = {_path_of(it) for it in self._items if _has_baseline(it)}
        modules = {it.path for it in self._items}
        return [
            path
            for folder in {it.parent / BASELINE_FOLDER for it in modules}
            for path in folder.glob("*.json")
            if path not in used and _is_of_no_test(path, modules)
        ]

    def _is_selected(self, session: pytest.Session) -> bool:
        """Whether some tests of the collected files were left out."""
        option, kept = session.config.option, set(session.items)
        return (
            bool(getattr(option, "lf", False) or getattr(option, "deselect", None))
            or any("::" in it for it in session.config.args)
            or any(it not in kept for it in self._items)
        )


def _is_of_no_test(path: Path, modules: set[Path]) -> bool:
    """Whether the test file of a baseline was collected or no longer exists."""
    module = path.parent.parent / _module_of(path)
    return module in modules or not module.exists()


def _module_of(path: Path) -> str:
    """Name of the test file that a baseline belongs to."""
    try:
        test = json.loads(path.read_text(encoding="utf-8"))["test"]
        return str(test).partition("::")[0]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return f"{path.name.partition('.')[0]}.py"


class BaselineSummary:
    """At the end, lists baselines that are unused or could not be compared."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._notes: set[str] = set()
        config.stash[_FOUND] = set()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take the unused baselines that a pytest-xdist worker found."""
        found = getattr(node, "workeroutput", {}).get(_UNUSED, ())
        self._config.stash[_FOUND].update(found)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a baseline that was not compared, or only with reservations."""
        held = getattr(report, "lossguard", {}).get("baseline")
        if held is None:
            return
        if held["state"] == "not_compared":
            self._notes.add(f"{report.nodeid} was {held['told']}")
        if held["note"]:
            self._notes.add(held["note"])

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """List the files, relative to the folder that pytest was called in."""
        unused = self._config.stash[_FOUND]
        if unused:
            them = "it" if len(unused) == 1 else "them"
            terminalreporter.write_line(
                f"lossguard: baselines without a test: delete {them}"
            )
        for path in sorted(unused):
            shown = relative(path, self._config.invocation_params.dir)
            terminalreporter.write_line(f"  {shown}")
        for note in sorted(self._notes):
            terminalreporter.write_line(f"lossguard: {note}")


_FOUND = pytest.StashKey[set[str]]()
