"""Makes ``evaluation/REPORTED.md`` from rows."""

from __future__ import annotations

from collections.abc import Sequence

from .measure import Row
from .report import Report

__all__ = ["flagged", "table", "true_cause"]


def flagged(report: Report, row: Row) -> bool:
    """Whether a broken program failed, or has a warning that is true of it."""
    known = {*report.causes, "improvable"}
    return row.failed or bool(known & {*row.warnings})


def true_cause(report: Report, row: Row) -> bool:
    """Whether the first cause is true of the program."""
    return row.first_cause in report.causes


def table(reports: Sequence[Report], rows: Sequence[Row], command: str) -> str:
    """Return the whole report as Markdown.

    Args:
        reports: All reports.
        rows: The measured rows.
        command: The command that measured them.
    """
    known = {it.name: it for it in reports}
    lines = [
        "# Bugs as people reported them",
        "",
        f"Written by `{command}`. Each report is a broken and a fixed program, judged"
        " as a marked test is, with the diagnosis. Limits of the judge may be set by"
        " looking at the half *tune*; the half *report* only reports. A broken program"
        " is flagged if it failed, or was warned of by a finding that is true of it;"
        " the first cause is that of the diagnosis, else the first finding.",
        "",
        "| half | broken | failed | flagged | first cause true | fixed | failed |"
        " warned |",
        "|---|---|---|---|---|---|---|---|",
        *(_half(known, rows, it) for it in ("tune", "report", "both")),
        "",
        "Reports that a recording of the training cannot see are counted as well; what"
        " sees them instead is named below. Without them:",
        "",
        "| half | broken | failed | flagged | first cause true |",
        "|---|---|---|---|---|",
        *(_seen(known, rows, it) for it in ("tune", "report", "both")),
        "",
        "Where a model check or a contract sees the bug, it was run too: on the broken"
        " program and on the fixed one.",
        "",
        "| checked | broken | found, as what it is | fixed | failed |",
        "|---|---|---|---|---|",
        _checked(known, rows),
        "",
        "## By report",
        "",
        "Scores are means over the seeds, by a measure that no loss enters; higher is"
        " better.",
        "",
        "| report | half | kind | what is wrong | source | score broken, fixed |"
        " broken failed, flagged, cause true | first finding | fixed failed, warned |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_report(it, [row for row in rows if row.name == it.name]) for it in reports),
        "",
        "## What was said of fixed programs",
        "",
        *(_said(rows) or ["Nothing."]),
    ]
    return "\n".join(lines) + "\n"


def _checked(known: dict[str, Report], rows: Sequence[Row]) -> str:
    checked = [it for it in rows if it.checked is not None]
    broken, fixed = ([it for it in checked if it.fixed is by] for by in (False, True))
    found = sum(known[it.name].seen_as in (it.checked or ()) for it in broken)
    failed = sum(bool(it.checked) for it in fixed)
    names = len({it.name for it in checked})
    return (
        f"| {names} reports | {len(broken)} | {_share(found, len(broken))} |"
        f" {len(fixed)} | {_share(failed, len(fixed))} |"
    )


def _of(rows: Sequence[Row], half: str) -> list[Row]:
    return [it for it in rows if half in ("both", it.half)]


def _half(known: dict[str, Report], rows: Sequence[Row], half: str) -> str:
    some = _of(rows, half)
    fixed = [it for it in some if it.fixed]
    failed = sum(it.failed for it in fixed)
    warned = sum(bool(it.warnings) and not it.failed for it in fixed)
    return (
        f"{_seen(known, rows, half, all_of_them=True)} {len(fixed)} |"
        f" {_share(failed, len(fixed))} | {_share(warned, len(fixed))} |"
    )


def _seen(
    known: dict[str, Report],
    rows: Sequence[Row],
    half: str,
    *,
    all_of_them: bool = False,
) -> str:
    broken = [
        it
        for it in _of(rows, half)
        if not it.fixed and (all_of_them or not known[it.name].unseen)
    ]
    failed = sum(it.failed for it in broken)
    noted = [it for it in broken if flagged(known[it.name], it)]
    right = sum(true_cause(known[it.name], it) for it in noted)
    return (
        f"| {half} | {len(broken)} | {_share(failed, len(broken))} |"
        f" {_share(len(noted), len(broken))} | {_share(right, len(noted))} |"
    )


def _report(report: Report, rows: Sequence[Row]) -> str:
    broken = [it for it in rows if not it.fixed]
    fixed = [it for it in rows if it.fixed]
    counts = [
        sum(it.failed for it in broken),
        sum(flagged(report, it) for it in broken),
        sum(true_cause(report, it) for it in broken),
    ]
    named = sorted({it.first_cause or "nothing" for it in broken})
    alarms = [
        sum(it.failed for it in fixed),
        sum(bool(it.warnings) and not it.failed for it in fixed),
    ]
    wrong = report.wrong + (f" (seen by {report.unseen})" if report.unseen else "")
    return (
        f"| {report.name} | {report.half} | {report.kind} | {wrong} | {report.source} |"
        f" {_mean(broken)}, {_mean(fixed)} | {_counts(counts, len(broken))} |"
        f" {', '.join(f'`{it}`' for it in named)} | {_counts(alarms, len(fixed))} |"
    )


def _counts(counts: Sequence[int], of: int) -> str:
    return ", ".join(f"{it}/{of}" for it in counts)


def _mean(rows: Sequence[Row]) -> str:
    scores = [it.score for it in rows if it.score == it.score]
    return f"{sum(scores) / len(scores):.2f}" if scores else "-"


def _said(rows: Sequence[Row]) -> list[str]:
    said = [it for it in rows if it.fixed and it.messages]
    return [f"- {it.name}, seed {it.seed}: {'; '.join(it.messages)}" for it in said]


def _share(count: int, of: int) -> str:
    return f"{count} ({count / of:.0%})" if of else "none"
