"""The result of checking one relation of a preparation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..core.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractResult:
    """The result of checking one relation.

    Attributes:
        relation: The name of the relation.
        outcome: ``"kept"``, ``"broken"`` or ``"skipped"``.
        column: The column concerned; None where there is none.
        rows: The rows of the smallest case.
        message: The message of a broken relation, or the reason why one was skipped;
            empty for a relation that is kept.
        finding: The broken relation as a finding; None where it is not broken.
        is_allowed: Whether the finding is tolerated.
        draw: The draw of the smallest case, to run it again; None where there is none.
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
        """Whether the relation is broken and this is not tolerated."""
        return self.outcome == "broken" and not self.is_allowed

    def to_json(self) -> dict[str, Any]:
        """Return the result as builtins, in the form of the JSON report."""
        return {
            "relation": self.relation,
            "outcome": self.outcome,
            "column": self.column,
            "rows": list(self.rows),
            "message": self.message,
        }
