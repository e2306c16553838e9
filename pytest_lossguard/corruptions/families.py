"""What can happen to data on its way to a training: one frozen value each.

What scales, shifts or sends out numbers leaves ids of tokens and categories alone.

Every family acts on a copy, keeps shapes unless it is about rows, and is
deterministic: which rows are hit follows from their number alone.
"""

# ruff: noqa: D102 (`Family.act` says what every act does)
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import UsageError
from ..core.given import is_whole
from .family import (
    Array,
    Family,
    Features,
    check_count,
    check_features,
    check_number,
    check_share,
    checked,
    far,
    mean,
    put,
    share_of,
    spread_rows,
    std,
)
from .leaves import Leaf
from .sample import Sample

__all__ = [
    "FAMILIES",
    "ConstantFeature",
    "Dtype",
    "DuplicateRows",
    "FewRows",
    "FlippedLabels",
    "Imbalance",
    "MissingValues",
    "MixedUnits",
    "Offset",
    "Outliers",
    "Scale",
    "SortedRows",
    "TargetOutliers",
    "TargetScale",
]


@dataclass(frozen=True, slots=True, repr=False)
class Scale(Family):
    """Another unit: features multiplied by a factor.

    Attributes:
        factor: As 1000.0 for meters become millimeters.
        features: Which, default all; see `Features`.
    """

    keyword = "scales"
    factor: float
    features: Features = None

    def __post_init__(self) -> None:
        check_number(self, "factor")
        check_features(self)

    def act(self, sample: Sample) -> Sample:
        return sample.change_numbers(lambda it: it * self.factor, self.features)


@dataclass(frozen=True, slots=True, repr=False)
class Offset(Family):
    """Another zero: features shifted.

    Attributes:
        deviations: By how many of the feature's own standard deviations.
        features: Which, default all.
    """

    keyword = "offsets"
    deviations: float
    features: Features = None

    def __post_init__(self) -> None:
        check_number(self, "deviations")
        check_features(self)

    def act(self, sample: Sample) -> Sample:
        return sample.change_numbers(
            lambda it: it + self.deviations * std(it), self.features
        )


@dataclass(frozen=True, slots=True, repr=False)
class Outliers(Family):
    """Single rows far out in their inputs.

    Attributes:
        deviations: How many standard deviations above the feature's mean.
        rows: How many rows, default 1.
        features: Which, default all.
    """

    keyword = "outliers"
    deviations: float
    rows: int = 1
    features: Features = None

    def __post_init__(self) -> None:
        check_number(self, "deviations")
        check_count(self, "rows")
        check_features(self)

    def act(self, sample: Sample) -> Sample:
        hit = spread_rows(sample.rows, self.rows)
        return sample.change_numbers(
            lambda it: put(it, hit, far(it, self.deviations)), self.features
        )


@dataclass(frozen=True, slots=True, repr=False)
class MixedUnits(Family):
    """Part of the rows comes in another unit.

    Attributes:
        factor: What the features of these rows are multiplied by.
        share: Of the rows, default a half.
        features: Which, default all.
    """

    keyword = "mixed_units"
    factor: float
    share: float = 0.5
    features: Features = None

    def __post_init__(self) -> None:
        check_number(self, "factor")
        check_share(self)
        check_features(self)

    def act(self, sample: Sample) -> Sample:
        hit = spread_rows(sample.rows, share_of(sample.rows, self.share))
        return sample.change_numbers(
            lambda it: put(it, hit, it[hit] * self.factor), self.features
        )


@dataclass(frozen=True, slots=True, repr=False)
class MissingValues(Family):
    """NaN in part of the rows.

    Attributes:
        share: Of the rows.
        features: Which, default all.
    """

    keyword = "missing"
    share: float
    features: Features = None

    def __post_init__(self) -> None:
        check_share(self)
        check_features(self)

    def act(self, sample: Sample) -> Sample:
        hit = spread_rows(sample.rows, share_of(sample.rows, self.share))
        return sample.change_inputs(lambda it: put(it, hit, np.nan), self.features)


@dataclass(frozen=True, slots=True, repr=False)
class ConstantFeature(Family):
    """A broken sensor: features that stay at their mean.

    Attributes:
        features: Which; None for all.
    """

    keyword = "constant"
    features: Features

    def __post_init__(self) -> None:
        check_features(self)

    def act(self, sample: Sample) -> Sample:
        return sample.change_inputs(
            lambda it: np.broadcast_to(mean(it), it.shape), self.features
        )


