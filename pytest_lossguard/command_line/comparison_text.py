"""A comparison for the terminal, for a pull request, and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict

from ..report.github import escaped
from .comparison import Comparison, TestChange

__all__ = ["FORMATS"]


def _text(found: Comparison) -> str:
    return "\n".join(_lines(found))


def _lines(found: Comparison) -> Iterator[str]:
    yield _in_short(found)
    for test in found.changed:
        yield f"{test.way:<8} {test.nodeid}"
        width = max(len(it.what) for it in test.differences)
        for it in test.differences:
            mark = "!" if it.way == "worse" else " "
            yield f"  {mark} {it.what:<{width}}  {it.before} -> {it.after}"
    for name, tests in (("new", found.new), ("gone", found.gone)):
        for nodeid in tests:
            yield f"{name:<8} {nodeid}"


def _in_short(found: Comparison) -> str:
    ways = [it.way for it in found.changed]
    counts = [
        (ways.count("worse"), "worse"),
        (ways.count("better"), "better"),
        (ways.count("changed"), "changed"),
        (found.same, "the same"),
        (len(found.new), "new"),
        (len(found.gone), "gone"),
    ]
    some = [f"{count} {name}" for count, name in counts if count]
    return f"lossguard: {', '.join(some) or 'no tests'}"


def _markdown(found: Comparison) -> str:
    """A table for a comment on a pull request."""
    head = f"### {_in_short(found)}\n"
    if not (found.changed or found.new or found.gone):
        return head
    rows = [*map(_row, found.changed)]
    rows += [f"| new | {escaped(it)} | |" for it in found.new]
    rows += [f"| gone | {escaped(it)} | |" for it in found.gone]
    return "\n".join([head, "| | test | before -> after |", "|---|---|---|", *rows, ""])


def _row(test: TestChange) -> str:
    differences = "; ".join(
        f"{it.what} {it.before} -> {it.after}" for it in test.differences
    )
    return f"| {test.way} | {escaped(test.nodeid)} | {escaped(differences)} |"


def _json(found: Comparison) -> str:
    tests = [{**asdict(it), "way": it.way} for it in found.changed]
    whole = {"schema": 1, **asdict(found), "changed": tests}
    return json.dumps(whole, indent=1)


#: What ``--format`` takes.
FORMATS: dict[str, Callable[[Comparison], str]] = {
    "text": _text,
    "markdown": _markdown,
    "json": _json,
}
