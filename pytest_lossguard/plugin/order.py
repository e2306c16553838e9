"""Order the marked tests by priority, and run as many as a time limit allows.

First come tests that failed in their last run, then tests that have never run, then
tests that came near to failing, then all others. Unmarked tests keep their places.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from operator import attrgetter
from statistics import median
from typing import Any, TypeVar

import pytest

from ..core.printable import printable
from ..core.states import ELSEWHERE, LEFT_OUT
from .collected import COLLECTED, is_marked
from .earlier import EARLIER, Earlier
from .options import time_of

#: A test came near to failing if it used at least this share of a limit.
NEAR = 0.5
#: Added to the share for each session that left the test out, so that every test runs
#: eventually.
PER_SESSION = 0.1

Known = Mapping[str, Earlier]
Test = TypeVar("Test")


def orders(config: pytest.Config) -> bool:
    """Whether this session orders its marked tests.

    Raises:
        pytest.UsageError: ``--stepwise`` is also given.
    """
    asked = bool(
        config.getoption("lossguard_order")
        or config.getini("lossguard_order")
        or time_of(config) is not None
    )
    if asked and config.getoption("stepwise", False):
        raise pytest.UsageError(
            "--stepwise needs the tests in the order of their files: leave out"
            " --lossguard-order and --lossguard-time, or --stepwise"
        )
    return asked


def in_order(
    tests: Iterable[Test], known: Known, nodeid_of: Callable[[Test], str] = str
) -> list[Test]:
    """Return the tests in order of priority; ties keep their order."""
    return sorted(tests, key=lambda it: _place(nodeid_of(it), known))


def _place(nodeid: str, known: Known) -> tuple[int, float]:
    rank, urgency = _rank(known.get(nodeid))
    return (rank, -urgency) if urgency >= NEAR or rank < 2 else (rank + 1, 0.0)


def left_out(
    nodeids: Sequence[str], known: Known, seconds: float, at_once: int = 1
) -> list[str]:
    """Return the tests that do not fit into a time limit; the most urgent are kept.

    Args:
        nodeids: Node ids of all tests.
        known: Earlier results with durations. A new test counts as their median.
        seconds: The time limit.
        at_once: Number of processes that run tests.

    Returns:
        Node ids of the tests to leave out; empty if no duration is known.
    """
    durations = [known[it].seconds for it in nodeids if it in known]
    if not durations:
        return []
    usual = median(durations)

    def worth(nodeid: str) -> tuple[int, float, str]:
        rank, urgency = _rank(known.get(nodeid))
        return rank, -urgency, nodeid

    room, out = seconds * at_once, []
    for nodeid in sorted(nodeids, key=worth):
        takes = known[nodeid].seconds if nodeid in known else usual
        if takes <= min(room, seconds):
            room -= takes
        else:
            out.append(nodeid)
    return out


def _rank(earlier: Earlier | None) -> tuple[int, float]:
    """Return 0 if failed, 1 if new, 2 otherwise; and the urgency within a rank."""
    if earlier is None:
        return 1, 0.0
    if earlier.failed:
        return 0, 0.0
    return 2, earlier.nearness + PER_SESSION * earlier.left_out


class Order:
    """Orders the marked tests, and leaves out those that do not fit into the time
    limit.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    # Runs after all plugins that order or select: pytest-randomly, --lf, pytest-split.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, Any, Any]:
        """Order the tests that other plugins have selected."""
        result = yield
        marked = {it.nodeid: it for it in items if is_marked(it)}
        known = config.stash[EARLIER].tests
        out = set(self._left_out([*marked], known))
        if out:
            items[:] = [it for it in items if it.nodeid not in out]
            gone = [it for nodeid, it in marked.items() if nodeid in out]
            config.stash[COLLECTED].leave_out(gone)
            config.hook.pytest_deselected(items=gone)
        places = [at for at, it in enumerate(items) if it.nodeid in marked]
        ordered = in_order((items[at] for at in places), known, attrgetter("nodeid"))
        for at, item in zip(places, ordered, strict=True):
            items[at] = item
        return result

    def _left_out(self, nodeids: Sequence[str], known: Known) -> list[str]:
        seconds = time_of(self._config)
        if seconds is None:
            return []
        return left_out(nodeids, known, seconds, _processes(self._config))

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """List the tests that were left out."""
        seconds = time_of(self._config)
        if seconds is None:
            return
        states = self._config.stash[COLLECTED].states()
        known = self._config.stash[EARLIER].tests
        out = sorted(it for it in states if states[it] == LEFT_OUT)
        option = f"--lossguard-time={seconds:g}"
        if states and not any(it in known for it in states):
            terminalreporter.write_line(
                f"lossguard: {option} left nothing out: no durations in pytest's cache",
                yellow=True,
            )
        if out:
            here = sum(it != ELSEWHERE for it in states.values())
            terminalreporter.write_line(
                f"lossguard: {len(out)} of {here} marked tests left out by {option}:",
                yellow=True,
            )
        for nodeid in out:
            terminalreporter.write_line(
                f"  {_format_earlier(known.get(nodeid), seconds)}  {printable(nodeid)}"
            )


def _format_earlier(earlier: Earlier | None, most: float) -> str:
    if earlier is None:
        return "     new"
    longer = ", longer than that" if earlier.seconds > most else ""
    failed = ", failed last time" if earlier.failed else ""
    return f"{earlier.seconds:6.1f} s{longer}{failed}"


def _processes(config: pytest.Config) -> int:
    """Number of processes that share the tests."""
    if config.getoption("dist", "no") == "each":
        return 1
    return int(getattr(config, "workerinput", {}).get("workercount", 1))