@dataclass(frozen=True, slots=True, repr=False)
class TargetScale(Family):
    """Targets in another unit.

    Attributes:
        factor: What they are multiplied by.
    """

    keyword = "targets"
    factor: float

    def __post_init__(self) -> None:
        check_number(self, "factor")

    def act(self, sample: Sample) -> Sample:
        _check_measured(sample)
        return sample.change_targets(lambda it: it * self.factor)


@dataclass(frozen=True, slots=True, repr=False)
class TargetOutliers(Family):
    """Single rows with a target far out.

    Attributes:
        deviations: How many standard deviations above the mean.
        rows: How many rows, default 1.
    """

    keyword = "targets"
    deviations: float
    rows: int = 1

    def __post_init__(self) -> None:
        check_number(self, "deviations")
        check_count(self, "rows")

    def act(self, sample: Sample) -> Sample:
        _check_measured(sample)
        hit = spread_rows(sample.rows, self.rows)
        return sample.change_targets(lambda it: put(it, hit, far(it, self.deviations)))


@dataclass(frozen=True, slots=True, repr=False)
class DuplicateRows(Family):
    """Part of the rows is replaced by copies of others.

    Attributes:
        share: Of the rows.
    """

    keyword = "duplicates"
    share: float

    def __post_init__(self) -> None:
        check_share(self)

    def act(self, sample: Sample) -> Sample:
        order = spread_rows(sample.rows, sample.rows)
        copies = min(share_of(sample.rows, self.share), sample.rows - 1)
        kept = order[copies:]
        taken = np.arange(sample.rows)
        taken[order[:copies]] = np.resize(kept, copies)
        return sample.take(taken, in_place=True)


@dataclass(frozen=True, slots=True, repr=False)
class FewRows(Family):
    """Only some rows are left, spread over all.

    Attributes:
        rows: How many.
    """

    keyword = "rows"
    rows: int

    def __post_init__(self) -> None:
        check_count(self, "rows")

    def act(self, sample: Sample) -> Sample:
        return sample.take(np.sort(spread_rows(sample.rows, self.rows)))


@dataclass(frozen=True, slots=True, repr=False)
class Imbalance(Family):
    """Most rows of one class are dropped.

    Attributes:
        keep: Share of its rows that stays, at least one row.
        label: Which class: 0 for the first in sorted order.
    """

    keyword = "imbalance"
    keep: float
    label: int = 0

    def __post_init__(self) -> None:
        check_share(self, "keep")
        check_count(self, "label", least=0)

    def act(self, sample: Sample) -> Sample:
        labels, classes = _labels(sample)
        if not 0 <= self.label < classes:
            raise UsageError(
                f"there is no class {self.label}: the labels have {classes}, numbered"
                " from 0"
            )
        of_class = np.flatnonzero(labels == self.label)
        stay = spread_rows(len(of_class), share_of(len(of_class), self.keep))
        others = np.flatnonzero(labels != self.label)
        return sample.take(np.sort(np.concatenate([others, of_class[stay]])))


@dataclass(frozen=True, slots=True, repr=False)
class FlippedLabels(Family):
    """Part of the rows has the label of the next class.

    Attributes:
        share: Of the rows.
    """

    keyword = "flipped"
    share: float

    def __post_init__(self) -> None:
        check_share(self)

    def act(self, sample: Sample) -> Sample:
        labels, classes = _labels(sample)
        hit = spread_rows(sample.rows, share_of(sample.rows, self.share))
        examples = np.array([np.argmax(labels == it) for it in range(classes)])
        # A row of each class lends its label, so that any encoding is kept.
        lender = np.arange(sample.rows)
        lender[hit] = examples[(labels[hit] + 1) % classes]
        y = tuple(it.take(lender, in_place=True) for it in sample.targets)
        return replace(sample, y=y)


