"""Makes the tables of ``evaluation/RESULTS.md`` from rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from statistics import median

from pytest_lossguard.core.column_stats import share_interval

from .measure import Row
from .mutants import mutant_labels
from .other_tools import OTHER_TOOLS

__all__ = ["rates", "results"]


def rates(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """Return the counts behind the four rates by which the judge is measured."""
    broken = [it for it in rows if it.broken]
    healthy = [it for it in rows if not it.broken]
    return {
        "broken failed": (sum(it.failed for it in broken), len(broken)),
        "broken flagged": (sum(it.flagged for it in broken), len(broken)),
        "healthy failed": (sum(it.failed for it in healthy), len(healthy)),
        "healthy warned": (
            sum(bool(it.warnings) and not it.failed for it in healthy),
            len(healthy),
        ),
    }


def results(rows: Sequence[Row], command: str) -> str:
    """Return the whole report as Markdown."""
    parts = {
        name: [it for it in rows if it.part == name] for name in ("tune", "report")
    }
    lines = [
        "# What the judge says of the corpus",
        "",
        f"Written by `{command}`. A row is one program on one seed; shares come with"
        " Wilson's 95 % interval. Thresholds were set on the part *tune*; the part"
        " *report* only reports.",
        "",
        *_main_table(parts),
        *_lead_table(parts),
        *_other_tools_table(parts["report"]),
        *_diagnosis_table(parts),
        *_by(rows, "source", lambda it: it.source),
        *_findings_table(rows),
        *_by([it for it in rows if it.broken], "fault", lambda it: it.fault),
        *_by(rows, "family", lambda it: it.family),
        *_missed(rows),
    ]
    return "\n".join(lines) + "\n"


def _main_table(parts: dict[str, list[Row]]) -> list[str]:
    lines = ["## The judge", "", "| | tune | report |", "|---|---|---|"]
    counted = {name: rates(rows) for name, rows in parts.items()}
    for rate in counted["tune"]:
        cells = (_share(*counted[name][rate]) for name in ("tune", "report"))
        lines.append(f"| {rate} | {' | '.join(cells)} |")
    return [*lines, ""]


def _lead_table(parts: dict[str, list[Row]]) -> list[str]:
    """Table of mutants by how much of their base's lead over a constant they lose."""
    lost = {name: label["lost"] for name, label in mutant_labels().items()}
    lines = [
        "## Mutants by what they lose",
        "",
        "Lost is the share of the base's lead over a constant prediction, on held-out"
        " data, mean of ten seeds. A mutant is broken by a test of significance: some"
        " lose next to nothing, and no single training shows that.",
        "",
        "| lost | tune failed | tune flagged | report failed | report flagged |",
        "|---|---|---|---|---|",
    ]
    for low, high in _LOST:
        cells = []
        for rows in parts.values():
            counts = rates(
                [it for it in rows if it.broken and low <= lost.get(it.name, -9) < high]
            )
            cells += [f"{count}/{of}" for count, of in list(counts.values())[:2]]
        lines.append(f"| {low:.0%} to {min(high, 1):.0%} | {' | '.join(cells)} |")
    return [*lines, ""]


_LOST = ((-1.0, 0.05), (0.05, 0.25), (0.25, 0.5), (0.5, 0.9), (0.9, 99.0))


def _other_tools_table(rows: list[Row]) -> list[str]:
    broken = [it for it in rows if it.broken]
    healthy = [it for it in rows if not it.broken]
    lines = [
        "## Beside the rules of other tools (report part)",
        "",
        "| rule | broken caught | healthy alarmed |",
        "|---|---|---|",
        f"| **lossguard, fails** | {_count(broken, lambda it: it.failed)} |"
        f" {_count(healthy, lambda it: it.failed)} |",
        f"| **lossguard, flags** | {_count(broken, lambda it: it.flagged)} |"
        f" {_count(healthy, lambda it: it.failed or bool(it.warnings))} |",
    ]
    for rule in OTHER_TOOLS:
        flags = partial(_flags, rule)
        caught, alarmed = _count(broken, flags), _count(healthy, flags)
        lines.append(f"| {rule} | {caught} | {alarmed} |")
    return [*lines, ""]


