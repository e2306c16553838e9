"""The space of corruptions that a search draws from: keywords to levels.

A level is one family with one value; the mildest comes first, so that a search
that shrinks toward the first reports the mildest that still breaks a training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import PolicyError, UsageError
from ..core.given import (
    COUNT,
    MOST,
    is_count,
    is_number,
    is_whole,
    plain,
    shown,
    unknown,
)
from . import families as of
from .family import Family

__all__ = ["DEFAULTS", "Axis", "Space"]

#: What a keyword means when it is True. On without being named: the first three.
DEFAULTS: Mapping[str, Any] = {
    "scales": (1e-3, 1e3),
    "offsets": (-1e3, 1e3),
    "outliers": 1e3,
    "targets": (1e-3, 1e3),
    "mixed_units": (1e-3, 1e3),
    "missing": 0.1,
    "constant": True,
    "duplicates": 0.5,
    "rows": 10,
    "imbalance": 0.05,
    "flipped": 0.1,
    "sorted_rows": True,
    "dtype": ("float16", "float64", "int64"),
}
_ON = ("scales", "offsets", "outliers")
#: How many powers of ten beyond the asked range are tried after a passing search.
_FARTHER = range(1, 4)
#: Outlying rows: one, or a few.
_FEW_OUTLIERS = 4


@dataclass(frozen=True, slots=True)
class Axis:
    """One keyword of the space.

    Attributes:
        keyword: Its name.
        description: The asked range, for the report.
        levels: What is drawn, the mildest first.
        beyond: Outside the range, one row for each direction, the nearest first.
        by_feature: Whether it may act on one feature alone.
        only_by_feature: Whether it acts on one feature at a time, never on all.
    """

    keyword: str
    description: str
    levels: tuple[Family, ...]
    beyond: tuple[tuple[Family, ...], ...] = ()
    by_feature: bool = False
    only_by_feature: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """All that may be drawn.

    Attributes:
        axes: One per keyword that is on.
        features: Which features may be hit alone; None where not said.
    """

    axes: tuple[Axis, ...]
    features: Sequence[int | str] | None = None

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any], owner: str) -> Space:
        """Read keywords such as ``scales=(1e-3, 1e3)``.

        Args:
            keywords: Each ``False`` (off), ``True`` (default range) or bounds.
            owner: What took them, for messages.

        Raises:
            PolicyError: One is unknown or ill-typed, bounds are the wrong way
                round, or nothing is on.
        """
        keywords = dict(keywords)
        features = _features(keywords.pop("features", None), owner)
        for key in keywords:
            if key not in DEFAULTS:
                known = [*DEFAULTS, "features"]
                raise PolicyError(unknown(key, known, f"{owner}()", "keyword"))
        axes = []
        for key, default in DEFAULTS.items():
            asked = plain(keywords.get(key, key in _ON))
            if asked is False:
                continue
            value = default if asked is True else asked
            try:
                axes.append(_AXES[key](value))
            except _OutOfRange as error:
                told = f"{owner}({key}={shown(asked)}): {key} {error}"
                raise PolicyError(told) from None
        if not axes:
            raise PolicyError(
                f"{owner}() has nothing to draw: every kind of corruption is off;"
                " turn one on, as scales=True"
            )
        return cls(tuple(axes), features)

    def has(self, family: Family) -> bool:
        """Whether it may be drawn, on whatever feature."""
        everywhere = family
        if hasattr(family, "features"):
            everywhere = replace(family, features=None)  # type: ignore[type-var]
        return any(everywhere in axis.levels for axis in self.axes)

    def to_json(self) -> list[dict[str, Any]]:
        """The axes as builtins: keyword, range in words, described levels."""
        return [
            {
                "keyword": axis.keyword,
                "told": axis.description,
                "levels": [level.describe() for level in axis.levels],
            }
            for axis in self.axes
        ]

    @property
    def description(self) -> str:
        """The asked ranges in words."""
        return ", ".join(
            f"{axis.keyword} {axis.description}".strip() for axis in self.axes
        )


class _OutOfRange(ValueError):
    """The value of a keyword cannot be meant."""


def _features(given: Any, owner: str) -> Sequence[int | str] | None:
    if given is None:
        return None
    if is_count(given):
        return range(plain(given))
    if isinstance(given, (tuple, list, range)) and given:
        asked = (given[0], given[-1]) if isinstance(given, range) else given
        if all(map(_is_feature, asked)):
            return given if isinstance(given, range) else tuple(map(plain, given))
    raise PolicyError(
        f"{owner}(features={shown(given)}): features must be how many there are,"
        f" {COUNT.words}, or which ones, as (0, 3) or ('height',)"
    )


def _is_feature(value: Any) -> bool:
    return isinstance(value, str) or (is_whole(value) and 0 <= value < MOST)


def _bounds(value: Any, holds: Callable[[float], bool], example: str) -> Any:
    if not (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(is_number(it) and holds(it) for it in value)
    ):
        raise _OutOfRange(
            f"must be True, False or two bounds, the lower first, as {example}"
        )
    low, high = map(float, value)
    if low > high:
        raise _OutOfRange(f"has its bounds the wrong way round: give ({high}, {low})")
    return low, high


def _up_to(value: Any, example: str) -> float:
    if not is_number(value) or value <= 0:
        raise _OutOfRange(f"must be True, False or the largest, as {example}")
    return float(value)


def _share(value: Any, example: str) -> float:
    if not is_number(value) or not 0 < value <= 1:
        raise _OutOfRange(f"must be True, False or a share of the rows, as {example}")
    return float(value)


def _factors(low: float, high: float) -> list[float]:
    """Powers of ten in the range, else of two, else its ends; the mildest first."""
    for base in (10, 2):
        lowest = math.ceil(math.log(low, base) - 1e-9)
        highest = math.floor(math.log(high, base) + 1e-9)
        exponents = [it for it in range(lowest, highest + 1) if it]
        if exponents:
            exponents.sort(key=lambda it: (abs(it), it < 0))
            return [float(base) ** it for it in exponents]
    return sorted({it for it in (low, high) if it != 1.0}, key=lambda it: abs(it - 1))


def _factor_axis(
    keyword: str, make: Callable[[float], Family]
) -> Callable[[Any], Axis]:
    def axis(value: Any) -> Axis:
        low, high = _bounds(value, lambda it: it > 0, "(1e-3, 1e3)")
        factors = _factors(low, high)
        if not factors:
            raise _OutOfRange("holds no factor but 1: widen it, as (1e-3, 1e3)")
        ten = [10.0**it for it in _FARTHER]
        beyond = [_finite(high * it for it in ten)] if high > 1 else []
        beyond += [[low / it for it in ten]] if low < 1 else []
        return Axis(
            keyword,
            f"{low:g} to {high:g}",
            tuple(make(it) for it in factors),
            tuple(tuple(make(it) for it in way) for way in beyond),
            by_feature=hasattr(make(2.0), "features"),
        )

    return axis


def _finite(values: Iterable[float]) -> list[float]:
    return [it for it in values if math.isfinite(it)]


def _tens(most: float) -> list[float]:
    """1, 10, 100 ... up to ``most``; ``most`` alone if it is below 1."""
    if most < 1:
        return [most] if most > 0 else []
    return [10.0**it for it in range(int(math.log10(most) + 1e-9) + 1)]


def _offsets(value: Any) -> Axis:
    low, high = _bounds(value, lambda _: True, "(-1e3, 1e3)")
    ways = [(1, high), (-1, -low)]
    found = [sign * it for sign, most in ways for it in _tens(most)]
    found = sorted(
        (it for it in found if low <= it <= high), key=lambda it: (abs(it), it < 0)
    )
    if not found:
        raise _OutOfRange("holds no power of ten: widen it, as (-1e3, 1e3)")
    beyond = [
        tuple(map(of.Offset, _finite(sign * most * 10.0**it for it in _FARTHER)))
        for sign, most in ways
        if most > 0
    ]
    return Axis(
        "offsets",
        f"{low:g} to {high:g} standard deviations",
        tuple(map(of.Offset, found)),
        tuple(beyond),
        by_feature=True,
    )


def _outliers(value: Any) -> Axis:
    most = _up_to(value, "outliers=1e3 standard deviations")
    sizes = [it for it in _tens(most) if it > 1] or [most]
    return Axis(
        "outliers",
        f"to {most:g} standard deviations",
        tuple(
            of.Outliers(size, rows=rows)
            for rows in (1, _FEW_OUTLIERS)
            for size in sizes
        ),
        (tuple(map(of.Outliers, _finite(most * 10.0**it for it in _FARTHER))),),
        by_feature=True,
    )


def _targets(value: Any) -> Axis:
    scaled = _factor_axis("targets", of.TargetScale)(value)
    _, high = _bounds(value, lambda it: it > 0, "(1e-3, 1e3)")
    sizes = [it for it in _tens(high) if it > 1]
    return replace(
        scaled, levels=(*scaled.levels, *(of.TargetOutliers(it) for it in sizes))
    )


def _halves(most: float) -> list[float]:
    return [most / it for it in (8, 4, 2, 1)]


def _missing(value: Any) -> Axis:
    most = _share(value, "0.1")
    levels = tuple(map(of.MissingValues, _halves(most)))
    return Axis("missing", f"to {most:g} of the rows", levels, by_feature=True)


def _constant(value: Any) -> Axis:
    _only_true(value)
    return Axis(  # all at once leave nothing to learn from
        "constant",
        "features",
        (of.ConstantFeature(None),),
        by_feature=True,
        only_by_feature=True,
    )


def _duplicates(value: Any) -> Axis:
    most = _share(value, "0.5")
    levels = tuple(map(of.DuplicateRows, _halves(most)))
    return Axis("duplicates", f"to {most:g} of the rows", levels)


def _rows(value: Any) -> Axis:
    if not is_count(value) or value > MOST // 8:
        raise _OutOfRange("must be True, False or the fewest rows to try, as 10")
    levels = tuple(of.FewRows(int(value) * it) for it in (8, 4, 2, 1))
    return Axis("rows", f"down to {value}", levels)


def _imbalance(value: Any) -> Axis:
    fewest = _share(value, "0.05")
    shares = [it for it in (0.5, 0.25, 0.1) if it > fewest] + [fewest]
    levels = tuple(of.Imbalance(it, label=label) for it in shares for label in (0, 1))
    return Axis("imbalance", f"down to {fewest:g} of a class", levels)


def _flipped(value: Any) -> Axis:
    most = _share(value, "0.1")
    levels = tuple(map(of.FlippedLabels, _halves(most)))
    return Axis("flipped", f"to {most:g} of the labels", levels)


def _sorted_rows(value: Any) -> Axis:
    _only_true(value)
    return Axis("sorted_rows", "by target", (of.SortedRows(),))


def _only_true(value: Any) -> None:
    if value is not True:
        raise _OutOfRange("must be True or False: it has no range")


def _dtype(value: Any) -> Axis:
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (tuple, list)) or not names:
        raise _OutOfRange("must be True, False or names, as ('float16', 'int64')")
    try:
        levels = tuple(map(of.Dtype, names))
    except UsageError as error:
        raise _OutOfRange(f"names no type: {error}") from None
    return Axis("dtype", ", ".join(names), levels)


_AXES: Mapping[str, Callable[[Any], Axis]] = {
    "scales": _factor_axis("scales", of.Scale),
    "offsets": _offsets,
    "outliers": _outliers,
    "targets": _targets,
    "mixed_units": _factor_axis("mixed_units", of.MixedUnits),
    "missing": _missing,
    "constant": _constant,
    "duplicates": _duplicates,
    "rows": _rows,
    "imbalance": _imbalance,
    "flipped": _flipped,
    "sorted_rows": _sorted_rows,
    "dtype": _dtype,
}
