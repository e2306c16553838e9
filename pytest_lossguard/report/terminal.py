"""Lines for the end of a session in a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping

from .entries import Entry, told_loss, told_nearness, verdict_of, worst_run

__all__ = ["counted", "extremes", "searches", "table"]

#: Passing searches told of without -v.
_SHOWN = 5
_HEAD = ("verdict", "loss", "steps", "of limit", "test")


def counted(tests: list[Entry], seconds: float) -> tuple[str, int]:
    """How many trainings were judged, in one line, and how many did not converge."""
    runs = [run for test in tests for run in test["runs"]]
    bad = sum(run["verdict"] != "converged" for run in runs)
    line = (
        f"lossguard: {_plural(len(runs), 'training')} judged in"
        f" {_plural(len(tests), 'test')},"
        f" {bad if bad else 'none'} not converged ({seconds:.1f} s)"
    )
    return line, bad


def table(tests: Iterable[Entry]) -> Iterator[str]:
    """One line for each test, in the order of their ids, below a line of headings.

    A column is as wide as what it holds; the test comes last, where a long name
    harms no column, and its baseline where it has one.
    """
    rows = [_HEAD, *map(_row, sorted(tests, key=lambda test: test["nodeid"]))]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for verdict, loss, steps, near, name in rows:
        yield (
            f"{verdict:<{widths[0]}}  {loss:<{widths[1]}}  {steps:>{widths[2]}}"
            f"  {near:>{widths[3]}}  {name}"
        )


def _row(test: Entry) -> tuple[str, ...]:
    run, name = worst_run(test), test["nodeid"]
    if test.get("baseline") is not None:
        name += f", baseline {test['baseline']['state']}"
    if run is None:
        return ("none", "-", "-", "-", name)
    if len(test["runs"]) > 1:
        name += f" (worst of {len(test['runs'])})"
    facts = (told_loss(run), str(run["steps"]), told_nearness(run))
    return (verdict_of(test), *facts, name)


def extremes(tests: Iterable[Entry], seconds: Mapping[str, float]) -> Iterator[str]:
    """The slowest tests and those that passed closest to failing, one line each.

    Args:
        tests: Their entries; of a single one there is nothing to be said.
        seconds: How long each took, by its id.
    """
    judged = [test for test in tests if test["runs"]]
    if len(judged) < 2:
        return
    slowest = max(judged, key=lambda test: seconds[test["nodeid"]])
    lines = {"slowest": f"{seconds[slowest['nodeid']]:.1f} s {slowest['nodeid']}"}
    near = [
        (run["nearness"], test["nodeid"])
        for test in judged
        if (run := worst_run(test)) is not None and run["verdict"] == "converged"
    ]
    if near:
        nearness, name = max(near)
        lines["closest to failing"] = f"{_near(nearness)} {name}"
    for head, text in lines.items():
        yield from _wrapped(f"{head} {text}")


def searches(tests: Iterable[Entry], *, every: bool) -> Iterator[str]:
    """What each search that passed has proved, those nearest to failing first.

    Args:
        tests: Their entries.
        every: Tell of all, not only of the first five.
    """
    passed = [it for it in tests if it["search"] and it["search"]["closest"]]
    passed.sort(key=lambda test: -test["search"]["closest"]["nearness"])
    shown = passed if every else passed[:_SHOWN]
    for test in shown:
        told = "; ".join(_search(test["search"]))
        yield from _wrapped(f"{test['nodeid']} {told}")
    if len(shown) < len(passed):
        yield f"  and {_plural(len(passed) - len(shown), 'search')} more: -v"


def _search(search: Entry) -> Iterator[str]:
    if search["space"] is not None:
        yield f"survived {search['space']}"
    yield f"searched {search['examples']}, {search['unique']} different"
    if search["exhausted_budget"]:
        yield "the budget kept others from being run"
    closest = search["closest"]
    yield f"closest to failing {closest['corruption']}, {_near(closest['nearness'])}"
    if search["headroom"]:
        yield f"beyond that {', '.join(search['headroom'])}"


def _near(nearness: float) -> str:
    excused = ", excused as slow" if nearness > 1 else ""
    return f"{nearness:.2g} of a limit{excused}"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text,
        78,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plural(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"
