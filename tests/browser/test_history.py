"""The page of figures over commits in a headless Chromium: accessible, quiet, as wide
as the window.
"""

from __future__ import annotations

import pytest

from pytest_lossguard.command_line import main
from pytest_lossguard.report.json_report import write_json
from pytest_lossguard.report.session_facts import Commit, SessionFacts
from tests.browser.conftest import DESKTOP, PHONE
from tests.support.accessibility import serious_violations
from tests.support.entries import entry, found, run


def one_day(day):
    """The tests of a report: one gets better, another fails every fifth day."""
    good = run(probe={"before": 2.0, "after": 1.0 / day})
    bad = run((2.0, 9.0), findings=[found()], probe={"before": 2.0, "after": 9.0})
    tests = [entry("test_better", good)]
    tests += [entry(f"test_{'deep_' * 20}b", bad if day % 5 else good)]
    return [{**it, "duration": float(day)} for it in tests]


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    for day in range(1, 29):
        commit = Commit(id=f"{day:02}" * 20, date=f"2026-01-{day:02}T00:00:00+00:00")
        path = folder / "reports" / f"{day}.json"
        write_json(path, one_day(day), None, SessionFacts(commit=commit))
    page = folder / "history.html"
    assert main(["history", str(folder / "reports"), "-o", str(page)]) == 0
    return page


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"]
)
def test_it_is_accessible_quiet_and_as_wide_as_the_window(
    browser, history, size, scheme
):
    width, height = size
    viewport = {"width": width, "height": height}
    page = browser.new_page(viewport=viewport, color_scheme=scheme)
    complaints = []
    page.on("console", lambda it: complaints.append(it.text))
    page.on("pageerror", lambda it: complaints.append(str(it)))

    page.goto(history.as_uri())
    complaints += serious_violations(page)
    overflows = page.evaluate("document.scrollingElement.scrollWidth > innerWidth")
    page.close()

    assert complaints == []
    assert not overflows
