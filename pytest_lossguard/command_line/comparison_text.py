"""A comparison as text for the terminal, Markdown for a pull request, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

from ..report.comparison import Comparison, Difference
from ..report.github import escaped


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"lossguard: {comparison.in_short}"
    for nodeid, state, differences in _shown(comparison):
        yield f"{state:<8} {nodeid}"
        width = max((len(it.what) for it in differences), default=0)
        for it in differences:
            mark = "!" if it.way == "worse" else " "
            yield f"  {mark} {it.what:<{width}}  {it.before} -> {it.after}"


def _shown(
    comparison: Comparison,
) -> Iterator[tuple[str, str, tuple[Difference, ...]]]:
    """Yield the tests that are not the same: id, state and differences."""
    changed = {it.nodeid: it.differences for it in comparison.changed}
    for nodeid, state in comparison.states.items():
        if state != "the same":
            yield nodeid, state, changed.get(nodeid, ())


def _markdown(comparison: Comparison) -> str:
    """Return a table for a comment on a pull request."""
    head = f"### lossguard: {comparison.in_short}\n"
    rows = [*map(_row, _shown(comparison))]
    if not rows:
        return head
    return "\n".join([head, "| | test | before -> after |", "|---|---|---|", *rows, ""])


def _row(shown: tuple[str, str, tuple[Difference, ...]]) -> str:
    nodeid, state, differences = shown
    reasons = "; ".join(f"{it.what} {it.before} -> {it.after}" for it in differences)
    return f"| {state} | {escaped(nodeid)} | {escaped(reasons)} |"


def _json(comparison: Comparison) -> str:
    tests = [{**asdict(it), "way": it.way} for it in comparison.changed]
    whole = {
        "schema": 1,
        "changed": tests,
        "same": len(comparison.unchanged),
        "new": comparison.new,
        "gone": comparison.gone,
        "without_result": comparison.without_result,
    }
    return json.dumps(whole, indent=1)


#: Formats by the value of ``--format``.
FORMATS: dict[str, Callable[[Comparison], str]] = {
    "text": lambda it: "\n".join(_lines(it)),
    "markdown": _markdown,
    "json": _json,
}
