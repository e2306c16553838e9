"""What a check says of what it looked at, a preparation or a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .explanation import Explanation, Limit
from .findings import Finding, Kind, finding

__all__ = [
    "KEPT",
    "OF_CONTRACTS",
    "OF_MODEL_CHECKS",
    "Broken",
    "Kept",
    "Line",
    "Outcome",
    "Skipped",
    "finding_of",
    "kind_of",
    "unchecked",
]


#: What the finding kinds of contracts and of model checks begin with.
OF_CONTRACTS, OF_MODEL_CHECKS = "contract_", "check_"


@dataclass(frozen=True, slots=True)
class Line:
    """One value of the smallest case, with what to call it."""

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
        applies: Whether it does apply and could not be checked: ``strict`` fails it.
    """

    reason: str
    applies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The relation or check does not hold.

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
    """The kind of finding of a check that does not hold.

    Args:
        prefix: What the kind begins with.
        name: The check.
        hint: What to do.
        brief: What must hold.
        seen: When it is reported; see `Explanation`.
        why: Why it matters.
        limits: The numbers that decide.
        no_limit: Why no number decides.
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
    """What is broken as a finding, with its own remedy where it has one."""
    made = finding(kind, where=broken.column, fact=broken.fact)
    return replace(made, hint=broken.remedy) if broken.remedy else made


def unchecked(mark: str, name: str, skipped: Skipped) -> Broken:
    """What ``strict`` makes of a check that applies and could not be made.

    Args:
        mark: The marker that asks for it.
        name: The check.
        skipped: Why it was not made.
    """
    reason = skipped.reason
    return Broken(
        fact="it could not be checked, and strict=True asks for it",
        meaning=f"{reason[0].upper()}{reason[1:]}.",
        remedy=f"Make it possible to check, or say that it need not be:"
        f" {mark}({name}=False).",
    )
