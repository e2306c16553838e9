"""What explains a finding or a cause to its reader: one value, beside its rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .numbers import number

__all__ = [
    "Curve",
    "Explanation",
    "Limit",
    "curves",
    "falling",
    "level",
    "noisy",
    "rising",
]


class Limit(float):
    """A number that decides, with what it means and what set it.

    Attributes:
        means: A sentence that names it as ``{limit}``, or with a format as
            ``{limit:.0%}``.
        set_by: The measurement or the paper behind it, in sentences.
    """

    means: str
    set_by: str

    def __new__(cls, value: float, means: str = "", set_by: str = "") -> Limit:
        """Make one."""
        made = super().__new__(cls, value)
        made.means, made.set_by = means, set_by
        return made

    @property
    def sentence(self) -> str:
        """What it means, with its number."""
        return self.means.format(limit=_Shown(self))


class _Shown:
    """A number that is formatted as people read it, unless a format is given."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __format__(self, how: str) -> str:
        return format(self._value, how) if how else number(self._value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A typical curve, made by hand, to be drawn in one line.

    Attributes:
        name: What it is of, as ``"loss"``.
        values: One for each step.
    """

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a reader learns of a finding or a cause, beside what to do.

    Attributes:
        brief: What it is, in at most 46 characters; of a check what must hold.
        seen: What is measured, and when it is reported.
        why: Why it matters.
        limits: The numbers that decide.
        no_limit: Why no number decides; empty where there are limits.
        curves: How it typically looks, where a curve shows it.
    """

    brief: str
    seen: str
    why: str
    limits: tuple[Limit, ...] = ()
    no_limit: str = ""
    curves: tuple[Curve, ...] = ()


#: Steps of a curve that is drawn.
_STEPS = 40


def falling(start: float, end: float, steps: int = _STEPS) -> tuple[float, ...]:
    """Fast at first, then slower, as a healthy loss."""
    return tuple(end + (start - end) * 0.88**it for it in range(steps))


def rising(start: float, factor: float, steps: int = _STEPS) -> tuple[float, ...]:
    """By the same factor at each step."""
    return tuple(start * factor**it for it in range(steps))


def level(value: float, steps: int = _STEPS) -> tuple[float, ...]:
    """The same at each step, but for a little noise."""
    return noisy((value,) * steps, 0.01)


def noisy(values: Sequence[float], share: float) -> tuple[float, ...]:
    """With noise of up to this share of each value, always the same."""
    return tuple(
        value * (1 + share * math.sin(step * step + step))
        for step, value in enumerate(values)
    )


def curves(**named: Sequence[float]) -> tuple[Curve, ...]:
    """Curves by name; ``_`` in a name stands for a blank."""
    return tuple(
        Curve(name=name.replace("_", " "), values=tuple(values))
        for name, values in named.items()
    )
