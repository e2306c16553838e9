"""The JSON report, schema 1."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..core.files import write_whole
from ..core.printable import printable
from .entry import Entry
from .session_facts import SessionFacts
from .sound import sound
from .without_entry import WHY_LOST

__all__ = ["SCHEMA", "Report", "report_text", "write_json"]

SCHEMA: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a JSON report holds.

    Attributes:
        tests: The entries of its tests.
        session: When, from what and how it was made.
        others: What came of the marked tests without an entry; see `write_json`.
    """

    tests: tuple[Entry, ...]
    session: SessionFacts
    others: dict[str, str] = field(default_factory=dict)

    @property
    def lost(self) -> dict[str, str]:
        """The tests that were collected and have no result, and why."""
        return {it: WHY_LOST[why] for it, why in self.others.items() if why in WHY_LOST}


def write_json(
    path: Path,
    tests: Iterable[Entry],
    others: Mapping[str, str] | None = None,
    session: SessionFacts | None = None,
) -> None:
    """Write the report whole or not at all.

    Args:
        path: Where; folders above it are made.
        tests: One entry per test, sorted here by node id, so that the order in
            which workers reported them does not show.
        others: The marked tests that have no entry, by node id: ``"passed"``,
            ``"skipped"``, ``"failed"`` before anything trained, ``"not_run"``,
            ``"left_out"`` by ``--lossguard-time``, or ``"elsewhere"`` where another
            part of the session is to run them.
        session: Default: nothing but the versions and the machine at hand.
    """
    write_whole(path, report_text(tests, session or SessionFacts(), others))


def report_text(
    tests: Iterable[Entry],
    session: SessionFacts,
    others: Mapping[str, str] | None = None,
) -> str:
    """The report of these tests.

    Args:
        tests: As for `write_json`.
        session: What ``session``, ``version`` and ``environment`` are made of.
        others: As for `write_json`; where there are none the report says nothing.
    """
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "version": session.version,
        "environment": dict(session.environment),
        "session": session.to_json(),
        "tests": sorted(map(sound, tests), key=lambda test: test["nodeid"]),
    }
    if others:
        report["without_entry"] = {printable(it): others[it] for it in sorted(others)}
    return json.dumps(report, allow_nan=False) + "\n"
