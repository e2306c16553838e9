"""Read, merge and write JSON reports."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import cast

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


def read_report(path: Path) -> Report:
    """Read a report of ``--lossguard-json``, written by this version or an older one.

    Raises:
        UsageError: The file cannot be read, or is not such a report.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        found = None
    tests = found.get("tests") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(tests, list):
        raise UsageError(f"{path} is not a report of pytest --lossguard-json=PATH")
    if found.get("schema") != SCHEMA:
        raise UsageError(
            f"{path} has schema {shown(found.get('schema'))}, but this version reads"
            f" schema {SCHEMA}: install the version that wrote it, or a newer one"
        )
    others = found.get("without_entry")
    known = others.items() if isinstance(others, dict) else ()
    return Report(
        tests=tuple(map(sound, tests)),
        session=SessionFacts.from_report(found),
        others={printable(it): why for it, why in known if why in STATES},
    )


def merged(reports: Sequence[Report]) -> tuple[Report, list[str]]:
    """Merge several reports.

    If several reports have the same test, the last entry counts. See `merged_facts` for
    facts in which the sessions differ.

    Returns:
        The merged report, and the ids of the tests that several reports have.
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
    """Return the outcomes of the tests that have no entry in any of the reports."""
    found: dict[str, str] = {}
    for report in reports:
        for nodeid, why in report.others.items():
            if nodeid not in tests:
                known = found.get(nodeid, why)
                found[nodeid] = min(known, why, key=STATES.index)
    return found


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error while writing a file into a `UsageError`.

    Raises:
        UsageError: The file cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{path} cannot be written: {reason}") from None


def write_report(path: Path, report: Report) -> None:
    """Write a report as ``--lossguard-json`` does.

    Raises:
        UsageError: The file cannot be written.
    """
    with writing(path):
        write_whole(path, report_text(report.tests, report.session, report.others))


def write_page(path: Path, report: Report) -> None:
    """Write a report as an HTML page.

    Raises:
        UsageError: The file cannot be written, or Jinja2 is not installed.
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


def write_comparison(
    path: Path, comparison: Comparison, base: Report, new: Report
) -> None:
    """Write a comparison as an HTML page.

    Args:
        path: Path of the page.
        comparison: The differences between the two reports.
        base: The older report.
        new: The newer report.

    Raises:
        UsageError: The file cannot be written, or Jinja2 is not installed.
    """
    _need_jinja()
    from ..report import html

    with writing(path):
        html.write_comparison(path, comparison, base, new)


def read_reports(folder: Path) -> list[Report]:
    """Return the reports in a folder, sorted by the date of their commit, else by the
    start of their session. Reports with neither come first, sorted by file name.

    Raises:
        UsageError: The folder has no JSON file, or one that is not a report.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UsageError(
            f"{folder} has no report: give a folder of files that"
            " pytest --lossguard-json=PATH wrote"
        )
    return sorted(map(read_report, paths), key=lambda it: _time_of(it.session))


def _time_of(session: SessionFacts) -> datetime:
    if session.moment is None:
        return datetime.min.replace(tzinfo=UTC)
    return datetime.fromisoformat(session.moment)


def write_history(path: Path, reports: Sequence[Report]) -> None:
    """Write the figures of each test over several reports as an HTML page.

    Args:
        path: Path of the page.
        reports: The reports, oldest first.

    Raises:
        UsageError: The file cannot be written, or Jinja2 is not installed.
    """
    _need_jinja()
    from ..report import html

    with writing(path):
        html.write_history(path, [(it.session, it.tests, it.others) for it in reports])


def _need_jinja() -> None:
    if find_spec("jinja2") is None:
        raise UsageError(
            "a page needs jinja2, which is not installed: pip install"
            " 'pytest-lossguard[html]'"
        )
