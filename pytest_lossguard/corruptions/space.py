"""The space of corruptions that a search draws from: keywords to levels.

A level is one family with one value; the mildest comes first, so that a search
that shrinks toward the first reports the mildest that still breaks a training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ..core.errors import PolicyError
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
from .axis import Axis, OutOfRange
from .families import KEYWORDS
from .family import Family

__all__ = ["Axis", "Space"]

_NAMES = tuple(it.name for it in KEYWORDS)


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
            if key not in _NAMES:
                known = [*_NAMES, "features"]
                raise PolicyError(unknown(key, known, f"{owner}()", "keyword"))
        axes = []
        for keyword in KEYWORDS:
            asked = plain(keywords.get(keyword.name, keyword.is_on))
            if asked is False:
                continue
            value = keyword.default if asked is True else asked
            try:
                axes.append(keyword.axis(value))
            except OutOfRange as error:
                name = keyword.name
                raise PolicyError(
                    f"{owner}({name}={shown(asked)}): {name} {error}"
                ) from None
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

    def covers(self, family: Family) -> bool:
        """Whether it lies within what is asked for, between two levels too."""
        levels = [
            level
            for axis in self.axes
            for level in axis.levels
            if type(level) is type(family)
        ]
        names = (it.name for it in fields(family) if it.name != "features")  # type: ignore[arg-type]
        return bool(levels) and all(
            _within(getattr(family, it), [getattr(level, it) for level in levels])
            for it in names
        )

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


def _within(value: Any, levels: list[Any]) -> bool:
    if all(map(is_number, [value, *levels])):
        return bool(min(levels) <= value <= max(levels))
    return value in levels


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
