"""What came of one check of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..core.findings import Finding

__all__ = ["ModelCheckResult"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheckResult:
    """What came of one check.

    Attributes:
        check: Its key.
        outcome: ``"passed"``, ``"failed"`` or ``"skipped"``.
        where: The variable, input or layer concerned.
        message: The message of what failed, the reason of what was skipped.
        finding: What failed, as a finding.
        is_allowed: Whether that is tolerated.
    """

    check: str
    outcome: Literal["passed", "failed", "skipped"]
    where: str | None = None
    message: str = ""
    finding: Finding | None = None
    is_allowed: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether it fails a test."""
        return self.outcome == "failed" and not self.is_allowed

    def to_json(self) -> dict[str, Any]:
        """As builtins, in the shape of the JSON report."""
        return {
            "check": self.check,
            "outcome": self.outcome,
            "where": self.where,
            "message": self.message,
        }
