"""The space of corruptions that a search draws from.

Each keyword of the space has levels; a level is one family with one value. The mildest
level comes first, so that a search that shrinks toward the first level reports the
mildest one that still breaks a training.
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

_NAMES = tuple(it.name for it in KEYWORDS)


@dataclass(frozen=True, slots=True)
class Space:
    """All corruptions that may be drawn.

    Attributes:
        axes: One axis per keyword that is on.
        features: The features that a corruption may act on alone; None where not
            given.
    """

    axes: tuple[Axis, ...]
    features: Sequence[int | str] | None = None

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any], owner: str) -> Space:
        """Make a space from keywords such as ``scales=(1e-3, 1e3)``.

        Args:
            keywords: The value of each keyword: ``False`` (off), ``True`` (the default
                range) or bounds.
            owner: The name of the function or marker with these keywords, for
                messages.

        Raises:
            PolicyError: A keyword is unknown or its value is invalid, or no keyword
                is on.
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
                f"{owner}() has nothing to draw: every kind of corruption is off; turn"
                " one on, for example scales=True"
            )
        return cls(tuple(axes), features)

    def has(self, family: Family) -> bool:
        """Whether a level may be drawn, regardless of its features."""
        everywhere = family
        if hasattr(family, "features"):
            everywhere = replace(family, features=None)  # type: ignore[type-var]
        return any(everywhere in axis.levels for axis in self.axes)

    def covers(self, family: Family) -> bool:
        """Whether a corruption is within the asked range, also between two levels."""
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
        """Return the axes as builtins: keyword, range in words, described levels."""
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
        f"{owner}(features={shown(given)}): features must be their number,"
        f" {COUNT.words}, or a tuple of them, such as (0, 3) or ('height',)"
    )


def _is_feature(value: Any) -> bool:
    return isinstance(value, str) or (is_whole(value) and 0 <= value < MOST)
