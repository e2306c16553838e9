"""Collect the results of the tests, and write the reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from ..core.errors import first_line
from ..core.printable import printable
from ..core.systems import quoted, relative, with_slashes
from ..report.writers import WRITERS
from .collected import COLLECTED
from .failures import said_by
from .options import report_path, wants_times
from .state import SESSION

if TYPE_CHECKING:
    from ..report.entry import Entry
    from ..report.session_facts import SessionFacts
    from .state import Test

#: Attribute of a test report with the runs, as builtins, for the controller.
PAYLOAD = "lossguard"
#: Attribute with the details that only the HTML page shows, as builtins.
DETAILS = "lossguard_html"
#: Keys of `PAYLOAD` that go into the entry of a test.
_PARTS = ("runs", "findings", "search", "baseline")
#: Keys of the results of contracts and model checks.
_CHECKED = ("contract", "model_check")
#: Attribute with sentences on results that could not be attached.
TROUBLES = "lossguard_troubles"


@contextmanager
def survived(troubles: list[str], what: str) -> Iterator[None]:
    """Turn an error in a report into a sentence, so that it neither ends the session
    nor affects another report.

    Args:
        troubles: List that the sentence is added to.
        what: What failed, as ``"x.json could not be written"``.
    """
    try:
        yield
    except Exception as error:
        reason = getattr(error, "strerror", None) or (
            f"{type(error).__name__}: {first_line(error)}"
        )
        troubles.append(printable(f"{what}: {reason}"))


def hand_on(item: pytest.Item, report: pytest.TestReport, test: Test) -> None:
    """Attach the results of a test that trained to its last report, as builtins."""
    from ..report.sound import sound

    troubles: list[str] = []
    unsaid = f"{item.nodeid} cannot be reported whole"
    with survived(troubles, unsaid):
        found = _payload(item, test, troubles)
        found |= _parts_of(sound(found))
        vars(report)[PAYLOAD] = found
        with survived(troubles, unsaid):
            put_properties(item, report, found)
    vars(report)[TROUBLES] = troubles


def _payload(item: pytest.Item, test: Test, troubles: list[str]) -> dict[str, Any]:
    """Collect the results of a test. A part that cannot be reported does not affect the
    other parts.
    """
    guard = test.guard
    assert guard is not None
    unsaid = f"{item.nodeid} cannot be reported whole"
    found: dict[str, Any] = {"runs": [], "findings": [], "search": None}
    found |= {"baseline": None, "seconds": test.seconds}
    for run in guard.runs:
        with survived(troubles, unsaid):
            found["runs"].append(
                {
                    **run.verdict.to_json(),
                    "nearness": float(guard.nearness(run)),
                    "nearest": guard.nearest(run),
                }
            )
    with survived(troubles, unsaid):
        found["findings"] = [it.to_json() for it in guard.findings]
    with survived(troubles, unsaid):
        found["search"] = None if test.search is None else test.search.to_json()
    with survived(troubles, unsaid):
        if guard.baseline is not None:
            held = guard.baseline.to_json()
            # relative to the root folder, so that it is the same on every machine
            held["file"] = with_slashes(relative(held["file"], item.config.rootpath))
            found["baseline"] = held
    return found


def _parts_of(entry: Entry) -> dict[str, Any]:
    return {key: it for key, it in entry.items() if key in _PARTS}


def put_properties(
    item: pytest.Item, report: pytest.TestReport, found: dict[str, Any]
) -> None:
    """Set the properties that a JUnit file shows, replacing earlier ones of this
    plugin.
    """
    from ..report.junit import PREFIX, properties

    ours: list[tuple[str, object]] = list(properties(found))
    for kept in (item.user_properties, report.user_properties):
        kept[:] = [it for it in kept if not it[0].startswith(PREFIX)] + ours


class Reporter:
    """Collects the results of the tests in the process that writes reports.

    Attributes:
        tests: Entries of the tests in the JSON report, by node id.
        seconds: Duration of each test, by node id.
        written: Paths of the reports that were written.
        troubles: Sentences on reports that could not be written.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.tests: dict[str, Entry] = {}
        self.seconds: dict[str, float] = {}
        self.written: list[Path] = []
        self.troubles: list[str] = []
        self._config, self._started = config, datetime.now(UTC)
        self._outcomes: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._details: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the results of a test from its reports."""
        if hasattr(report, DETAILS):
            self._details[report.nodeid] = getattr(report, DETAILS)
        if str(report.outcome) == "rerun":  # only the next run counts
            self._outcomes.pop(report.nodeid, None)
            self._said.pop(report.nodeid, None)
            return
        worst = {"failed": 2, "skipped": 1, "passed": 0}
        known = self._outcomes.get(report.nodeid, "passed")
        if worst.get(report.outcome, 0) >= worst[known]:
            self._outcomes[report.nodeid] = report.outcome
        if report.failed:
            self._said.setdefault(report.nodeid, said_by(report))
        self.troubles += getattr(report, TROUBLES, ())
        with survived(self.troubles, f"{report.nodeid} cannot be reported"):
            self._take(report)

    def _take(self, report: pytest.TestReport) -> None:
        """Store the results of a test, and leave a cleaned copy for other plugins."""
        found = vars(report).pop(PAYLOAD, None)
        if found is None:
            return
        from ..report.sound import sound

        file, line, _ = report.location
        entry = sound(
            {
                "nodeid": report.nodeid,
                "file": file,
                "line": None if line is None else line + 1,
                "outcome": self._outcomes[report.nodeid],
                "error": self._said.get(report.nodeid),
                **{key: found.get(key) for key in _PARTS},
                **{key: found.get(key) for key in _CHECKED},
            }
        )
        with survived(self.troubles, f"{report.nodeid} has no time"):
            before = self.seconds.setdefault(entry["nodeid"], 0.0)
            self.seconds[entry["nodeid"]] = before + float(found.get("seconds", 0.0))
            entry["duration"] = round(self.seconds[entry["nodeid"]], 3)
        self.tests[report.nodeid] = entry
        vars(report)[PAYLOAD] = {**found, **_parts_of(entry)}

    @property
    def others(self) -> dict[str, str]:
        """Outcomes of the marked tests without an entry; see `write_json`."""
        states = self._config.stash[COLLECTED].states()
        return {it: states[it] for it in states if it not in self.tests}

    def pytest_sessionfinish(self) -> None:
        """Write the reports that were requested."""
        asked = [(it, report_path(self._config, it)) for it in WRITERS]
        paths = [(writer, path) for writer, path in asked if path is not None]
        if not paths:
            return
        facts, others = self._facts(), self.others
        for writer, path in paths:
            with self._writing(path):
                timed = writer.takes_details or wants_times(self._config)
                entries = self._entries(writer.takes_details, timed)
                writer.write(path, entries, facts if timed else facts.untimed(), others)

    def _facts(self) -> SessionFacts:
        from ..report.session_facts import SessionFacts, commit_of

        lasted = datetime.now(UTC) - self._started
        given = self._config.invocation_params.args
        return SessionFacts(
            seed=self._config.stash[SESSION].seed,
            started=self._started.isoformat(timespec="seconds"),
            duration=round(lasted.total_seconds(), 3),
            commit=commit_of(self._config.rootpath),
            command=printable(" ".join(["pytest", *map(quoted, map(str, given))])),
        )

    def _entries(self, with_details: bool, timed: bool) -> list[Entry]:
        details = self._details if with_details else {}
        times = {} if timed else {"duration": None}
        return [
            cast("Entry", {**test, **details.get(nodeid, {}), **times})
            for nodeid, test in self.tests.items()
        ]

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print the troubles if there is no terminal summary that could show them."""
        if not config.pluginmanager.hasplugin("terminalreporter"):
            for trouble in dict.fromkeys(self.troubles):
                print(f"lossguard: {trouble}", file=sys.stderr)

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        """Turn a failure to write a report into a sentence, so that the session goes
        on.
        """
        with survived(self.troubles, f"{path} could not be written"):
            yield
            self.written.append(path)
