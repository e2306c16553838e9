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

SCHEMA: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The content of a JSON report.

    Attributes:
        tests: Entries of the tests.
        session: Facts about the session.
        others: Outcomes of the marked tests without an entry; see `write_json`.
    """

    tests: tuple[Entry, ...]
    session: SessionFacts
    others: dict[str, str] = field(default_factory=dict)

    @property
    def lost(self) -> dict[str, str]:
        """The tests that were collected and should have a result but have none, and
        why.
        """
        return {it: WHY_LOST[why] for it, why in self.others.items() if why in WHY_LOST}


def write_json(
    path: Path,
    tests: Iterable[Entry],
    others: Mapping[str, str] | None = None,
    session: SessionFacts | None = None,
) -> None:
    """Write the report completely or not at all.

    Args:
        path: Path of the file; missing folders are made.
        tests: One entry per test; they are sorted by node id, so that the report does
            not depend on the order in which workers reported them.
        others: Outcomes of the marked tests without an entry, by node id: ``"passed"``,
            ``"skipped"``, ``"failed"`` before anything trained, ``"not_run"``,
            ``"left_out"`` by ``--lossguard-time``, or ``"elsewhere"`` if another part
            of the session runs them.
        session: Facts about the session; default: only the versions and the current
            machine.
    """
    write_whole(path, report_text(tests, session or SessionFacts(), others))


def report_text(
    tests: Iterable[Entry],
    session: SessionFacts,
    others: Mapping[str, str] | None = None,
) -> str:
    """Return the report as JSON text.

    Args:
        tests: As for `write_json`.
        session: Source of the keys ``session``, ``version`` and ``environment``.
        others: As for `write_json`; if empty, the report has no such key.
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
