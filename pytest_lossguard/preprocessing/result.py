"""What a relation says of a preparation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.findings import Finding

__all__ = ["ContractResult"]


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

    @property
    def is_bad(self) -> bool:
        """Whether it fails a test."""
        return self.outcome == "broken" and not self.is_allowed

    def to_json(self) -> dict[str, Any]:
        """As builtins, in the shape of the JSON report."""
        return {
            "relation": self.relation,
            "outcome": self.outcome,
            "column": self.column,
            "rows": list(self.rows),
            "message": self.message,
        }
