"""The base class of the families of corruptions, with their checks and arithmetic."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..core.errors import UsageError
from ..core.given import MOST, is_number, is_whole, shown
from .datasets import corrupted
from .sample import Sample

Array = NDArray[Any]
#: A choice of features: None for all, a number, a column's name, or a tuple of these.
Features = int | str | tuple[int | str, ...] | None

#: The golden ratio spreads row numbers evenly, whatever period the rows have.
_GOLDEN = 0.6180339887498949
#: The largest relative rounding error of the mean of equal numbers.
_ROUNDING = 1e-14


def spread_rows(rows: int, count: int) -> Array:
    """Return ``count`` row numbers that are spread over all rows.

    The order depends on ``rows`` only: a larger count adds row numbers at the end.
    """
    order = np.argsort(np.arange(rows) * _GOLDEN % 1.0, kind="stable")
    return order[: max(0, min(count, rows))]


def share_of(rows: int, share: float) -> int:
    """Return the number of rows in a share of all rows, at least 1."""
    return max(1, round(rows * share))


class Family:
    """The base class of one kind of corruption, such as another unit."""

    __slots__ = ()
    #: The keyword of `strategies.corruptions` that draws the family.
    keyword: ClassVar[str] = ""

    @property
    def way(self) -> bool:
        """Whether the corruption makes values larger rather than smaller."""
        factor = getattr(self, "factor", 1.0)
        return bool(factor >= 1 and getattr(self, "deviations", 0.0) >= 0)

    def act(self, sample: Sample) -> Sample:
        """Return the corrupted sample.

        Raises:
            UsageError: The data cannot be corrupted this way.
        """
        raise NotImplementedError

    def __call__(self, x: Any, y: Any = None) -> Any:
        """Corrupt data, as `Corruption` does."""
        return corrupted(x, y, self._on_arrays)

    def _on_arrays(self, x: Any, y: Any, weight: Any = None) -> tuple[Any, Any, Any]:
        sample, again = Sample.of(x, y, weight)
        return again(self.act(sample))

    def within(self, features: int) -> Family:
        """Return the corruption with its feature numbers modulo ``features``."""
        counted = {
            it.name: _counted_round(getattr(self, it.name), features)
            for it in fields(self)  # type: ignore[arg-type]
            if it.name in ("features", "feature")
        }
        return replace(self, **counted)  # type: ignore[type-var]

    def describe(self) -> dict[str, Any]:
        """Describe the corruption as builtins.

        Returns:
            ``"keyword"``, the keyword that draws it; ``"level"``, its repr without
            features, as ``"Scale(1000.0)"``; ``"value"``, the number of its level or
            None; and ``"features"``, ``"all"`` or the repr of the features.
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
    """Raise unless a parameter is valid.

    Args:
        family: The corruption.
        name: The name of the parameter.
        holds: Whether the value is valid.
        expected: What the value must be, for the message.

    Raises:
        UsageError: The value is not valid.
    """
    if not holds:
        given = f"{type(family).__name__}({name}={shown(getattr(family, name))})"
        raise UsageError(f"{given}: {name} must be {expected}")


def check_number(family: Any, name: str) -> None:
    """Convert a parameter to float; raise `UsageError` if it is not a finite number."""
    value = getattr(family, name)
    checked(family, name, is_number(value), "a finite number, such as 10.0")
    object.__setattr__(family, name, float(value))


def check_share(family: Any, name: str = "share") -> None:
    """Convert a parameter to float; raise `UsageError` unless it is above 0 and at
    most 1.
    """
    value = getattr(family, name)
    holds = is_number(value) and 0 < value <= 1
    checked(family, name, holds, "a number above 0 and at most 1, such as 0.1")
    object.__setattr__(family, name, float(value))


def check_count(family: Any, name: str, least: int = 1) -> None:
    """Convert a parameter to int; raise `UsageError` unless it is a whole number from
    ``least`` to `MOST`.
    """
    value = getattr(family, name)
    holds = is_whole(value) and least <= value <= MOST
    words = f"a whole number, at least {least} and at most {MOST:,}"
    checked(family, name, holds, words)
    object.__setattr__(family, name, int(value))


def check_features(family: Any, name: str = "features") -> None:
    """Convert a parameter to builtin numbers and names of features; raise `UsageError`
    if it is no such choice.
    """
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
    """Return the mean of each column over its finite values."""
    finite = np.where(np.isfinite(columns), columns, 0.0).astype(np.float64)
    counts = np.maximum(np.isfinite(columns).sum(axis=_axes(columns)), 1)
    return np.asarray(finite.sum(axis=_axes(columns)) / counts)


def std(columns: Array) -> Array:
    """Return the standard deviation of each column over its finite values; 1 for a
    constant column.
    """
    center = mean(columns)
    distance = np.where(np.isfinite(columns), columns - center, 0.0)
    counts = np.maximum(np.isfinite(columns).sum(axis=_axes(columns)), 1)
    square = np.square(distance.astype(np.float64)).sum(axis=_axes(columns))
    found = np.sqrt(square / counts)
    return np.where(found > _ROUNDING * np.abs(center), found, 1.0)


def far(columns: Array, deviations: float) -> Array:
    """Return for each column the value ``deviations`` standard deviations above its
    mean.
    """
    return np.asarray(mean(columns) + deviations * std(columns))


def put(columns: Array, rows: Array, value: Any) -> Array:
    """Return a copy of columns with ``value`` in some rows."""
    columns = columns.copy()
    columns[rows] = value
    return columns
