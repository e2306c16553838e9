"""One keyword of a space: what is drawn for it, the mildest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..core.given import is_number
from .family import Family

__all__ = [
    "FARTHER",
    "Axis",
    "Keyword",
    "OutOfRange",
    "bounds",
    "factor_axis",
    "finite",
    "halves",
    "only_true",
    "share",
    "share_axis",
    "tens",
    "up_to",
]

#: How many powers of ten beyond the asked range are tried after a passing search.
FARTHER = range(1, 4)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """A keyword of ``strategies.corruptions`` and of the marker.

    Attributes:
        name: The keyword.
        default: What it means when it is True.
        axis: What is drawn for a value of it; raises `OutOfRange`.
        is_on: Whether it is on without being named.
    """

    name: str
    default: Any
    axis: Callable[[Any], Axis]
    is_on: bool = False


class OutOfRange(ValueError):
    """The value of a keyword cannot be meant."""


def bounds(value: Any, holds: Callable[[float], bool], example: str) -> Any:
    """Two bounds of a keyword, the lower first."""
    if not (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(is_number(it) and holds(it) for it in value)
    ):
        raise OutOfRange(
            f"must be True, False or two bounds, the lower first, as {example}"
        )
    low, high = map(float, value)
    if low > high:
        raise OutOfRange(f"has its bounds the wrong way round: give ({high}, {low})")
    return low, high


def up_to(value: Any, example: str) -> float:
    """The largest value of a keyword."""
    if not is_number(value) or value <= 0:
        raise OutOfRange(f"must be True, False or the largest, as {example}")
    return float(value)


def share(value: Any, example: str) -> float:
    """A share of the rows."""
    if not is_number(value) or not 0 < value <= 1:
        raise OutOfRange(f"must be True, False or a share of the rows, as {example}")
    return float(value)


def only_true(value: Any) -> None:
    """Refuse a value of a keyword that has no range."""
    if value is not True:
        raise OutOfRange("must be True or False: it has no range")


def finite(values: Iterable[float]) -> list[float]:
    """The values that are finite."""
    return [it for it in values if math.isfinite(it)]


def tens(most: float) -> list[float]:
    """1, 10, 100 ... up to ``most``; ``most`` alone if it is below 1."""
    if most < 1:
        return [most] if most > 0 else []
    return [10.0**it for it in range(int(math.log10(most) + 1e-9) + 1)]


def halves(most: float) -> list[float]:
    """An eighth, a quarter, a half and all of it."""
    return [most / it for it in (8, 4, 2, 1)]


def factor_axis(keyword: str, make: Callable[[float], Family]) -> Callable[[Any], Axis]:
    """What draws factors between two bounds, powers of ten where there are some."""

    def axis(value: Any) -> Axis:
        low, high = bounds(value, lambda it: it > 0, "(1e-3, 1e3)")
        factors = _factors(low, high)
        if not factors:
            raise OutOfRange("holds no factor but 1: widen it, as (1e-3, 1e3)")
        ten = [10.0**it for it in FARTHER]
        beyond = [finite(high * it for it in ten)] if high > 1 else []
        beyond += [[low / it for it in ten]] if low < 1 else []
        return Axis(
            keyword,
            f"{low:g} to {high:g}",
            tuple(make(it) for it in factors),
            tuple(tuple(make(it) for it in way) for way in beyond),
            by_feature=hasattr(make(2.0), "features"),
        )

    return axis


def share_axis(
    keyword: str, make: Callable[[float], Family], example: str, of: str = "rows"
) -> Callable[[Any], Axis]:
    """What draws shares up to one, an eighth of it first."""

    def axis(value: Any) -> Axis:
        most = share(value, example)
        levels = tuple(map(make, halves(most)))
        by_feature = hasattr(levels[0], "features")
        return Axis(keyword, f"to {most:g} of the {of}", levels, by_feature=by_feature)

    return axis


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
