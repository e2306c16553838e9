"""Tests with one item per check, and the results of the checks.

Contracts of a preparation and checks of a model are both of this kind.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ..core.errors import PolicyError, UsageError
from .files import hand_files_on
from .private_api import fixtures_of_argument
from .report_data import PAYLOAD, put_properties
from .state import TEST


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckKind:
    """A kind of check.

    Attributes:
        mark: Name of the marker that requests the checks.
        argument: Name of the test argument that makes one check.
        key: Key of the results in an entry of the JSON report.
        example: An example call of the argument, for messages.
        policy: Turns the merged keywords of the marks into a policy with ``names``;
            raises `PolicyError`.
        order: The outcomes; the first of them stands for a test that checked several
            times.
    """

    mark: str
    argument: str
    key: str
    example: str
    policy: Callable[[dict[str, Any]], Any]
    order: tuple[str, str, str]


@dataclass(slots=True)
class _Checked:
    """The results of one item while it runs."""

    kind: CheckKind
    results: list[Any] = field(default_factory=list)
    seconds: float = 0.0


_CHECKED = pytest.StashKey[_Checked]()


class CheckedTests:
    """Collects and reports the tests of one kind of check.

    Args:
        kind: The kind.
        owner: The plugin that defines the fixture.
    """

    def __init__(self, kind: CheckKind, owner: object) -> None:
        self._kind, self._owner = kind, owner
        self._entries: list[dict[str, Any]] = []
        self._outcomes: dict[str, str] = {}

    # At collection

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one item for each check that is turned on."""
        definition, kind = metafunc.definition, self._kind
        try:
            policy = self.policy_of(definition)
            asks = kind.argument in metafunc.fixturenames and self._provides(metafunc)
            own = any(it.name == kind.mark for it in definition.own_markers)
            if own and not asks:
                raise PolicyError(
                    f"{definition.name} is marked {kind.mark} but does not ask for the"
                    f" argument {kind.argument!r}: add it, or remove the mark"
                )
            if asks and policy is None:
                raise PolicyError(
                    f"{definition.name} asks for the argument {kind.argument!r} but is"
                    f" not marked: add @pytest.mark.{kind.mark}, or provide a fixture"
                    " of that name"
                )
        except PolicyError as error:
            sentence = f"{definition.nodeid}: {error}"
            raise pytest.Collector.CollectError(sentence) from None
        if policy is not None and asks:
            names = policy.names
            metafunc.parametrize(kind.argument, names, ids=names, indirect=True)

    def _provides(self, metafunc: pytest.Metafunc) -> bool:
        """Whether the argument comes from this plugin, not from a fixture or parameter
        of the user.
        """
        known = fixtures_of_argument(metafunc, self._kind.argument)
        return bool(known) and getattr(known[-1].func, "__self__", None) is self._owner

    def policy_of(self, node: Any) -> Any:
        """Return the policy of a test, or None if it is not marked. For each key, the
        closest mark wins.

        Raises:
            PolicyError: A key is unknown or its value is invalid.
        """
        marks = list(node.iter_markers(self._kind.mark))
        if not marks:
            return None
        merged: dict[str, Any] = {}
        for mark in marks:
            if mark.args:
                raise PolicyError(
                    f"{self._kind.mark}() takes keywords only, got {mark.args[0]!r}:"
                    f" use a keyword, as in {self._kind.mark}(strict=True)"
                )
            merged = {**mark.kwargs, **merged}
        return self._kind.policy(merged)

    # While a test runs

    def results_of(self, item: pytest.Item) -> list[Any]:
        """Return a new list for the results of the checks of an item."""
        item.stash[_CHECKED] = _Checked(self._kind)
        return item.stash[_CHECKED].results

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test that requests a check and never makes one."""
        __tracebackhide__ = True
        made = yield
        checked = self._checked(item)
        if checked is not None and not checked.results:
            raise UsageError(
                f"the test asked for {self._kind.argument!r} but never called it: call"
                f" {self._kind.example}"
            )
        return made

    def _checked(self, item: pytest.Item) -> _Checked | None:
        """Return the checks of this kind that an item made; None without any."""
        checked = item.stash.get(_CHECKED, None)
        return checked if checked is not None and checked.kind is self._kind else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Attach the result to the last report, as builtins."""
        report: Any = yield
        checked = self._checked(item)
        if checked is None:
            return report
        checked.seconds += call.duration
        if call.when == "teardown" and checked.results:
            found = getattr(report, PAYLOAD, None)
            if found is None:
                nothing: dict[str, Any] = {"runs": [], "search": None, "baseline": None}
                found = {**nothing, "seconds": checked.seconds}
            found[self._kind.key] = self._worst(checked.results).to_json()
            vars(report)[PAYLOAD] = found
            put_properties(item, report, found)
            hand_files_on(report, item.stash[TEST])
            del item.stash[_CHECKED]
        return report

    def _worst(self, results: list[Any]) -> Any:
        """Return the result that stands for a test that checked several times."""
        return min(results, key=lambda it: self._kind.order.index(it.outcome))

    # At the end

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the result of a test, in the process that writes reports."""
        if str(report.outcome) == "rerun":
            return
        worse = {"failed": "failed", "skipped": "skipped"}.get(str(report.outcome))
        if worse is not None:
            self._outcomes.setdefault(report.nodeid, worse)
        found = (getattr(report, PAYLOAD, None) or {}).get(self._kind.key)
        if found is not None:
            outcome = self._outcomes.pop(report.nodeid, "passed")
            entry = {"runs": [], "outcome": outcome, self._kind.key: found}
            self._entries.append(entry)

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Write one line of counts. Under ``-v``, also list allowed failures and the
        reasons for skipped checks.
        """
        if not self._entries:
            return
        from ..report.checked import checked_of, counted, is_allowed, reasons

        found = [(it, checked_of(it)) for it in self._entries]
        bad = any(one and one.is_bad and not is_allowed(it) for it, one in found)
        line = f"lossguard: {counted(self._entries)}"
        terminalreporter.write_line(line, red=bad, green=not bad)
        if terminalreporter.config.get_verbosity() > 0:
            for reason in reasons(self._entries):
                for line in _wrapped(reason):
                    terminalreporter.write_line(line)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 78, initial_indent="  ", subsequent_indent="    ")
