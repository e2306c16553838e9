"""Facts about a session, taken once and written to every report."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..core.environment import environment, version_of
from ..core.printable import printable, printables
from .sound import whole

#: Time limit for git in seconds.
_PATIENCE = 5.0
#: Environment variables with the commit in GitHub, GitLab and Jenkins, used if git
#: gives no answer.
_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit that was tested.

    Attributes:
        id: The full hash.
        date: Date of the commit in ISO 8601; None if only the CI named the commit.
    """

    id: str
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """Facts about a session; None for those that are unknown.

    Attributes:
        seed: The base seed of the tests.
        started: Start of the session in ISO 8601, UTC.
        duration: Duration in seconds.
        commit: The commit that was tested.
        command: The command as typed: ``"pytest tests -n 2"``.
        version: Version of pytest-lossguard.
        environment: Other versions, and the machine.
    """

    seed: int | None = None
    started: str | None = None
    duration: float | None = None
    commit: Commit | None = None
    command: str | None = None
    version: str | None = field(
        default_factory=lambda: version_of(["pytest-lossguard"])
    )
    environment: Mapping[str, Any] = field(default_factory=environment)

    @property
    def moment(self) -> str | None:
        """Date of the commit in ISO 8601, else the start of the session."""
        made = None if self.commit is None else self.commit.date
        return made or self.started

    def untimed(self) -> SessionFacts:
        """Return the facts without those that differ from run to run."""
        return replace(self, started=None, duration=None, command=None)

    def to_json(self) -> dict[str, Any]:
        """Return the known facts in the shape of ``session`` in the JSON report."""
        commit = self.commit
        known = {
            "seed": self.seed,
            "started": self.started,
            "duration": self.duration,
            "commit": None if commit is None else commit.id,
            "commit_date": None if commit is None else commit.date,
            "command": self.command,
        }
        return {key: it for key, it in known.items() if it is not None}

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> SessionFacts:
        """Read the facts of a JSON report of any version; missing ones are unknown."""
        found, machine = report.get("session"), report.get("environment")
        given = found if isinstance(found, dict) else {}
        commit, date = _line(given.get("commit")), _date(given.get("commit_date"))
        return cls(
            seed=whole(given.get("seed")),
            started=_date(given.get("started")),
            duration=_seconds(given.get("duration")),
            commit=None if commit is None else Commit(id=commit, date=date),
            command=_line(given.get("command")),
            version=_line(report.get("version")),
            environment=printables(machine) if isinstance(machine, dict) else {},
        )


def merged_facts(several: Sequence[SessionFacts]) -> SessionFacts:
    """Merge the facts of the parts of one session, such as shards.

    Machine and version are those of the first part. The start is the earliest and the
    end the latest of all parts. Other facts are unknown if the parts differ in them.
    """
    if not several:
        return SessionFacts()
    first = several[0]

    def agreed(name: str) -> Any:
        values = [getattr(it, name) for it in several]
        return values[0] if all(it == values[0] for it in values) else None

    spans = [_span(it) for it in several]
    known = [it for it in spans if it is not None]
    whole = len(known) == len(several)
    began = min((it[0] for it in known), default=0.0)
    ended = max((it[1] for it in known), default=0.0)
    start = datetime.fromtimestamp(began, UTC) if whole else None
    return SessionFacts(
        seed=agreed("seed"),
        started=None if start is None else start.isoformat(timespec="seconds"),
        duration=round(ended - began, 3) if whole else None,
        commit=agreed("commit"),
        command=agreed("command"),
        version=first.version,
        environment=first.environment,
    )


def commit_of(folder: Path) -> Commit | None:
    """Return the commit that is checked out, from git, else from the variables of the
    CI.
    """
    command = ["git", "-C", str(folder), "log", "-1", "--format=%H %cI"]
    try:
        asked = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        asked = None
    parts = asked.stdout.split() if asked is not None else []
    if len(parts) == 2:
        return Commit(id=parts[0], date=parts[1])
    named = next(filter(None, map(os.environ.get, _VARIABLES)), None)
    return None if named is None else Commit(id=printable(named))


def _span(facts: SessionFacts) -> tuple[float, float] | None:
    """Start and end of a session in seconds since 1970; None if unknown."""
    if facts.started is None or facts.duration is None:
        return None
    began = datetime.fromisoformat(facts.started).timestamp()
    return began, began + facts.duration


def _seconds(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    return float(given) if 0 <= given < 1e9 else None


def _line(given: Any) -> str | None:
    return " ".join(printable(given).split()) if isinstance(given, str) else None


def _date(given: Any) -> str | None:
    """Return a moment with a time zone in ISO 8601; None for anything else."""
    try:
        moment = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return None
    is_known = moment.tzinfo is not None and 1970 < moment.year < 9999
    return moment.isoformat() if is_known else None
