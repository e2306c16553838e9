"""The comparison with a baseline: which metrics got worse by more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from .metrics import METRICS, Metric
from .signed_rank import chance_of_worse
from .values import Measured

# Limits, each with its source

ALPHA = Limit(
    1e-4,
    "If nothing had changed, values this bad would come up in at most {limit:.2%} of"
    " all comparisons (Wilcoxon's signed-rank test over the seeds, exact).",
    set_by="There are nine metrics: of a thousand pull requests that change the numbers"
    " but make nothing worse about one fails. Of 20 seeds four may point the other way,"
    " if they are those that changed the least.",
)

# Kinds of findings

BASELINE_REGRESSION = Kind(
    name="baseline_regression",
    severity="error",
    headline="{where} {verb} from {before} to {now}",
    text="the {where} {verb} from {before} to {now}; the worst seed of its baseline"
    " had {worst}, chance alone does this once in {odds}",
    hint="If this is intended, run the test with --lossguard-update and commit the"
    " file.",
    explanation=Explanation(
        brief="worse than its committed baseline",
        seen="The training was run on the seeds of its committed baseline. A metric got"
        " worse on them by more than chance explains.",
        why="The training still converges, and it is worse than it was: slower, less"
        " stable, or ending higher. A single run cannot show that.",
        limits=(ALPHA,),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One metric of a baseline, compared with its values now.

    Attributes:
        name: The name of the metric, a key of `METRICS`.
        before: The median of the baseline.
        now: The median of the current trainings; None for a margin that was only seen
            to hold.
        limit: The worst value of the baseline.
        chance: The probability of values this bad if nothing has changed; 1 where
            ``now`` is None.
    """

    name: str
    before: float
    now: float | None
    limit: float
    chance: float = 1.0

    @property
    def metric(self) -> Metric:
        """The metric, with its label and its direction."""
        return METRICS[self.name]

    @property
    def regressed(self) -> bool:
        """Whether the metric got worse by more than chance."""
        return self.chance <= ALPHA

    def as_text(self) -> tuple[str, str]:
        """Return the values before and now as they are printed."""
        before = self.metric.form(self.before)
        if self.now is None:
            return before, "held"
        return before, self.metric.form(self.now)

    def finding(self) -> Finding:
        """Return the regression as a finding."""
        before, now = self.as_text()
        return finding(
            BASELINE_REGRESSION,
            value=self.now,
            limit=self.before,
            where=self.metric.label,
            verb="fell" if self.metric.better == "higher" else "rose",
            before=before,
            now=now,
            worst=self.metric.form(self.limit),
            odds=f"{round(1 / self.chance):,}",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as builtins, with the values as they are printed."""
        before, now = self.as_text()
        return {
            "name": self.name,
            "label": self.metric.label,
            "before": before,
            "now": now,
            "limit": self.metric.form(self.limit),
            "regressed": self.regressed,
        }


def compared_metrics(before: Measured, now: Measured) -> tuple[Comparison, ...]:
    """Compare every metric of a baseline, in the order of `METRICS`, seed by seed.

    Args:
        before: The training as measured for the baseline.
        now: The training as measured now, from the same seeds; a metric of the
            baseline that is missing here was seen to hold.
    """
    return tuple(
        _compared(name, before.metrics[name], now.metrics.get(name))
        for name in METRICS
        if before.metrics.get(name)
    )


def environment_change(before: Mapping[str, str], now: Mapping[str, str]) -> str | None:
    """Return the differences of two environments in one sentence, None without any.

    The differences are only reported: no limit is relaxed because of them.
    """
    changes = [
        f"{name} {before[name]} there, {now[name]} here"
        for name in before
        if name in now and before[name] != now[name]
    ]
    if not changes:
        return None
    return f"the baseline is from another environment: {', '.join(changes)}"


def _compared(
    name: str, before: tuple[float, ...], now: tuple[float, ...] | None
) -> Comparison:
    metric = METRICS[name]
    median = float(np.median(before))
    worst = max(before) if metric.better == "lower" else min(before)
    if now is None:
        return Comparison(name=name, before=median, now=None, limit=worst)
    pairs = zip(before, now, strict=True)
    return Comparison(
        name=name,
        before=median,
        now=float(np.median(now)),
        limit=worst,
        chance=chance_of_worse([metric.worsening(old, new) for old, new in pairs]),
    )
