"""What got worse or better between two reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ..core.states import ELSEWHERE, LEFT_OUT, NOT_RUN
from ..report.checked import BAD_OUTCOMES
from ..report.entry import (
    Entry,
    RunEntry,
    loss_after,
    seconds_of,
    verdict_of,
    worst_run,
)

__all__ = ["TOLERANCE", "Comparison", "Difference", "TestChange", "compare"]

#: Share by which the loss after training may differ: on one machine the same seed
#: gives the same loss, between machines it differs in its last digits.
TOLERANCE = 0.1
#: How much more of a limit may be used up.
_MORE_OF_LIMIT = 0.1
#: A time is another one from this factor and these seconds on: machines of a CI differ,
#: so it is reported and fails nothing.
_OTHER_TIME, _SECONDS = 1.5, 1.0

#: Whether a difference is a gain, a loss, or neither.
Way = Literal["worse", "better", "changed"]
#: In the order in which they are shown.
_WAYS: tuple[Way, ...] = ("worse", "better", "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that differs between two runs of a test.

    Attributes:
        what: As ``"loss after"``.
        before, after: In words.
        way: Whether it got better or worse.
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
        """Worse if anything is; better if nothing is and something is better."""
        ways = {it.way for it in self.differences}
        return next(it for it in _WAYS if it in ways)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two reports side by side.

    Attributes:
        changed: The tests in both that differ, those that got worse first.
        same: How many do not.
        new, gone: The ids of those in one of them only.
    """

    changed: tuple[TestChange, ...]
    same: int
    new: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def worse(self) -> tuple[TestChange, ...]:
        """The tests that got worse."""
        return tuple(it for it in self.changed if it.way == "worse")


def compare(
    base: Iterable[Entry],
    new: Iterable[Entry],
    tolerance: float = TOLERANCE,
    others: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare the tests of two reports.

    Args:
        base: The entries of the older one.
        new: Those of the newer one.
        tolerance: Share by which the loss after training may differ.
        others: What came of the newer tests without an entry; see `write_json`.
    """
    before = {it["nodeid"]: it for it in base}
    after = {it["nodeid"]: it for it in new}
    others = {it: why for it, why in (others or {}).items() if it in before}
    both = [it for it in after if it in before]
    found = [
        TestChange(nodeid=nodeid, differences=differences)
        for nodeid in both
        if (differences := tuple(_between(before[nodeid], after[nodeid], tolerance)))
    ]
    found += [
        TestChange(
            nodeid=nodeid,
            differences=tuple(_of_outcome(before[nodeid]["outcome"], why)),
        )
        for nodeid, why in others.items()
        if why != before[nodeid]["outcome"]
    ]
    found.sort(key=lambda it: (_WAYS.index(it.way), it.nodeid))
    return Comparison(
        changed=tuple(found),
        same=len(both) + len(others) - len(found),
        new=tuple(sorted(after.keys() - before.keys())),
        gone=tuple(sorted(before.keys() - after.keys() - others.keys())),
    )


def _between(before: Entry, after: Entry, tolerance: float) -> Iterator[Difference]:
    yield from _of_outcome(before["outcome"], after["outcome"])
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


#: What a test without a result counts as.
_WORDS = {LEFT_OUT: "left out", NOT_RUN: "not run", ELSEWHERE: "not run"}
_BAD_OUTCOMES = frozenset({"failed", "not run"})
_BAD_VERDICTS = BAD_OUTCOMES | {"not converged"}


def _of_words(
    what: str, before: str, after: str, bad: frozenset[str]
) -> Iterator[Difference]:
    if before == after:
        return
    way: Way = "changed"
    if (before in bad) != (after in bad):
        way = "worse" if after in bad else "better"
    yield Difference(what=what, before=before, after=after, way=way)


def _of_outcome(before: str, after: str) -> Iterator[Difference]:
    yield from _of_words("outcome", before, _WORDS.get(after, after), _BAD_OUTCOMES)


def _of_findings(before: Entry, after: Entry) -> Iterator[Difference]:
    old, new = _kinds(before), _kinds(after)
    for kind in sorted(new.keys() - old.keys()):
        yield Difference(what=kind, before="-", after=new[kind], way="worse")
    for kind in sorted(old.keys() - new.keys()):
        yield Difference(what=kind, before=old[kind], after="-", way="better")


def _kinds(test: Entry) -> dict[str, str]:
    """What was found, and how severe it is."""
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
    """How near those came to failing that passed."""
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
