"""What can happen to data on its way to a training: one frozen value each.

Every family acts on a copy, keeps shapes unless it is about rows, and is
deterministic: which rows are hit follows from their number alone.
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

#: In the order in which they act.
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

#: In the order in which a search draws from them: another order is another search.
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
