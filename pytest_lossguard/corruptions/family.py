"""What every family of corruptions shares: its words, its checks, its arithmetic."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.errors import UsageError
from ..core.given import MOST, is_number, is_whole, shown
from .sample import Sample

__all__ = [
    "Array",
    "Family",
    "Features",
    "check_count",
    "check_features",
    "check_number",
    "check_share",
    "checked",
    "far",
    "mean",
    "put",
    "share_of",
    "spread_rows",
    "std",
]

Array = NDArray[Any]
#: Which features: None for all, a number, a column's name, or several of these.
Features = int | str | tuple[int | str, ...] | None

#: The golden ratio spreads row numbers evenly whatever period the rows have.
_GOLDEN = 0.6180339887498949
#: The mean of equal numbers is off by no more than this share of it.
_ROUNDING = 1e-14


def spread_rows(rows: int, count: int) -> Array:
    """``count`` row numbers, spread over all; of more rows the same come first."""
    order = np.argsort(np.arange(rows) * _GOLDEN % 1.0, kind="stable")
    return order[: max(0, min(count, rows))]


def share_of(rows: int, share: float) -> int:
    """A share of the rows, at least one."""
    return max(1, round(rows * share))


class Family:
    """One thing that happens to a sample."""

    __slots__ = ()
    #: The keyword of `strategies.corruptions` that draws it.
    keyword: ClassVar[str] = ""

    @property
    def way(self) -> bool:
        """On which side of no corruption it lies: larger or smaller."""
        factor = getattr(self, "factor", 1.0)
        return bool(factor >= 1 and getattr(self, "deviations", 0.0) >= 0)

    def act(self, sample: Sample) -> Sample:
        """The corrupted sample.

        Raises:
            UsageError: The data cannot be corrupted this way.
        """
        raise NotImplementedError

    def __call__(self, x: Any, y: Any = None) -> Any:
        """Act on data; see `Corruption`."""
        from . import Corruption

        return Corruption(self)(x, y)

    def within(self, features: int) -> Family:
        """The family with its features counted round the end of ``features``."""
        counted = {
            it.name: _counted_round(getattr(self, it.name), features)
            for it in fields(self)  # type: ignore[arg-type]
            if it.name in ("features", "feature")
        }
        return replace(self, **counted)  # type: ignore[type-var]

    def describe(self) -> dict[str, Any]:
        """As builtins: the keyword that draws it, its level whatever it acts on, as
        ``"Scale(1000.0)"``, that level's number where it has one, and the features.
        """
        level: Any = self
        if hasattr(self, "features"):
            level = replace(self, features=None)  # type: ignore[type-var]
        first: Any = next((getattr(self, it.name) for it in fields(self)), None)  # type: ignore[arg-type]
        features = getattr(self, "features", None)
        return {
            "keyword": self.keyword,
            "level": repr(level),
            "value": float(first) if is_number(first) else None,
            "features": "all" if features is None else repr(features),
        }

    def __repr__(self) -> str:
        parts = []
        for index, field in enumerate(fields(self)):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if index == 0:
                parts.append(repr(value))
            elif value != field.default:
                parts.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def _counted_round(feature: Features, features: int) -> Features:
    if isinstance(feature, tuple):
        several = (_counted_round(it, features) for it in feature)
        return tuple(dict.fromkeys(several))  # type: ignore[arg-type]
    return feature % features if isinstance(feature, int) else feature


def checked(family: Any, name: str, holds: bool, expected: str) -> None:
    """Refuse a parameter in one sentence unless it holds."""
    if not holds:
        given = f"{type(family).__name__}({name}={shown(getattr(family, name))})"
        raise UsageError(f"{given}: {name} must be {expected}")


def check_number(family: Any, name: str) -> None:
    """Refuse what is no finite number."""
    value = getattr(family, name)
    checked(family, name, is_number(value), "a finite number, as 10.0")
    object.__setattr__(family, name, float(value))


def check_share(family: Any, name: str = "share") -> None:
    """Refuse what is no share above 0."""
    value = getattr(family, name)
    holds = is_number(value) and 0 < value <= 1
    checked(family, name, holds, "a number above 0 and at most 1, as 0.1")
    object.__setattr__(family, name, float(value))


def check_count(family: Any, name: str, least: int = 1) -> None:
    """Refuse what is no count."""
    value = getattr(family, name)
    holds = is_whole(value) and least <= value <= MOST
    words = f"a whole number, at least {least} and at most {MOST:,}"
    checked(family, name, holds, words)
    object.__setattr__(family, name, int(value))


def check_features(family: Any, name: str = "features") -> None:
    """Refuse what names no features."""
    value = getattr(family, name)
    several = value if isinstance(value, tuple) else (value,)
    holds = value is None or (
        bool(several) and all(is_whole(it) or isinstance(it, str) for it in several)
    )
    expected = "a feature's number or column name, a tuple of these, or None for all"
    checked(family, name, holds, expected)
    if value is not None:
        plain = tuple(str(it) if isinstance(it, str) else int(it) for it in several)
        object.__setattr__(
            family, name, plain if isinstance(value, tuple) else plain[0]
        )


def _axes(columns: Array) -> tuple[int, ...]:
    return tuple(range(columns.ndim - 1))


def mean(columns: Array) -> Array:
    """Mean of each column over its finite values."""
    finite = np.where(np.isfinite(columns), columns, 0.0).astype(np.float64)
    counts = np.maximum(np.isfinite(columns).sum(axis=_axes(columns)), 1)
    return np.asarray(finite.sum(axis=_axes(columns)) / counts)


def std(columns: Array) -> Array:
    """Standard deviation of each column; 1 for one that is constant."""
    center = mean(columns)
    distance = np.where(np.isfinite(columns), columns - center, 0.0)
    counts = np.maximum(np.isfinite(columns).sum(axis=_axes(columns)), 1)
    square = np.square(distance.astype(np.float64)).sum(axis=_axes(columns))
    found = np.sqrt(square / counts)
    return np.where(found > _ROUNDING * np.abs(center), found, 1.0)


def far(columns: Array, deviations: float) -> Array:
    """A value so many standard deviations above the mean of each column."""
    return np.asarray(mean(columns) + deviations * std(columns))


def put(columns: Array, rows: Array, value: Any) -> Array:
    """A copy with other values in some rows."""
    columns = columns.copy()
    columns[rows] = value
    return columns
