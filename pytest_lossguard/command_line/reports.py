"""JSON reports: read, made one, written again."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from ..core.errors import UsageError
from ..core.files import write_whole
from ..core.given import shown
from ..core.printable import printable
from ..core.states import STATES
from ..report.comparison import Comparison
from ..report.entry import Entry
from ..report.json_report import SCHEMA, Report, report_text
from ..report.session_facts import SessionFacts, merged_facts
from ..report.sound import sound

__all__ = [
    "merged",
    "read_report",
    "read_reports",
    "write_comparison",
    "write_history",
    "write_page",
    "write_report",
    "writing",
]


def read_report(path: Path) -> Report:
    """Read what ``--lossguard-json`` has written, of this version or an older one.

    Raises:
        UsageError: There is no such file, or it is something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        found = None
    tests = found.get("tests") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(tests, list):
        raise UsageError(f"{path} is no report of pytest --lossguard-json=PATH")
    if found.get("schema") != SCHEMA:
        raise UsageError(
            f"{path} has schema {shown(found.get('schema'))}, and this version reads"
            f" schema {SCHEMA}: install the version that wrote it, or a newer one"
        )
    return Report(
        tests=tuple(map(sound, tests)),
        session=SessionFacts.from_report(found),
        others=_others(found.get("without_entry")),
    )


def _others(given: Any) -> dict[str, str]:
    known = given.items() if isinstance(given, dict) else ()
    return {printable(it): why for it, why in known if why in STATES}


def merged(reports: Sequence[Report]) -> tuple[Report, list[str]]:
    """One report of several, and the tests that stand in more than one of them.

    Of a test that does, the last entry counts. Of what the sessions
    do not agree on see `merged_facts`.
    """
    tests: dict[str, Entry] = {}
    replaced: list[str] = []
    for report in reports:
        for test in report.tests:
            if test["nodeid"] in tests:
                replaced.append(test["nodeid"])
            tests[test["nodeid"]] = test
    whole = Report(
        tests=tuple(tests.values()),
        session=merged_facts([it.session for it in reports]),
        others=_without_entry(reports, tests),
    )
    return whole, replaced


def _without_entry(reports: Sequence[Report], tests: Container[str]) -> dict[str, str]:
    """What came of the tests that none of the reports has an entry for."""
    found: dict[str, str] = {}
    for report in reports:
        for nodeid, why in report.others.items():
            if nodeid not in tests:
                known = found.get(nodeid, why)
                found[nodeid] = min(known, why, key=STATES.index)
    return found


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence what keeps a file from being written.

    Raises:
        UsageError: It cannot be written there.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{path} cannot be written: {reason}") from None


def write_report(path: Path, report: Report) -> None:
    """Write it as ``--lossguard-json`` does.

    Raises:
        UsageError: It cannot be written there.
    """
    with writing(path):
        write_whole(path, report_text(report.tests, report.session, report.others))


def write_page(path: Path, report: Report) -> None:
    """Write it as a page.

    Raises:
        UsageError: It cannot be written there, or what a page needs is not installed.
    """
    _need_jinja()
    from ..report.html import details_of_entry, write_html

    tests = [
        cast("Entry", {**test, "details": [*map(details_of_entry, test["runs"])]})
        for test in report.tests
    ]
    seeds = [run["seed"] for test in report.tests for run in test["runs"]]
    session = report.session
    if session.seed is None:
        session = replace(session, seed=next((it for it in seeds if it is not None), 0))
    with writing(path):
        write_html(path, tests, session, report.others)


def write_comparison(path: Path, found: Comparison, base: Report, new: Report) -> None:
    """Write a comparison as a page.

    Args:
        path: Where.
        found: What differs between the two.
        base: The older report.
        new: The newer one.

    Raises:
        UsageError: It cannot be written there, or what a page needs is not installed.
    """
    _need_jinja()
    from ..report import html

    with writing(path):
        html.write_comparison(path, found, base, new)


def read_reports(folder: Path) -> list[Report]:
    """The reports in a folder, by when their commit was made, else when they began,
    else by the names of their files.

    Raises:
        UsageError: It holds no JSON file, or one that is something else.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UsageError(
            f"{folder} has no report: give a folder of files that"
            " pytest --lossguard-json=PATH wrote"
        )
    return sorted(map(read_report, paths), key=lambda it: _moment(it.session))


def _moment(session: SessionFacts) -> datetime:
    if session.moment is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromisoformat(session.moment)


def write_history(path: Path, reports: Sequence[Report]) -> None:
    """Write the figures of each test over reports as a page.

    Args:
        path: Where.
        reports: The oldest first.

    Raises:
        UsageError: It cannot be written there, or what a page needs is not installed.
    """
    _need_jinja()
    from ..report import html

    with writing(path):
        html.write_history(path, [(it.session, it.tests, it.others) for it in reports])


def _need_jinja() -> None:
    if find_spec("jinja2") is None:
        raise UsageError(
            "a page needs jinja2, not installed here: pip install"
            " 'pytest-lossguard[html]'"
        )
