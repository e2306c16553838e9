"""Outcomes of a check of a preprocessing step (a contract) or of a model."""

from __future__ import annotations

from dataclasses import dataclass

from .explanation import Explanation, Limit
from .findings import Finding, Kind, finding

#: Prefixes of the finding kinds of contracts and of model checks.
OF_CONTRACTS, OF_MODEL_CHECKS = "contract_", "check_"


@dataclass(frozen=True, slots=True)
class Line:
    """One value of the smallest failing case, with its name and a note."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """The relation or check holds."""


KEPT = Kept()


@dataclass(frozen=True, slots=True)
class Skipped:
    """The relation or check does not apply, or could not be checked.

    Attributes:
        reason: One sentence without a full stop.
        applies: Whether the relation or check applies and could not be checked, which
            fails under ``strict``.
    """

    reason: str
    applies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The relation or check does not hold.

    Attributes:
        fact: What happened, in at most about 76 characters; the first line of the
            message.
        column: Name of the affected column, variable, input or layer; None if there is
            none.
        rows: Rows of the smallest failing case.
        lines: Values that show the failure: inputs, outputs, expected outputs.
        meaning: What the failure means, in one or two sentences.
        remedy: What to do; empty to use the hint of the finding kind.
    """

    fact: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    lines: tuple[Line, ...] = ()
    meaning: str = ""
    remedy: str = ""


Outcome = Kept | Skipped | Broken


def kind_of(
    prefix: str,
    name: str,
    *,
    brief: str,
    hint: str,
    seen: str,
    why: str,
    limits: tuple[Limit, ...] = (),
    no_limit: str = "",
) -> Kind:
    """Make the finding kind for a check that does not hold.

    Args:
        prefix: Prefix of the kind's name, `OF_CONTRACTS` or `OF_MODEL_CHECKS`.
        name: Name of the check.
        hint: What to do.
        brief: What must hold; see `Explanation`.
        seen: When the finding is reported; see `Explanation`.
        why: Why it matters.
        limits: The thresholds of the check.
        no_limit: Why the check has no threshold.
    """
    return Kind(
        name=f"{prefix}{name}",
        severity="error",
        headline="{fact}",
        text="{fact}",
        hint=hint,
        explanation=Explanation(
            brief=brief, seen=seen, why=why, limits=limits, no_limit=no_limit
        ),
    )


def finding_of(kind: Kind, broken: Broken) -> Finding:
    """Make a finding from a failed check, with its specific remedy if it has one."""
    hint = broken.remedy or None
    return finding(kind, where=broken.column, fact=broken.fact, hint=hint)


def unchecked(mark: str, name: str, skipped: Skipped) -> Broken:
    """Make the failure that ``strict`` reports for a check that could not be made.

    Args:
        mark: Name of the marker that requests the check.
        name: Name of the check.
        skipped: Why the check was not made.
    """
    reason = skipped.reason
    return Broken(
        fact="it could not be checked, but strict=True requires it",
        meaning=f"{reason[0].upper()}{reason[1:]}.",
        remedy=f"Make the check possible, or turn it off: {mark}({name}=False).",
    )
