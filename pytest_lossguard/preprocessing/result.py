"""What a relation says of a preparation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.findings import Finding

__all__ = ["KEPT", "Broken", "ContractResult", "Kept", "Line", "Outcome", "Skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One value of the smallest case, with what to call it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The relation holds."""


KEPT = Kept()


@dataclass(frozen=True, slots=True)
class Skipped:
    """The relation does not apply, or it could not be checked.

    Attributes:
        reason: One sentence without a full stop.
        applies: Whether it does apply and could not be checked: ``strict`` fails it.
    """

    reason: str
    applies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The relation does not hold.

    Attributes:
        fact: The first line: what happened, in at most 76 characters or so.
        column: The raw column concerned, None where it is not one.
        rows: The raw rows of the smallest case.
        lines: Raw value, what came out, what should have.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractResult:
    """What came of one relation.

    Attributes:
        relation: Its key.
        outcome: ``"kept"``, ``"broken"`` or ``"skipped"``.
        column: The raw column concerned.
        rows: The raw rows of the smallest case.
        message: The message of what is broken, the reason of what was skipped.
        finding: What is broken as a finding.
        is_allowed: Whether the finding is tolerated.
        draw: The integers of the smallest case, which run it again.
    """

    relation: str
    outcome: Literal["kept", "broken", "skipped"]
    column: str | None = None
    rows: tuple[int, ...] = ()
    message: str = ""
    finding: Finding | None = None
    is_allowed: bool = False
    draw: tuple[int, ...] | None = field(default=None)

    def to_json(self) -> dict[str, Any]:
        """As builtins, in the shape of the JSON report."""
        return {
            "relation": self.relation,
            "outcome": self.outcome,
            "column": self.column,
            "rows": list(self.rows),
            "message": self.message,
        }
