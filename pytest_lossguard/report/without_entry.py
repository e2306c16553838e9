"""Marked tests without an entry in a report: their outcomes in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..core.states import ELSEWHERE, LEFT_OUT, NOT_RUN

#: Outcomes of tests that ran and trained nothing.
OUTCOMES = ("failed", "passed", "skipped")
#: Reasons why a test that should have a result has none.
WHY_LOST = {
    NOT_RUN: "not run: its session ended before",
    ELSEWHERE: "of a part whose report is missing",
}
_WORDS = {LEFT_OUT: "left out", NOT_RUN: "not run", ELSEWHERE: "not run"}
_REASONS = {
    "failed": "failed without a record: its set-up failed, or its worker crashed",
    "passed": "passed, and nothing was recorded",
    "skipped": "skipped",
    LEFT_OUT: "left out by --lossguard-time",
    **WHY_LOST,
}


def word_of(state: str) -> str:
    """Return an outcome, ``"left out"`` or ``"not run"``."""
    return _WORDS.get(state, state)


def reason_of(state: str) -> str:
    """Return why a test has no entry, as ``"left out by --lossguard-time"``."""
    return _REASONS[state]


def without_result(
    others: Mapping[str, str], of: Iterable[str] = ("failed", NOT_RUN, LEFT_OUT)
) -> dict[str, list[str]]:
    """Return the tests without a result, by reason, as ``"left out by
    --lossguard-time"``; sorted by id within each reason.

    Args:
        others: Outcomes of the marked tests without an entry; see
            `json_report.write_json`.
        of: The states to include.
    """
    found = {
        _REASONS[state]: sorted(it for it in others if others[it] == state)
        for state in of
    }
    return {why: nodeids for why, nodeids in found.items() if nodeids}