@dataclass(frozen=True, slots=True, repr=False)
class SortedRows(Family):
    """Rows in the order of their label or target, or of a feature.

    Attributes:
        feature: Which; None for the target.
    """

    keyword = "sorted_rows"
    feature: int | str | None = None

    def __post_init__(self) -> None:
        holds = self.feature is None or is_whole(self.feature)
        holds = holds or isinstance(self.feature, str)
        expected = "a feature's number or column name, or None for the target"
        checked(self, "feature", holds, expected)
        check_features(self, "feature")

    def act(self, sample: Sample) -> Sample:
        if self.feature is None:
            key, _ = _ordered(_as_vector(sample.targets[0]))
        else:
            place = sample.columns(self.feature)[0]
            blocks = [it.block for it in sample.x if it.names]
            flat = [it.reshape(len(it), -1, it.shape[-1])[:, 0] for it in blocks]
            key = np.concatenate(flat, axis=1)[:, place]
        return sample.take(np.argsort(key, kind="stable"))


@dataclass(frozen=True, slots=True, repr=False)
class Dtype(Family):
    """Inputs stored in another type; integers are cut to their range.

    Attributes:
        name: As ``"float16"``, ``"float64"`` or ``"int64"``.
    """

    keyword = "dtype"
    name: str

    def __post_init__(self) -> None:
        known = ("float16", "float32", "float64", "int8", "int16", "int32", "int64")
        holds = isinstance(self.name, str) and self.name in known
        checked(self, "name", holds, f"one of {', '.join(known)}")
        object.__setattr__(self, "name", str(self.name))

    def act(self, sample: Sample) -> Sample:
        sample.columns(None)
        wanted = np.dtype(self.name)
        leaves = (
            leaf.changed(lambda it: _cast(it, wanted), range(len(leaf.names)))
            for leaf in sample.x
        )
        with np.errstate(over="ignore", invalid="ignore"):
            return replace(sample, x=tuple(leaves))


def _cast(block: Array, dtype: np.dtype[Any]) -> Array:
    if dtype.kind == "f":
        return block.astype(dtype)
    lowest, highest = np.iinfo(dtype).min, np.iinfo(dtype).max
    if block.dtype.kind == "f":
        floats = np.where(np.isnan(block), 0.0, block.astype(np.float64))
        # The largest int64 is no float64, and the next one above it no int64.
        top = min(float(highest), np.nextafter(2.0**63, 0.0))
        return np.clip(floats, float(lowest), top).astype(dtype)
    own = np.iinfo(block.dtype)
    return np.clip(block, max(lowest, own.min), min(highest, own.max)).astype(dtype)


def _check_measured(sample: Sample) -> None:
    for leaf in sample.targets:
        if not leaf.names or leaf.block.dtype.kind != "f":
            raise UsageError(
                f"targets of type {leaf.dtype} are class labels, and labels have no"
                " scale: leave targets= off, or give measured targets as floats"
            )
        if set(np.unique(leaf.block)) == {0.0, 1.0}:
            raise UsageError(
                "targets that are all 0.0 or 1.0 are class labels, and labels have no"
                " scale: leave targets= off"
            )


def _as_vector(leaf: Leaf) -> Array:
    """One value per row: the label, or the place of the largest of several."""
    values = np.asarray(leaf.value)
    table = values.reshape(len(values), -1)
    return table[:, 0] if table.shape[1] == 1 else np.argmax(table, axis=1)


def _ordered(values: Array) -> tuple[Array, int]:
    """The place of each value among the different ones, and how many these are."""
    try:
        found, places = np.unique(values, return_inverse=True)
    except TypeError:
        raise UsageError(
            "this corruption needs targets that can be sorted, and they mix types or"
            " miss values: give labels of one type"
        ) from None
    return places.reshape(-1), len(found)


_MOST_CLASSES = 1000
#: So many classes may be met even once each, as in the few rows of `FewRows`.
_FEW_CLASSES = 100


def _labels(sample: Sample) -> tuple[Array, int]:
    """The class of each row, counted from 0, and how many there are."""
    values = _as_vector(sample.targets[0])
    labels, classes = _ordered(values)
    measured = values.dtype.kind == "f" and bool(
        np.any(values[np.isfinite(values)] % 1 > 0)
    )
    few = 2 if measured else _FEW_CLASSES
    if classes > min(_MOST_CLASSES, max(few, len(values) // 2)):
        raise UsageError(
            f"this corruption acts on class labels, and the targets have {classes}"
            f" different values in {len(values)} rows: leave it off for a regression"
        )
    return labels, classes


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
