"""Lines for the end of a session, for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ..core.findings import OWN_KIND, place_of
from ..core.numbers import number
from ..core.wrapping import wrapped
from .entry import (
    STEPS_ONLY,
    ClosestEntry,
    Entry,
    FindingEntry,
    SearchEntry,
    format_limit_used,
    format_loss,
    verdict_of,
    worst_run,
)
from .shards import whole_searches

#: Most passing searches, and most tests with warnings, listed without -v.
_SHOWN, _WARNED = 5, 10
_HEAD = ("verdict", "before -> after", "steps", "of limit", "test")
_WIDTH, _LONGEST_KIND = 80, 26
_LOSSES = (
    "before -> after: loss before training and after it, on a fixed sample of its data,"
    " penalties left out"
)
#: Explanation of the limits that a share refers to; see `judge.limit_used`.
_LIMITS = (
    "of limit: share of the nearest limit that was used up, of the largest loss that"
    " a step may have (growth), of what always predicting the best constant costs"
    " (constant), or of the loss before training (start)"
)


def counted(tests: list[Entry], seconds: float) -> tuple[str, int]:
    """Return one line with the number of judged trainings, and how many did not
    converge.
    """
    runs = [run for test in tests for run in test["runs"]]
    bad = sum(run["verdict"] != "converged" for run in runs)
    line = (
        f"lossguard: {_plural(len(runs), 'training')} judged in"
        f" {_plural(len(tests), 'test')},"
        f" {bad if bad else 'none'} not converged ({seconds:.1f} s)"
    )
    return line, bad


def warned(tests: Iterable[Entry], verbosity: int = 0) -> Iterator[str]:
    """Yield the tests that passed with a finding, one line each, those nearest to
    failing first: the finding, its value and the limit.

    Args:
        tests: Entries of the tests.
        verbosity: Above 0 all tests are listed, at 0 the first ten, below 0 only their
            number.
    """
    passed = [it for it in tests if it["outcome"] == "passed"]
    found = [test for test in passed if any(it["findings"] for it in test["runs"])]
    if not found:
        return
    found.sort(key=_severity_order)
    title = f"  {_plural(len(found), 'test')} passed with warnings"
    if verbosity < 0:
        yield f"{title}; without -q they are listed"
        return
    yield f"{title}{', the nearest to failing first' if found[1:] else ''}:"
    shown = found if verbosity > 0 else found[:_WARNED]
    rows = [_warning(test) for test in shown]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    for kind, numbers, name in rows:
        head = f"    {kind:<{widths[0]}}  {numbers:<{widths[1]}}  "
        yield head + _shortened(name, _WIDTH - len(head))
    if len(shown) < len(found):
        rest = Counter(_worst(test)["kind"] for test in found[len(shown) :])
        kinds = ", ".join(f"{count} {kind}" for kind, count in rest.most_common())
        yield from _wrapped(f"  and {len(found) - len(shown)} more with -v: {kinds}")
    if any(OWN_KIND.match(kind) is None for kind, *_ in rows):
        yield "  what each means: pytest --lossguard-explain NAME"


def _severity_order(test: Entry) -> tuple[bool, float, str]:
    """Sort key: trainings that did not converge first, then by nearness to failing."""
    failed = _worst(test)["severity"] == "error"
    nearness = max(run["nearness"] for run in test["runs"] if run["findings"])
    return not failed, -nearness, test["nodeid"]


def _worst(test: Entry) -> FindingEntry:
    """Return the finding to show: an error, else a possible cause, else the first."""
    found = [it for run in test["runs"] for it in run["findings"]]
    return min(found, key=lambda it: (it["severity"] != "error", place_of(it["kind"])))


def _warning(test: Entry) -> tuple[str, str, str]:
    finding = _worst(test)
    numbers = [
        f"{word}{number(float(it))}"
        for word, it in (("", finding["value"]), ("limit ", finding["limit"]))
        if it is not None
    ]
    kinds = {it["kind"] for run in test["runs"] for it in run["findings"]}
    more = f" +{len(kinds) - 1}" if len(kinds) > 1 else ""
    kind = f"{_flat(finding['kind'])[:_LONGEST_KIND]}{more}"
    return kind, ", ".join(numbers), _flat(test["nodeid"])


def _flat(text: str) -> str:
    """Join the lines of a text into one."""
    return " ".join(text.split())


def _shortened(name: str, room: int) -> str:
    """Shorten the id of a test to a number of characters, keeping what distinguishes
    it: its name rather than its folders, and both ends of a long name.
    """
    room = max(room, 20)
    if len(name) <= room:
        return name
    _, _, test = name.partition("::")
    if len(test) <= room - 5:
        return f"...{name[3 - room :]}"
    test = test or name
    if len(test) <= room:
        return test
    half = (room - 3) // 2
    return f"{test[: room - 3 - half]}...{test[-half:]}"


def table(tests: Iterable[Entry]) -> Iterator[str]:
    """Yield a table with one line for each test, sorted by id, and notes on its
    columns.

    The test comes last, with its baseline if it has one, so that a long name does not
    disturb the other columns.
    """
    rows = [_HEAD, *map(_row, sorted(tests, key=lambda test: test["nodeid"]))]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for verdict, loss, steps, near, name in rows:
        yield (
            f"{verdict:<{widths[0]}}  {loss:<{widths[1]}}  {steps:>{widths[2]}}"
            f"  {near:<{widths[3]}}  {name}"
        )
    marked = any(loss.endswith("*") for _, loss, *_ in rows)
    notes = (_LOSSES, *([STEPS_ONLY] if marked else []), _LIMITS)
    for sentence in notes:
        yield from textwrap.wrap(sentence, _WIDTH, subsequent_indent="  ")


def _row(test: Entry) -> tuple[str, ...]:
    run, name = worst_run(test), _flat(test["nodeid"])
    baseline = test.get("baseline")
    if baseline is not None:
        name += f", baseline {baseline['state']}"
    if run is None:
        return ("none", "-", "-", "-", name)
    if len(test["runs"]) > 1:
        name += f" (worst of {len(test['runs'])})"
    near = format_limit_used(run)
    if near != "-" and run.get("nearest"):
        near += f" {run['nearest']}"
    return (verdict_of(test), format_loss(run), str(run["steps"]), near, name)


def extremes(tests: Iterable[Entry], seconds: Mapping[str, float]) -> Iterator[str]:
    """Yield the slowest test and the one that passed closest to failing, one line each.

    Args:
        tests: Entries of the tests; nothing is yielded for a single one.
        seconds: Duration of each test in seconds, by id.
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
    """Yield what each passing search has shown, those nearest to failing first.
    Failures of divided searches come before them.

    Args:
        tests: Entries of the tests.
        every: Whether to list all passing searches, not only the first five.
    """
    whole = [*whole_searches(tests)]
    for name, search in whole:
        if search.get("shard") and search["failing"] is not None:
            yield from _wrapped(
                f"{name} failed at {search['failing']}; searched {search['examples']},"
                f" {search['unique']} different"
            )
    passed = [
        (closest, search, name)
        for name, search in whole
        if (closest := search["closest"])
    ]
    passed.sort(key=lambda it: -it[0]["nearness"])
    shown = passed if every else passed[:_SHOWN]
    for closest, search, nodeid in shown:
        yield from _wrapped(f"{nodeid} {'; '.join(_search(search, closest))}")
    if len(shown) < len(passed):
        yield f"  and {_plural(len(passed) - len(shown), 'search')} more: -v"


def _search(search: SearchEntry, closest: ClosestEntry) -> Iterator[str]:
    if search["space"] is not None:
        yield f"survived {search['space']}"
    yield f"searched {search['examples']}, {search['unique']} different"
    known = search.get("known_cases")
    if known:
        yield f"{_plural(known, 'known case')} held"
    if search["exhausted_budget"]:
        yield "the budget left no time for others"
    yield f"closest to failing {closest['corruption']}, {_near(closest['nearness'])}"
    if search["headroom"]:
        yield f"beyond that {', '.join(search['headroom'])}"


def _near(nearness: float) -> str:
    excused = ", excused as slow" if nearness > 1 else ""
    return f"{nearness:.2g} of a limit{excused}"


def _plural(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{count} {noun if count == 1 else plural}"


def _wrapped(text: str) -> list[str]:
    return wrapped("  ", text, 78, indent=4)
