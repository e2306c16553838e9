"""The explanation of a finding or a cause: one value, defined next to its rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .numbers import number


class Limit(float):
    """A threshold, with its meaning and its source.

    Attributes:
        means: A sentence that shows the number as ``{limit}``, or with a format as
            ``{limit:.0%}``.
        set_by: The measurement or paper behind the number, in sentences.
    """

    means: str
    set_by: str

    def __new__(cls, value: float, means: str = "", set_by: str = "") -> Limit:
        """Make a limit."""
        made = super().__new__(cls, value)
        made.means, made.set_by = means, set_by
        return made

    @property
    def sentence(self) -> str:
        """The meaning, with the number filled in."""
        return self.means.format(limit=_Shown(self))


class _Shown:
    """A number that is printed for people to read unless a format is given."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __format__(self, how: str) -> str:
        return format(self._value, how) if how else number(self._value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A typical curve, constructed by hand, that is drawn in one line.

    Attributes:
        name: Name of the plotted quantity, such as ``"loss"``.
        values: One value per step.
    """

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a finding or a cause means, without what to do about it.

    Attributes:
        brief: What the finding or cause is, or for a check what must hold; at most 46
            characters.
        seen: What is measured, and when it is reported.
        why: Why it matters.
        limits: The thresholds of the rule.
        no_limit: Why the rule has no threshold; empty if it has limits.
        curves: Typical curves, if a curve shows it.
    """

    brief: str
    seen: str
    why: str
    limits: tuple[Limit, ...] = ()
    no_limit: str = ""
    curves: tuple[Curve, ...] = ()


#: Number of steps of a typical curve.
_STEPS = 40


def falling(start: float, end: float, steps: int = _STEPS) -> tuple[float, ...]:
    """Return a curve that falls fast at first, then slower, as a healthy loss does."""
    return tuple(end + (start - end) * 0.88**it for it in range(steps))


def rising(start: float, factor: float, steps: int = _STEPS) -> tuple[float, ...]:
    """Return a curve that grows by the same factor at each step."""
    return tuple(start * factor**it for it in range(steps))


def level(value: float, steps: int = _STEPS) -> tuple[float, ...]:
    """Return a curve that is constant except for a little noise."""
    return noisy((value,) * steps, 0.01)


def noisy(values: Sequence[float], share: float) -> tuple[float, ...]:
    """Add deterministic noise of up to this share of each value."""
    return tuple(
        value * (1 + share * math.sin(step * step + step))
        for step, value in enumerate(values)
    )


def curves(**named: Sequence[float]) -> tuple[Curve, ...]:
    """Make curves by name; ``_`` in a name becomes a space."""
    return tuple(
        Curve(name=name.replace("_", " "), values=tuple(values))
        for name, values in named.items()
    )
