"""Baselines: committed metrics of earlier trainings, compared with those of today."""

from __future__ import annotations

from .comparison import Comparison, compared_metrics, environment_change
from .file import demand_same_test, read_baseline, refuse_foreign, write_baseline
from .metrics import METRICS, half_way, measure
from .soundness import demand_sound
from .values import Baseline, Measured

__all__ = [
    "METRICS",
    "Baseline",
    "Comparison",
    "Measured",
    "compared_metrics",
    "demand_same_test",
    "demand_sound",
    "environment_change",
    "half_way",
    "measure",
    "read_baseline",
    "refuse_foreign",
    "write_baseline",
]
