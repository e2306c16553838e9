"""Corruptions of inputs: another unit or zero, outliers, missing or constant values.

Families that scale or shift numbers, or make outliers, do not change ids of tokens and
categories.
"""

# ruff: noqa: D102 (`Family.act` documents every act)
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ..axis import (
    FARTHER,
    Axis,
    Keyword,
    OutOfRange,
    bounds,
    factor_axis,
    finite,
    only_true,
    share_axis,
    tens,
    up_to,
)
from ..family import (
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
from ..sample import Sample

#: The larger number of outlying rows that is drawn; the smaller one is 1.
_FEW_OUTLIERS = 4


@dataclass(frozen=True, slots=True, repr=False)
class Scale(Family):
    """Another unit: features multiplied by a factor.

    Attributes:
        factor: The factor, as 1000.0 for meters that become millimeters.
        features: The features to scale, default all; see `Features`.
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
        deviations: The shift, in standard deviations of each feature.
        features: The features to shift, default all.
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
class MixedUnits(Family):
    """Another unit in part of the rows.

    Attributes:
        factor: The factor for the features of these rows.
        share: The share of these rows, default 0.5.
        features: The features to scale, default all.
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
class Outliers(Family):
    """Single rows with outliers in their inputs.

    Attributes:
        deviations: The distance of the outliers above the mean of their feature, in
            standard deviations.
        rows: The number of rows with outliers, default 1.
        features: The features with outliers, default all.
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
class MissingValues(Family):
    """NaN in part of the rows.

    Attributes:
        share: The share of the rows with NaN.
        features: The features that are NaN in these rows, default all.
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
        features: The features that are constant; None for all.
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
class Dtype(Family):
    """Inputs stored in another dtype; values are clipped to the range of integers.

    Attributes:
        name: The name of the dtype, as ``"float16"``, ``"float64"`` or ``"int64"``.
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
        # The largest int64 is not exact in float64, and rounds up out of range.
        top = min(float(highest), np.nextafter(2.0**63, 0.0))
        return np.clip(floats, float(lowest), top).astype(dtype)
    own = np.iinfo(block.dtype)
    return np.clip(block, max(lowest, own.min), min(highest, own.max)).astype(dtype)


# Keywords and their axes


def _offsets(value: Any) -> Axis:
    low, high = bounds(value, lambda _: True, "(-1e3, 1e3)")
    ways = [(1, high), (-1, -low)]
    found = [sign * it for sign, most in ways for it in tens(most)]
    found = sorted(
        (it for it in found if low <= it <= high), key=lambda it: (abs(it), it < 0)
    )
    if not found:
        raise OutOfRange("holds no power of ten: widen it, for example to (-1e3, 1e3)")
    beyond = [
        tuple(map(Offset, finite(sign * most * 10.0**it for it in FARTHER)))
        for sign, most in ways
        if most > 0
    ]
    return Axis(
        "offsets",
        f"{low:g} to {high:g} standard deviations",
        tuple(map(Offset, found)),
        tuple(beyond),
        by_feature=True,
    )


def _outliers(value: Any) -> Axis:
    most = up_to(value, "outliers=1e3 standard deviations")
    sizes = [it for it in tens(most) if it > 1] or [most]
    return Axis(
        "outliers",
        f"to {most:g} standard deviations",
        tuple(
            Outliers(size, rows=rows) for rows in (1, _FEW_OUTLIERS) for size in sizes
        ),
        (tuple(map(Outliers, finite(most * 10.0**it for it in FARTHER))),),
        by_feature=True,
    )


def _constant(value: Any) -> Axis:
    only_true(value)
    return Axis(  # all features constant at once would leave nothing to learn from
        "constant",
        "features",
        (ConstantFeature(None),),
        by_feature=True,
        only_by_feature=True,
    )


def _dtype(value: Any) -> Axis:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (tuple, list)) or not names:
        raise OutOfRange("must be True, False or names, such as ('float16', 'int64')")
    try:
        levels = tuple(map(Dtype, names))
    except UsageError as error:
        raise OutOfRange(f"names no type: {error}") from None
    return Axis("dtype", ", ".join(names), levels)


SCALES = Keyword(
    name="scales", default=(1e-3, 1e3), axis=factor_axis("scales", Scale), is_on=True
)
OFFSETS = Keyword(name="offsets", default=(-1e3, 1e3), axis=_offsets, is_on=True)
OUTLIERS = Keyword(name="outliers", default=1e3, axis=_outliers, is_on=True)
MIXED_UNITS = Keyword(
    name="mixed_units", default=(1e-3, 1e3), axis=factor_axis("mixed_units", MixedUnits)
)
MISSING = Keyword(
    name="missing", default=0.1, axis=share_axis("missing", MissingValues, "0.1")
)
CONSTANT = Keyword(name="constant", default=True, axis=_constant)
DTYPE = Keyword(name="dtype", default=("float16", "float64", "int64"), axis=_dtype)