def _diagnosis_table(parts: dict[str, list[Row]]) -> list[str]:
    lines = [
        "## The diagnosis of what failed",
        "",
        "A cause is true if it is what was done to the program, or if its change"
        " repairs the program as well as the known fix does.",
        "",
        "| | tune | report |",
        "|---|---|---|",
    ]
    cells: dict[str, list[str]] = defaultdict(list)
    for rows in parts.values():
        failed = [it for it in rows if it.broken and it.failed and it.causes]
        first = sum(it.true_of[0] for it in failed)
        some = sum(any(it.true_of) for it in failed)
        proved = sum(bool(it.causes[0]["verified"]) for it in failed)
        held = [it for row in rows for it in row.held]
        seconds = [it.diagnosis_seconds for it in failed] or [0.0]
        cells["first cause true"].append(_share(first, len(failed)))
        cells["some cause true"].append(_share(some, len(failed)))
        cells["first cause verified"].append(_share(proved, len(failed)))
        cells["verified changes that hold on a fresh seed"].append(
            _share(sum(held), len(held))
        )
        cells["seconds, median and most"].append(
            f"{median(seconds):.1f}, {max(seconds):.1f}"
        )
    lines += [f"| {name} | {' | '.join(both)} |" for name, both in cells.items()]
    return [*lines, ""]


def _by(rows: Sequence[Row], name: str, key: Callable[[Row], str]) -> list[str]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    lines = [
        f"## By {name}",
        "",
        f"| {name} | broken failed | broken flagged"
        " | healthy failed | healthy warned |",
        "|---|---|---|---|---|",
    ]
    for group in sorted(groups):
        counts = rates(groups[group]).values()
        cells = (f"{count}/{of}" if of else "" for count, of in counts)
        lines.append(f"| {group} | {' | '.join(cells)} |")
    return [*lines, ""]


def _findings_table(rows: Sequence[Row]) -> list[str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        side = "broken" if row.broken else "healthy"
        for severity, kinds in (("error", row.errors), ("warning", row.warnings)):
            for kind in set(kinds):
                counts[kind][f"{side} {severity}"] += 1
    columns = ("broken error", "broken warning", "healthy error", "healthy warning")
    lines = [
        "## By finding",
        "",
        f"| finding | {' | '.join(columns)} |",
        "|---|---|---|---|---|",
    ]
    for kind in sorted(counts):
        cells = (str(counts[kind][it] or "") for it in columns)
        lines.append(f"| `{kind}` | {' | '.join(cells)} |")
    return [*lines, ""]


def _missed(rows: Sequence[Row]) -> list[str]:
    """List programs that were judged wrongly, each once, with the seeds."""
    lines = ["## Judged wrongly", ""]
    for heading, wrong in (
        ("broken, not flagged", [it for it in rows if it.broken and not it.flagged]),
        ("healthy, failed", [it for it in rows if not it.broken and it.failed]),
        ("crashed", [it for it in rows if it.crash]),
    ):
        seeds: dict[str, list[int]] = defaultdict(list)
        for row in wrong:
            seeds[row.name].append(row.seed)
        listed = ", ".join(
            f"`{name}` (seed {', '.join(map(str, it))})"
            for name, it in sorted(seeds.items())
        )
        lines.append(f"- {heading}: {listed or 'none'}")
    return [*lines, ""]


def _flags(rule: str, row: Row) -> bool:
    return rule in row.rivals


def _count(rows: Iterable[Row], holds: Callable[[Row], bool]) -> str:
    rows = list(rows)
    return _share(sum(map(holds, rows)), len(rows))


def _share(count: int, of: int) -> str:
    if of == 0:
        return "none"
    low, high = share_interval(count, of)
    return f"{count / of:.1%} ({count}/{of}; {low:.1%} to {high:.1%})"
