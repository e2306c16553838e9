"""A page of the figures of each test over commits, in one file without a script."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.files import write_whole
from ...core.numbers import format_seconds, number
from ...core.states import NOT_RUN
from ..entry import Entry, RunEntry, loss_after, seconds_of, verdict_of, worst_run
from ..session_facts import SessionFacts
from ..without_entry import reason_of
from .page import rendered
from .svg import HEIGHT, WIDTH, small_curve

#: A report: the facts of its session, its entries, and the states of other tests.
Session = tuple[SessionFacts, Sequence[Entry], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class _Figure:
    """A number of each test: its name, how to read it from an entry, and its format."""

    name: str
    of: Callable[[Entry, RunEntry | None], float | None]
    read: Callable[[float], str]


_FIGURES = (
    _Figure(
        "loss after", lambda _, run: None if run is None else loss_after(run), number
    ),
    _Figure("steps", lambda _, run: None if run is None else run["steps"], number),
    _Figure(
        "limit used",
        lambda _, run: None if run is None else run["nearness"],
        lambda value: f"{value:.0%}" if math.isfinite(value) else number(value),
    ),
    _Figure("time", lambda test, _: seconds_of(test), format_seconds),
)


#: The sign and the CSS class of an outcome; other tests get a point.
_SIGNS = {"failed": ("×", "error"), "passed": ("●", "ok")}


def write_history(path: Path, sessions: Sequence[Session]) -> None:
    """Write the page completely or not at all.

    Args:
        path: Path of the page; missing folders are made.
        sessions: The reports, oldest first.

    Raises:
        ModuleNotFoundError: Jinja2 is not installed.
    """
    write_whole(path, rendered("history.html", history_context(sessions)))


def history_context(sessions: Sequence[Session]) -> dict[str, Any]:
    """Return the data of the page.

    Returns:
        ``commits``, their names, oldest first; ``figures``, the names of the columns;
        ``tests``, those that fail now first; ``size`` of a small curve.
    """
    by_name = [{it["nodeid"]: it for it in tests} for _, tests, _ in sessions]
    names = sorted({name for tests in by_name for name in tests})
    shown = [
        _test(
            name,
            [it.get(name) for it in by_name],
            [others.get(name) for *_, others in sessions],
        )
        for name in names
    ]
    shown.sort(key=lambda it: not it["is_bad"])
    return {
        "commits": [_commit(facts) for facts, *_ in sessions],
        "figures": [it.name for it in _FIGURES],
        "tests": shown,
        "size": (WIDTH, HEIGHT),
    }


def _commit(facts: SessionFacts) -> str:
    """Return the name of a commit, as ``"1a2b3c4 2026-01-31"``."""
    known = [facts.commit.id[:7]] if facts.commit is not None else []
    known += [facts.moment[:10]] if facts.moment is not None else []
    return " ".join(known) or "a commit that is not known"


def _test(
    name: str, entries: Sequence[Entry | None], states: Sequence[str | None]
) -> dict[str, Any]:
    runs = [None if it is None else worst_run(it) for it in entries]
    marks = [*map(_mark, entries, states)]
    newest = next((it for it in reversed(marks) if it["kind"] != "dim"), marks[-1])
    return {
        "nodeid": name,
        "is_bad": newest["kind"] == "error",
        "verdict": newest["text"],
        "marks": marks,
        "figures": [_drawn(it, entries, runs) for it in _FIGURES],
    }


def _mark(test: Entry | None, state: str | None) -> dict[str, str]:
    """Return one report of a test: a sign, its CSS class and its meaning.

    Args:
        test: Entry of the test; None if it has none.
        state: Outcome of a test without an entry; None if the report does not have it.
    """
    outcome = state or NOT_RUN if test is None else test["outcome"]
    sign, kind = _SIGNS.get(outcome, ("·", "dim"))
    if test is not None:
        return {"sign": sign, "kind": kind, "text": verdict_of(test)}
    text = "not in the report" if state is None else reason_of(state)
    return {"sign": sign, "kind": kind, "text": text}


def _drawn(
    figure: _Figure, entries: Sequence[Entry | None], runs: Sequence[RunEntry | None]
) -> dict[str, Any] | None:
    """Return the curve of a figure and its last value; None without any value."""
    values = [
        None if test is None else figure.of(test, run)
        for test, run in zip(entries, runs, strict=True)
    ]
    known = [it for it in values if it is not None]
    if not known:
        return None
    small = small_curve([math.nan if it is None else it for it in values])
    return {
        "small": small | {"broken": not all(map(math.isfinite, known))},
        "now": figure.read(known[-1]),
        "text": f"{figure.name}: {figure.read(known[0])} at first,"
        f" {figure.read(known[-1])} at last",
    }
