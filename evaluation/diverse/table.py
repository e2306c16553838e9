"""Makes ``evaluation/DIVERSE.md`` from rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from .measure import WAYS, Judged, Row, Way

__all__ = ["table"]

_HEAD = """\
# Healthy programs that nobody tuned on

Written by `{command}`. A run is one configuration on one seed. It counts as healthy if
its held-out score, after training in plain Keras, reaches the floor of its
configuration; the others are left out and listed at the end. Each healthy run is judged
as a marked test is: by *watch* around the program, and by *fit* where `lossguard.fit`
can be given its parts, with the comparisons after the test. Rules may be mended by
looking at the half *tune*; the half *report* only reports. The bar: of 1,000 healthy
runs at most 2 failed and at most 5 % warned.
"""


def table(rows: Sequence[Row], command: str) -> str:
    """Return the rows as Markdown, with the command that measured them."""
    lines = [
        _HEAD.format(command=command),
        *_totals(rows),
        *_by_finding(rows),
        *_alarms(rows),
        *_by_case(rows),
        *_left_out(rows),
    ]
    return "\n".join(lines) + "\n"


def _totals(rows: Sequence[Row]) -> list[str]:
    lines = [
        "| half, way | configurations | healthy runs | failed | warned |",
        "|---|---|---|---|---|",
    ]
    for half in ("tune", "report", "both"):
        for way in WAYS:
            judged = [
                (row.name, it)
                for row in rows
                if row.half == half or half == "both"
                for it in row.judged
                if it.way == way
            ]
            failed = _share([it for _, it in judged], lambda it: it.failed)
            warned = _share([it for _, it in judged], _only_warned)
            names = len({name for name, _ in judged})
            lines.append(
                f"| {half}, {way} | {names} | {len(judged)} | {failed} | {warned} |"
            )
    changed = sum(map(_scored_otherwise, rows))
    seconds = sum(it.seconds for row in rows for it in row.judged)
    plain = sum(row.seconds for row in rows if row.judged)
    return [
        *lines,
        "",
        f"Under watch {changed} of the runs ended at another score than in plain Keras."
        f" The healthy runs took {plain:.0f} s in plain Keras, judging them all ways"
        f" {seconds:.0f} s.",
        "",
    ]


def _only_warned(judged: Judged) -> bool:
    return bool(judged.warnings) and not judged.failed


def _scored_otherwise(row: Row) -> bool:
    watched = row.by("watch")
    return (
        watched is not None
        and watched.score is not None
        and not watched.failed
        and watched.score != row.score
    )


def _share(judged: Sequence[Judged], holds: Callable[[Judged], bool]) -> str:
    count = sum(map(holds, judged))
    return f"{count} ({count / len(judged):.1%})" if judged else "0"


def _by_finding(rows: Sequence[Row]) -> list[str]:
    counts: Counter[tuple[str, str, Way]] = Counter()
    for row in rows:
        for it in row.judged:
            for kind in it.errors:
                counts[kind, "error", it.way] += 1
            for kind in it.warnings:
                counts[kind, "warning", it.way] += 1
    head = [f"{severity}, {way}" for severity in ("error", "warning") for way in WAYS]
    lines = [
        "## By finding",
        "",
        f"| finding | {' | '.join(head)} |",
        f"|---{'|---' * len(head)}|",
    ]
    for kind in sorted({kind for kind, _, _ in counts}):
        cells = (
            str(counts[kind, severity, way] or "")
            for severity in ("error", "warning")
            for way in WAYS
        )
        lines.append(f"| `{kind}` | {' | '.join(cells)} |")
    return [*lines, ""]


def _alarms(rows: Sequence[Row]) -> list[str]:
    lines = ["## Every failure", ""]
    for row in rows:
        for it in row.judged:
            if it.failed:
                cause = "" if it.cause is None else f"; first cause {it.cause}"
                lines.append(
                    f"- `{row.name}`, seed {row.seed}, {it.way}, score {row.score:.3f}"
                    f"{cause}: {_one_line(it.told[0])}"
                )
    return [*(lines if len(lines) > 2 else [*lines, "None."]), ""]


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _by_case(rows: Sequence[Row]) -> list[str]:
    lines = [
        "## By configuration",
        "",
        "| configuration | half | floor | lowest score | healthy of runs"
        " | watch failed | watch warned | fit failed | fit warned | findings |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in sorted({row.name for row in rows}):
        own = [row for row in rows if row.name == name]
        healthy = [row for row in own if row.healthy]
        scores = [row.score for row in healthy if row.score is not None]
        cells = []
        for way in WAYS:
            judged = [it for row in healthy for it in row.judged if it.way == way]
            failed = sum(it.failed for it in judged)
            warned = sum(map(_only_warned, judged))
            cells += [str(failed or ""), str(warned or "")] if judged else ["-", "-"]
        found = Counter(
            kind
            for row in healthy
            for it in row.judged
            for kind in (*it.errors, *it.warnings)
        )
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()))
        lowest = f"{min(scores):.2f}" if scores else ""
        lines.append(
            f"| {name} | {own[0].half} | {own[0].floor:g} | {lowest}"
            f" | {len(healthy)} of {len(own)} | {' | '.join(cells)} | {counts} |"
        )
    return [*lines, ""]


def _left_out(rows: Sequence[Row]) -> list[str]:
    lines = ["## Left out: under the floor in plain Keras", ""]
    for row in rows:
        if not row.healthy:
            why = row.crash or f"score {row.score:.3f}, floor {row.floor:g}"
            lines.append(f"- `{row.name}`, seed {row.seed}: {_one_line(why)}")
    return [*(lines if len(lines) > 2 else [*lines, "None."]), ""]
