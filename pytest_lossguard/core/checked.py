"""What a check says of what it looked at, a preparation or a model."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KEPT", "Broken", "Kept", "Line", "Outcome", "Skipped"]


@dataclass(frozen=True, slots=True)
class Line:
    """One value of the smallest case, with what to call it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """It holds."""


KEPT = Kept()


@dataclass(frozen=True, slots=True)
class Skipped:
    """It does not apply, or could not be checked.

    Attributes:
        reason: One sentence without a full stop.
        applies: Whether it does apply and could not be checked: ``strict`` fails it.
    """

    reason: str
    applies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """It does not hold.

    Attributes:
        fact: The first line: what happened, in at most 76 characters or so.
        column: The column, variable, input or layer concerned, None where it is none.
        rows: The rows of the smallest case.
        lines: Values that show it: what went in, what came out, what should have.
        meaning: What it means, in a sentence or two.
        remedy: What to do, where it is not that of the kind.
    """

    fact: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    lines: tuple[Line, ...] = ()
    meaning: str = ""
    remedy: str = ""


Outcome = Kept | Skipped | Broken
