"""The result of one check of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..core.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCheckResult:
    """The result of one check of a model.

    Attributes:
        check: The name of the check.
        outcome: ``"passed"``, ``"failed"`` or ``"skipped"``.
        where: The variable, input or layer concerned; None where there is none.
        message: The message of a failed check, or the reason why a check was skipped;
            empty for a check that passed.
        finding: The failure as a finding; None where the check did not fail.
        is_allowed: Whether the failure is tolerated.
    """

    check: str
    outcome: Literal["passed", "failed", "skipped"]
    where: str | None = None
    message: str = ""
    finding: Finding | None = None
    is_allowed: bool = False

    @property
    def is_bad(self) -> bool:
        """Whether the check failed and the failure is not tolerated."""
        return self.outcome == "failed" and not self.is_allowed

    def to_json(self) -> dict[str, Any]:
        """Return the result as builtins, in the form of the JSON report."""
        return {
            "check": self.check,
            "outcome": self.outcome,
            "where": self.where,
            "message": self.message,
        }
