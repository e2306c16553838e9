"""One keyword of a space: the levels that are drawn for it, the mildest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..core.given import is_number
from .family import Family

#: The powers of ten beyond the asked range that are tried after a passing search.
FARTHER = range(1, 4)


@dataclass(frozen=True, slots=True)
class Axis:
    """One keyword of a space.

    Attributes:
        keyword: The name of the keyword.
        description: The asked range in words, for the report.
        levels: The corruptions to draw from, the mildest first.
        beyond: Corruptions outside the range, one tuple for each direction, the
            nearest first.
        by_feature: Whether a level may act on a single feature.
        only_by_feature: Whether a level only acts on a single feature, never on all.
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
        name: The name of the keyword.
        default: The value that True stands for.
        axis: Returns the axis for a value of the keyword; raises `OutOfRange`.
        is_on: Whether the keyword is on by default.
    """

    name: str
    default: Any
    axis: Callable[[Any], Axis]
    is_on: bool = False


class OutOfRange(ValueError):
    """The value of a keyword is invalid; the message says what is expected."""


def bounds(value: Any, holds: Callable[[float], bool], example: str) -> Any:
    """Return the two bounds of a keyword as floats, the lower first.

    Args:
        value: The value of the keyword.
        holds: Whether a number is a valid bound.
        example: Valid bounds, for the message.

    Raises:
        OutOfRange: The value is not a pair of valid bounds in this order.
    """
    if not (
        isinstance(value, (tuple, list))
        and len(value) == 2
        and all(is_number(it) and holds(it) for it in value)
    ):
        raise OutOfRange(
            f"must be True, False or two bounds, the lower first, such as {example}"
        )
    low, high = map(float, value)
    if low > high:
        raise OutOfRange(f"has its bounds the wrong way round: give ({high}, {low})")
    return low, high


def up_to(value: Any, example: str) -> float:
    """Return the largest value of a keyword, a positive number.

    Raises:
        OutOfRange: The value is no positive number.
    """
    if not is_number(value) or value <= 0:
        raise OutOfRange(f"must be True, False or the largest value, such as {example}")
    return float(value)


def share(value: Any, example: str) -> float:
    """Return a share of the rows, above 0 and at most 1.

    Raises:
        OutOfRange: The value is no such share.
    """
    if not is_number(value) or not 0 < value <= 1:
        raise OutOfRange(
            f"must be True, False or a share of the rows, such as {example}"
        )
    return float(value)


def only_true(value: Any) -> None:
    """Refuse any value but True, for a keyword that has no range.

    Raises:
        OutOfRange: The value is not True.
    """
    if value is not True:
        raise OutOfRange("must be True or False: it has no range")


def finite(values: Iterable[float]) -> list[float]:
    """Return the values that are finite."""
    return [it for it in values if math.isfinite(it)]


def tens(most: float) -> list[float]:
    """Return 1, 10, 100 ... up to ``most``; only ``most`` if it is between 0 and 1."""
    if most < 1:
        return [most] if most > 0 else []
    return [10.0**it for it in range(int(math.log10(most) + 1e-9) + 1)]


def halves(most: float) -> list[float]:
    """Return an eighth, a quarter, a half and all of ``most``."""
    return [most / it for it in (8, 4, 2, 1)]


def factor_axis(keyword: str, make: Callable[[float], Family]) -> Callable[[Any], Axis]:
    """Return a function that makes the axis of a factor between two bounds.

    Args:
        keyword: The name of the keyword.
        make: Makes the corruption with a factor.
    """

    def axis(value: Any) -> Axis:
        low, high = bounds(value, lambda it: it > 0, "(1e-3, 1e3)")
        factors = _factors(low, high)
        if not factors:
            raise OutOfRange(
                "holds no factor except 1: widen it, for example to (1e-3, 1e3)"
            )
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
    """Return a function that makes the axis of a share up to a largest one, with an
    eighth of that as the mildest level.

    Args:
        keyword: The name of the keyword.
        make: Makes the corruption with a share.
        example: A valid share, for messages.
        of: What the share is taken of, for the report.
    """

    def axis(value: Any) -> Axis:
        most = share(value, example)
        levels = tuple(map(make, halves(most)))
        by_feature = hasattr(levels[0], "features")
        return Axis(keyword, f"to {most:g} of the {of}", levels, by_feature=by_feature)

    return axis


def _factors(low: float, high: float) -> list[float]:
    """Return the powers of ten in a range, else the powers of two, else its ends; the
    mildest first, without 1.
    """
    for base in (10, 2):
        lowest = math.ceil(math.log(low, base) - 1e-9)
        highest = math.floor(math.log(high, base) + 1e-9)
        exponents = [it for it in range(lowest, highest + 1) if it]
        if exponents:
            exponents.sort(key=lambda it: (abs(it), it < 0))
            return [float(base) ** it for it in exponents]
    return sorted({it for it in (low, high) if it != 1.0}, key=lambda it: abs(it - 1))
