"""Compare two reports: what got worse or better."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ..core.states import ELSEWHERE
from . import checked
from .entry import (
    Entry,
    RunEntry,
    loss_after,
    seconds_of,
    verdict_of,
    worst_run,
)
from .json_report import Report
from .without_entry import OUTCOMES, word_of

#: Share by which the loss after training may differ. On one machine the same seed
#: gives the same loss; between machines the last digits differ.
TOLERANCE = 0.1
#: Largest allowed change in the used share of a limit.
_MORE_OF_LIMIT = 0.1
#: Times count as different from this factor and this many seconds on. CI machines
#: differ in speed, so a time is reported but fails nothing.
_OTHER_TIME, _SECONDS = 1.5, 1.0

#: Direction of a difference.
Way = Literal["worse", "better", "changed"]
#: The directions, in the order in which they are shown.
_WAYS: tuple[Way, ...] = ("worse", "better", "changed")
#: States of a test in a comparison, the most urgent first.
STATES = (
    *("worse", "not run", "left out", "changed", "new", "gone", "better", "the same"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A difference between two runs of a test.

    Attributes:
        what: Name of the value that differs, as ``"loss after"``.
        before, after: The two values as text.
        way: Direction of the difference.
    """

    what: str
    before: str
    after: str
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class TestChange:
    """A test that differs between two reports."""

    __test__ = False

    nodeid: str
    differences: tuple[Difference, ...]

    @property
    def way(self) -> Way:
        """``"worse"`` if any difference is; else ``"better"`` if any is; else
        ``"changed"``.
        """
        ways = {it.way for it in self.differences}
        return next(it for it in _WAYS if it in ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two reports compared.

    Attributes:
        changed: Tests in both reports that differ, those that got worse first.
        unchanged: Ids of the tests in both that do not differ.
        new, gone: Ids of the tests that only the newer or only the older report has.
        without_result: Tests of the newer report without a result, by id: ``"left
            out"`` by ``--lossguard-time``, or ``"not run"``. Those that had another
            outcome before are in ``changed`` too.
    """

    changed: tuple[TestChange, ...]
    unchanged: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    without_result: dict[str, str]

    @property
    def worse(self) -> tuple[TestChange, ...]:
        """The tests that got worse."""
        return tuple(it for it in self.changed if it.way == "worse")

    @property
    def states(self) -> dict[str, str]:
        """State of each test, one of `STATES`, in the order of `STATES`."""
        states = dict.fromkeys(self.unchanged, "the same")
        states |= dict.fromkeys(self.new, "new") | dict.fromkeys(self.gone, "gone")
        states |= self.without_result
        for test in self.changed:
            if test.way == "worse" or test.nodeid not in self.without_result:
                states[test.nodeid] = test.way
        order = STATES.index
        return dict(sorted(states.items(), key=lambda it: (order(it[1]), it[0])))

    @property
    def in_short(self) -> str:
        """The counts of the states, as ``"1 worse, 2 left out, 297 the same"``."""
        counts = Counter(self.states.values())
        some = [f"{counts[state]} {state}" for state in STATES if counts[state]]
        return ", ".join(some) or "no tests"


def compare(base: Report, new: Report, tolerance: float = TOLERANCE) -> Comparison:
    """Compare the tests of two reports.

    Args:
        base: The older report.
        new: The newer report.
        tolerance: Share by which the loss after training may differ.
    """
    before, after = _known(base), _known(new)
    before = {it: test for it, test in before.items() if test != ELSEWHERE}
    # a test left to another part counts only if the older report has run it
    moved = {it for it in after if after[it] == ELSEWHERE and not _ran(before.get(it))}
    after = {it: test for it, test in after.items() if it not in moved}
    before = {it: test for it, test in before.items() if it not in moved}
    both = [it for it in after if it in before]
    found = [
        TestChange(nodeid=nodeid, differences=differences)
        for nodeid in both
        if (differences := tuple(_between(before[nodeid], after[nodeid], tolerance)))
    ]
    found.sort(key=lambda it: (_WAYS.index(it.way), it.nodeid))
    without = {
        nodeid: word
        for nodeid, it in sorted(after.items())
        if isinstance(it, str) and (word := word_of(it)) not in OUTCOMES
    }
    differing = {it.nodeid for it in found}
    return Comparison(
        changed=tuple(found),
        unchanged=tuple(
            sorted(it for it in both if it not in differing and it not in without)
        ),
        new=tuple(sorted(after.keys() - before.keys() - without.keys())),
        gone=tuple(sorted(before.keys() - after.keys())),
        without_result=without,
    )


def _known(report: Report) -> dict[str, Entry | str]:
    """Return the entry of each test, or its outcome if it has no entry."""
    return {**report.others, **{it["nodeid"]: it for it in report.tests}}


def _ran(test: Entry | str | None) -> bool:
    return test in OUTCOMES if isinstance(test, str) else test is not None


def _between(
    before: Entry | str, after: Entry | str, tolerance: float
) -> Iterator[Difference]:
    yield from _of_outcomes(outcome_of(before), outcome_of(after))
    if not isinstance(before, str) and not isinstance(after, str):
        yield from _of_entries(before, after, tolerance)


def outcome_of(test: Entry | str) -> str:
    """Return the outcome of a test from its entry, or from its state without one."""
    return word_of(test) if isinstance(test, str) else test["outcome"]


def _of_entries(before: Entry, after: Entry, tolerance: float) -> Iterator[Difference]:
    yield from _of_words(
        "verdict", verdict_of(before), verdict_of(after), _BAD_VERDICTS
    )
    yield from _of_times(seconds_of(before), seconds_of(after))
    old, new = worst_run(before), worst_run(after)
    if old is None or new is None:
        return
    yield from _of_findings(before, after)
    yield from _of_losses(loss_after(old), loss_after(new), tolerance)
    if old["steps"] != new["steps"]:
        yield Difference(
            what="steps",
            before=str(old["steps"]),
            after=str(new["steps"]),
            way="changed",
        )
    yield from _of_limits(old, new)


#: Outcomes of a test that did not pass.
BAD_OUTCOMES = frozenset({"failed", "not run"})
_BAD_VERDICTS = checked.BAD_OUTCOMES | {"not converged"}


def _of_words(
    what: str, before: str, after: str, bad: frozenset[str]
) -> Iterator[Difference]:
    if before == after:
        return
    way: Way = "changed"
    if (before in bad) != (after in bad):
        way = "worse" if after in bad else "better"
    yield Difference(what=what, before=before, after=after, way=way)


def _of_outcomes(before: str, after: str) -> Iterator[Difference]:
    for it in _of_words("outcome", before, after, BAD_OUTCOMES):
        yield replace(it, way="changed") if after == "left out" else it


def _of_findings(before: Entry, after: Entry) -> Iterator[Difference]:
    old, new = _kinds(before), _kinds(after)
    for kind in sorted(new.keys() - old.keys()):
        yield Difference(what=kind, before="-", after=new[kind], way="worse")
    for kind in sorted(old.keys() - new.keys()):
        yield Difference(what=kind, before=old[kind], after="-", way="better")


def _kinds(test: Entry) -> dict[str, str]:
    """Return the severity of each kind of finding of a test."""
    found = [it for each in (test, *test["runs"]) for it in each["findings"]]
    return {it["kind"]: it["severity"] for it in reversed(found)}


def _of_losses(
    before: float | None, after: float | None, tolerance: float
) -> Iterator[Difference]:
    if before is None or after is None:
        return
    finite = math.isfinite(before), math.isfinite(after)
    if all(finite):
        if abs(after - before) <= tolerance * max(abs(before), abs(after)):
            return
        way: Way = "worse" if after > before else "better"
    elif finite[0] == finite[1]:
        return
    else:
        way = "worse" if finite[0] else "better"
    yield Difference(
        what="loss after", before=f"{before:.3g}", after=f"{after:.3g}", way=way
    )


def _of_times(before: float | None, after: float | None) -> Iterator[Difference]:
    if before is None or after is None:
        return
    shorter, longer = min(before, after), max(before, after)
    if longer - shorter >= _SECONDS and longer >= _OTHER_TIME * shorter:
        yield Difference(
            what="time",
            before=f"{before:.1f} s",
            after=f"{after:.1f} s",
            way="changed",
        )


def _of_limits(before: RunEntry, after: RunEntry) -> Iterator[Difference]:
    """Yield the difference in the used share of a limit, if both runs converged."""
    if "not_converged" in (before["verdict"], after["verdict"]):
        return
    old, new = before["nearness"], after["nearness"]
    if abs(new - old) > _MORE_OF_LIMIT:
        yield Difference(
            what="share of a limit",
            before=f"{old:.2g}",
            after=f"{new:.2g}",
            way="worse" if new > old else "better",
        )
