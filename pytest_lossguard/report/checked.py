"""Results of contracts and model checks, as every report describes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ..core.checked import OF_CONTRACTS, OF_MODEL_CHECKS
from .entry import Entry

#: An entry of the JSON report, possibly with the details of the HTML page.
Tested = Entry | dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """A kind of check, and the words for its outcomes.

    Attributes:
        key: Key of the result in an entry of the JSON report.
        name: Key of the name of the check in that result.
        prefix: Prefix of the kinds of its findings.
        noun: Word for one check.
        good, bad: Words for the outcomes.
    """

    key: Literal["contract", "model_check"]
    name: str
    prefix: str
    noun: str
    good: str
    bad: str


_FAMILIES = (
    _Family(
        key="contract",
        name="relation",
        prefix=OF_CONTRACTS,
        noun="contract",
        good="kept",
        bad="broken",
    ),
    _Family(
        key="model_check",
        name="check",
        prefix=OF_MODEL_CHECKS,
        noun="model check",
        good="passed",
        bad="failed",
    ),
)

#: Outcomes of a broken contract or a failed model check.
BAD_OUTCOMES = frozenset(it.bad for it in _FAMILIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The result of a check.

    Attributes:
        noun: ``"contract"`` or ``"model check"``.
        name: Name of the check.
        kind: Kind of its finding.
        outcome: Word for the outcome.
        is_bad: Whether the contract is broken, or the model check failed.
        is_skipped: Whether the check was skipped.
        message: Message of a bad check, or the reason of a skipped one.
    """

    noun: str
    name: str
    kind: str
    outcome: str
    is_bad: bool
    is_skipped: bool
    message: str

    @property
    def first_line(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


def checked_of(test: Tested) -> Checked | None:
    """Return the result of the check of a test; None if it made no check."""
    for family in _FAMILIES:
        found: Any = test.get(family.key)
        if found is not None:
            outcome = str(found["outcome"])
            return Checked(
                noun=family.noun,
                name=str(found[family.name]),
                kind=f"{family.prefix}{found[family.name]}",
                outcome=outcome,
                is_bad=outcome == family.bad,
                is_skipped=outcome == "skipped",
                message=str(found["message"]),
            )
    return None


def is_checked(test: Tested) -> bool:
    """Whether a test made a check."""
    return checked_of(test) is not None


def is_only_checked(test: Tested) -> bool:
    """Whether a test made a check and trained nothing."""
    return is_checked(test) and not test["runs"]


def is_allowed(test: Tested) -> bool:
    """Whether the check of a test is bad but the test passes."""
    found = checked_of(test)
    return found is not None and found.is_bad and test["outcome"] == "passed"


def describe(test: Tested) -> str:
    """Return one line on a bad or skipped check; empty otherwise."""
    found = checked_of(test)
    if found is None or not (found.is_bad or found.is_skipped):
        return ""
    return f"{found.first_line} (allowed)" if is_allowed(test) else found.first_line


def counted(tests: Iterable[Tested]) -> str:
    """Return the counts, as ``"13 contracts checked: 7 kept, none broken, 6 skipped"``;
    those of model checks follow after a semicolon.
    """
    tests = list(tests)
    parts = (_counted(family, tests) for family in _FAMILIES)
    return "; ".join(it for it in parts if it)


def _counted(family: _Family, tests: list[Tested]) -> str:
    mine = [it for it in tests if it.get(family.key) is not None]
    if not mine:
        return ""
    outcomes = [str((it.get(family.key) or {})["outcome"]) for it in mine]
    allowed = sum(map(is_allowed, mine))
    beside = f" ({allowed} of them allowed)" if allowed else ""
    made = "checked" if family.key == "contract" else "made"
    return (
        f"{len(mine)} {family.noun}{'' if len(mine) == 1 else 's'} {made}:"
        f" {outcomes.count(family.good)} {family.good},"
        f" {outcomes.count(family.bad) or 'none'} {family.bad}{beside},"
        f" {outcomes.count('skipped') or 'none'} skipped"
    )


def reasons(tests: Iterable[Tested]) -> list[str]:
    """Return sentences on bad checks that are allowed, and on the reasons of skipped
    ones.
    """
    found: list[str] = []
    skipped: dict[str, list[str]] = {}
    for test in tests:
        checked = checked_of(test)
        if checked is None:
            continue
        if is_allowed(test):
            found.append(f"allowed {checked.first_line}")
        if checked.is_skipped:
            skipped.setdefault(checked.message, []).append(checked.name)
    return found + [
        f"skipped {', '.join(dict.fromkeys(names))}: {reason}"
        for reason, names in sorted(skipped.items())
    ]
