"""A page that compares two reports, tests that got worse first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...core.files import write_whole
from ...core.numbers import format_seconds, number
from .. import checked
from ..comparison import BAD_OUTCOMES, STATES, Comparison, Difference, outcome_of
from ..entry import (
    Entry,
    RunEntry,
    causes_of,
    loss_after,
    seconds_of,
    verdict_of,
    worst_run,
)
from ..json_report import Report
from ..without_entry import reason_of, word_of
from .context import again, as_script, run_context, session_lines
from .details import details_of_entry
from .figures import pair_figure
from .page import rendered

#: Differences that have a separate column.
_IN_COLUMNS = ("outcome", "verdict", "loss after", "share of a limit", "time")
#: Rise of a loss that is no longer finite.
_BROKEN = 1e12


def write_comparison(path: Path, found: Comparison, base: Report, new: Report) -> None:
    """Write the page completely or not at all.

    Args:
        path: Path of the page; missing folders are made.
        found: The differences between the two reports.
        base: The older report.
        new: The newer report.

    Raises:
        ModuleNotFoundError: Jinja2 is not installed.
    """
    write_whole(path, rendered("comparison.html", comparison_context(found, base, new)))


def comparison_context(
    comparison: Comparison, base: Report, new: Report
) -> dict[str, Any]:
    """Return the data of the page.

    Returns:
        ``tests``, those that got worse first; ``index``, by which the page sorts and
        searches them; ``counts`` of each state, and ``words`` for it; ``in_short``, all
        counts in one line; ``sessions``, lines about both sessions.
    """
    before, after = ({it["nodeid"]: it for it in each.tests} for each in (base, new))
    differences = {it.nodeid: it.differences for it in comparison.changed}
    states = comparison.states
    shown = [
        _test(
            f"t{at}",
            nodeid,
            states[nodeid],
            differences.get(nodeid, ()),
            _Side("base", before.get(nodeid), base.others.get(nodeid)),
            _Side("new", after.get(nodeid), new.others.get(nodeid)),
        )
        for at, nodeid in enumerate(states)
    ]
    words = {_slug(it): it for it in STATES}
    return {
        "tests": shown,
        "index": [test.pop("index") for test in shown],
        "counts": {slug: sum(it["state"] == slug for it in shown) for slug in words},
        "words": words,
        "in_short": comparison.in_short,
        "sessions": {
            "base": session_lines(base.session),
            "new": session_lines(new.session),
        },
    }


def _slug(state: str) -> str:
    return state.replace(" ", "_")


class _Side:
    """A test as one of the two reports has it.

    Attributes:
        name: ``"base"`` or ``"new"``.
        test: Entry of the test; None if it has none.
        run: The training that represents the test; None if nothing trained.
        details: Details of that training for the page; None if nothing trained.
        is_known: Whether the report knows the test.
    """

    def __init__(self, name: str, test: Entry | None, why: str | None) -> None:
        self.name, self.test, self._why = name, test, why
        self.is_known = test is not None or why is not None
        self.run = None if test is None else worst_run(test)
        self.details = None if self.run is None else details_of_entry(self.run)

    @property
    def verdict(self) -> str:
        """The outcome in a word or two; empty if the report does not have the test."""
        if self.test is None:
            return "" if self._why is None else word_of(self._why)
        verdict = verdict_of(self.test)
        if verdict == "none" or (
            self.test["outcome"] == "failed" and self.is_good(verdict)
        ):
            return self.test["outcome"]
        return verdict

    @property
    def is_bad(self) -> bool:
        """Whether the test failed or was not run."""
        return outcome_of(self.test or self._why or "") in BAD_OUTCOMES

    @staticmethod
    def is_good(verdict: str) -> bool:
        """Whether a verdict belongs to a test that passes."""
        return verdict in ("converged", "kept", "passed", "skipped")

    @property
    def loss(self) -> float | None:
        """Loss after training; None if nothing trained."""
        return None if self.run is None else loss_after(self.run)

    @property
    def seconds(self) -> float | None:
        """Duration of the test in seconds; None if unknown."""
        return None if self.test is None else seconds_of(self.test)

    def words(self) -> Iterator[str]:
        """Yield the words that the search box finds the test by."""
        if self.test is None:
            return
        found = checked.checked_of(self.test)
        if found is not None:
            yield from (found.noun, found.name)
        for run in self.test["runs"]:
            yield run["model"]
            yield from (it["kind"] for it in run["findings"])
            yield from (it["cause"] for it in causes_of(run))
        yield from (it["kind"] for it in self.test["findings"])

    def shown(self) -> dict[str, Any]:
        """Return the data of this side for the page."""
        test = self.test
        found = None if test is None else checked.checked_of(test)
        runs = [] if test is None else test["runs"]
        failed = any(it["verdict"] != "converged" for it in runs)
        error = "" if test is None or failed else test["error"] or ""
        note = "" if self.is_known else f"The test is not in the {self.name} report."
        if test is None and self._why is not None:
            note = f"{reason_of(self._why).capitalize()}."
        elif test is not None and not runs and found is None:
            note = "No training was recorded."
        return {
            "name": self.name,
            "verdict": self.verdict,
            "is_bad": self.is_bad,
            "run": None if self.details is None else run_context(self.details),
            "more": len(runs) - 1,
            "findings": [] if test is None else test["findings"],
            "note": note,
            "error": error
            or (found.message if found is not None and found.is_bad else ""),
        }


def _test(
    name: str,
    nodeid: str,
    state: str,
    differences: tuple[Difference, ...],
    base: _Side,
    new: _Side,
) -> dict[str, Any]:
    file, _, short = nodeid.rpartition("::")
    sides = [base, new]
    reasons = "; ".join(
        _describe(it) for it in differences if it.what not in _IN_COLUMNS
    )
    drawn = [it for it in sides if it.details is not None and it.details["loss"]["y"]]
    figure = pair_figure(base.details, new.details) if drawn else None
    shown = [it.shown() for it in sides]
    seed = None if new.run is None else new.run["seed"]
    return {
        "id": name,
        "nodeid": nodeid,
        "file": file,
        "name": short,
        "state": _slug(state),
        "text": reasons,
        "verdict": [it.verdict for it in sides],
        "loss": ["" if it.loss is None else number(it.loss) for it in sides],
        "limit": [_limit(it.run) for it in sides],
        "time": [
            "" if it.seconds is None else format_seconds(it.seconds) for it in sides
        ],
        "differences": differences,
        "sides": shown,
        "figure": "pair" if figure else None,
        "figures": as_script({"pair": figure}) if figure else "",
        "caption": " ".join(
            f"{it['name']}: {it['run']['text']}" for it in shown if it["run"]
        ),
        "again": again(nodeid, seed or 0),
        "index": [
            _slug(state),
            _nearness(new),
            _finite(new.seconds),
            _searched(nodeid, state, reasons, sides),
            _rise(base.loss, new.loss),
        ],
    }


def _describe(difference: Difference) -> str:
    if difference.before == "-":
        return f"new: {difference.what}"
    if difference.after == "-":
        return f"no more: {difference.what}"
    return f"{difference.what} {difference.before} → {difference.after}"


def _limit(run: RunEntry | None) -> str:
    if run is None or run["verdict"] != "converged":
        return ""
    return f"{run['nearness']:.0%}"


def _nearness(side: _Side) -> float:
    """How near the test came to failing; a large number if it failed."""
    if side.is_bad:
        return _BROKEN
    return 0.0 if side.run is None else _finite(side.run["nearness"])


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else 0.0


def _rise(before: float | None, after: float | None) -> float:
    """Rise of a loss as a share of its earlier value."""
    if before is None or after is None or not math.isfinite(before):
        return 0.0
    if not math.isfinite(after):
        return _BROKEN
    return min((after - before) / (abs(before) or 1.0), _BROKEN)


def _searched(nodeid: str, state: str, reasons: str, sides: list[_Side]) -> str:
    words = [nodeid, state, reasons, *(it.verdict for it in sides)]
    words += [word for it in sides for word in it.words()]
    return " ".join(dict.fromkeys(it.lower() for it in words if it))
