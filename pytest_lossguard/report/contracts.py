"""What every report says of a test of contracts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .entry import Entry

__all__ = ["counted", "describe", "is_allowed", "is_contract", "is_only_contract"]


#: An entry of the JSON report, or one with the details of the page beside it.
Tested = Entry | dict[str, Any]


def is_contract(test: Tested) -> bool:
    """Whether a test has checked a contract."""
    return test.get("contract") is not None


def is_only_contract(test: Tested) -> bool:
    """Whether it has, and nothing trained in it."""
    return is_contract(test) and not test["runs"]


def is_allowed(test: Tested) -> bool:
    """Whether its contract is broken, and the test passes all the same."""
    return _outcome(test) == "broken" and test["outcome"] == "passed"


def describe(test: Tested) -> str:
    """In one line what is broken, or why it was not checked; empty if it is kept."""
    contract = test.get("contract")
    if contract is None or contract["outcome"] == "kept":
        return ""
    first = str(contract["message"]).partition("\n")[0]
    return f"{first} (allowed)" if is_allowed(test) else first


def counted(tests: Iterable[Tested]) -> str:
    """``"13 contracts checked: 7 kept, none broken, 6 skipped"``."""
    checked = [it for it in tests if is_contract(it)]
    count = {
        outcome: sum(_outcome(it) == outcome for it in checked)
        for outcome in ("kept", "broken", "skipped")
    }
    allowed = sum(map(is_allowed, checked))
    beside = f" ({allowed} of them allowed)" if allowed else ""
    return (
        f"{len(checked)} contract{'' if len(checked) == 1 else 's'} checked:"
        f" {count['kept']} kept, {count['broken'] or 'none'} broken{beside},"
        f" {count['skipped'] or 'none'} skipped"
    )


def _outcome(test: Tested) -> str | None:
    contract = test.get("contract")
    return None if contract is None else str(contract["outcome"])
