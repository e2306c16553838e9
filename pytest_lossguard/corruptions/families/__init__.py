"""The families of corruptions: faults that can happen to data before a training.

Each corruption is a frozen dataclass. It acts on a copy, keeps shapes unless it changes
rows, and is deterministic: which rows are affected depends on their number only.
"""

from __future__ import annotations

from ..axis import Keyword
from ..family import Family
from . import inputs, rows, targets
from .inputs import (
    ConstantFeature,
    Dtype,
    MissingValues,
    MixedUnits,
    Offset,
    Outliers,
    Scale,
)
from .rows import DuplicateRows, FewRows, SortedRows
from .targets import FlippedLabels, Imbalance, TargetOutliers, TargetScale

__all__ = ["FAMILIES", "KEYWORDS"]

#: All families, in the order in which they act.
FAMILIES: tuple[type[Family], ...] = (
    FewRows,
    Imbalance,
    DuplicateRows,
    Scale,
    Offset,
    MixedUnits,
    Outliers,
    ConstantFeature,
    MissingValues,
    TargetScale,
    TargetOutliers,
    FlippedLabels,
    SortedRows,
    Dtype,
)

#: All keywords, in the order in which a search draws from them; another order would
#: give other draws.
KEYWORDS: tuple[Keyword, ...] = (
    inputs.SCALES,
    inputs.OFFSETS,
    inputs.OUTLIERS,
    targets.TARGETS,
    inputs.MIXED_UNITS,
    inputs.MISSING,
    inputs.CONSTANT,
    rows.DUPLICATES,
    rows.ROWS,
    targets.IMBALANCE,
    targets.FLIPPED,
    rows.SORTED_ROWS,
    inputs.DTYPE,
)
