"""Data that each worker adds to a test report for the HTML report."""

from __future__ import annotations

from typing import Any

import pytest

from ..core.printable import printables
from ..report.writers import WRITERS
from .options import report_path
from .report_data import DETAILS, TROUBLES, survived
from .state import Test


def _is_asked(config: pytest.Config) -> bool:
    """Whether a report that shows details was requested."""
    return any(it.takes_details and report_path(config, it) for it in WRITERS)


def hand_on_details(item: pytest.Item, report: pytest.TestReport, test: Test) -> None:
    """Attach the details of a test that trained, if an HTML report was requested."""
    if test.guard is None or not _is_asked(item.config):
        return
    from ..report.html import details_of, shown_first

    runs = test.guard.runs
    found: dict[str, Any] = {"trainings": len(runs), "details": [], "cases": None}
    troubles: list[str] = vars(report).setdefault(TROUBLES, [])
    unsaid = f"{item.nodeid} cannot be shown whole on the page"
    with survived(troubles, unsaid):
        near = [test.guard.nearness(run) for run in runs]
        for it in shown_first([run.verdict for run in runs], near):
            with survived(troubles, unsaid):
                found["details"].append(details_of(it))
    with survived(troubles, unsaid):
        found["cases"] = None if test.search is None else test.search.details()
    vars(report)[DETAILS] = printables(found)
