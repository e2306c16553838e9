"""The comparison of a test with its baseline, as lines of a failure message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..baselines import Comparison


def baseline_lines(comparisons: Sequence[Comparison], seeds: int) -> Iterator[str]:
    """Yield a table of all metrics; those that got worse are marked.

    Args:
        comparisons: Comparisons of the metrics of one training.
        seeds: Number of seeds that the medians are taken over.
    """
    lead = f"  baseline  medians of the same {seeds} seeds"
    yield f"{lead:<51}{'then':>8}{'now':>8}{'worst':>8}"
    for it in comparisons:
        before, after = it.as_text()
        mark = "!" if it.regressed else " "
        worst = it.metric.form(it.limit) if it.metric.better != "neither" else ""
        label = f"          {mark} {it.metric.label}"
        yield f"{label:<51}{before:>8}{after:>8}{worst:>8}".rstrip()
