"""Corruptions of targets: another unit, outliers, wrong labels, rare classes."""

# ruff: noqa: D102 (`Family.act` documents every act)
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ..axis import (
    Axis,
    Keyword,
    bounds,
    factor_axis,
    share,
    share_axis,
    tens,
)
from ..family import (
    Family,
    check_count,
    check_number,
    check_share,
    far,
    put,
    share_of,
    spread_rows,
)
from ..labels import labels_of
from ..sample import Sample


@dataclass(frozen=True, slots=True, repr=False)
class TargetScale(Family):
    """Targets in another unit.

    Attributes:
        factor: The factor of the targets.
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
    """Single rows with an outlier as their target.

    Attributes:
        deviations: The distance of the outliers above the mean, in standard
            deviations.
        rows: The number of rows with outliers, default 1.
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
class FlippedLabels(Family):
    """Part of the rows with the label of the next class.

    Attributes:
        share: The share of the rows with a wrong label.
    """

    keyword = "flipped"
    share: float

    def __post_init__(self) -> None:
        check_share(self)

    def act(self, sample: Sample) -> Sample:
        labels, classes = labels_of(sample)
        hit = spread_rows(sample.rows, share_of(sample.rows, self.share))
        examples = np.array([np.argmax(labels == it) for it in range(classes)])
        # The label is copied from a row of the next class, which keeps any encoding.
        lender = np.arange(sample.rows)
        lender[hit] = examples[(labels[hit] + 1) % classes]
        y = tuple(it.take(lender, in_place=True) for it in sample.targets)
        return replace(sample, y=y)


@dataclass(frozen=True, slots=True, repr=False)
class Imbalance(Family):
    """One class with most of its rows dropped.

    Attributes:
        keep: The share of the rows of the class that stay, at least one row.
        label: The number of the class, 0 for the first in sorted order.
    """

    keyword = "imbalance"
    keep: float
    label: int = 0

    def __post_init__(self) -> None:
        check_share(self, "keep")
        check_count(self, "label", least=0)

    def act(self, sample: Sample) -> Sample:
        labels, classes = labels_of(sample)
        if not 0 <= self.label < classes:
            raise UsageError(
                f"there is no class {self.label}: the labels have {classes}, numbered"
                " from 0"
            )
        of_class = np.flatnonzero(labels == self.label)
        stay = spread_rows(len(of_class), share_of(len(of_class), self.keep))
        others = np.flatnonzero(labels != self.label)
        return sample.take(np.sort(np.concatenate([others, of_class[stay]])))


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


# Keywords and their axes


def _targets(value: Any) -> Axis:
    scaled = factor_axis("targets", TargetScale)(value)
    _, high = bounds(value, lambda it: it > 0, "(1e-3, 1e3)")
    sizes = [it for it in tens(high) if it > 1]
    return replace(
        scaled, levels=(*scaled.levels, *(TargetOutliers(it) for it in sizes))
    )


def _imbalance(value: Any) -> Axis:
    fewest = share(value, "0.05")
    shares = [it for it in (0.5, 0.25, 0.1) if it > fewest] + [fewest]
    levels = tuple(Imbalance(it, label=label) for it in shares for label in (0, 1))
    return Axis("imbalance", f"down to {fewest:g} of a class", levels)


TARGETS = Keyword(name="targets", default=(1e-3, 1e3), axis=_targets)
IMBALANCE = Keyword(name="imbalance", default=0.05, axis=_imbalance)
FLIPPED = Keyword(
    name="flipped",
    default=0.1,
    axis=share_axis("flipped", FlippedLabels, "0.1", of="labels"),
)
