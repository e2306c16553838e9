"""Checks that a baseline which was read can fail a test at all.

A file that was cut by hand or by a merge must not make a test pass silently.
"""

from __future__ import annotations

import math
from pathlib import Path

from ..core.errors import UsageError
from .comparison import ALPHA
from .metrics import METRICS
from .values import Baseline, Measured

#: With fewer seeds, chance could explain that all of them got worse.
_FEWEST_SEEDS = math.ceil(-math.log2(ALPHA))
#: The most seeds, since each is a training to run; a baseline is written from 20.
MOST_SEEDS = 100


def demand_sound(baseline: Baseline, path: Path) -> None:
    """Refuse a baseline that cannot show a regression, or has too many seeds to run.

    Raises:
        UsageError: The baseline is damaged; the message names the file and the fault.
    """
    for place, training in enumerate(baseline.trainings, 1):
        fault = _fault(training)
        if fault is not None:
            raise UsageError(
                f"the baseline {path} is damaged (training {place} has {fault}):"
                " restore it, or write it again with --lossguard-update"
            )


def _fault(training: Measured) -> str | None:
    count = len(training.seeds)
    if len(set(training.seeds)) < count:
        return "a seed twice"
    if count < _FEWEST_SEEDS:
        return f"{count} seeds, at least {_FEWEST_SEEDS} can show that it got worse"
    if count > MOST_SEEDS:
        return f"{count} seeds, each a training to run: at most {MOST_SEEDS}"
    for name, values in training.metrics.items():
        if name not in METRICS:
            return f"an unknown metric {name!r}"
        if len(values) != count:
            return f"{len(values)} values of {name} for {count} seeds"
    if all(METRICS[name].better == "neither" for name in training.metrics):
        return "no metric that could get worse"
    return None
