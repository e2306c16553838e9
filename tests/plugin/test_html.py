"""``--lossguard-html``: from the tests to the page."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest

from tests.plugin.test_options import TWO

SEARCHED = """
@pytest.mark.converges(steps=20, max_examples=8)
@pytest.mark.corruptions(scales=(0.1, 10.0), offsets=False, outliers=False)
def test_searched(lossguard, corruption):
    lossguard.fit(build, *corruption(*load()))

@pytest.mark.converges
def test_empty():
    pass
"""


def figures(path):
    """All figures of a page, by the number of the test and name."""
    script = r'<script type="application/json" id="ft(\d+)">(.*?)</script>'
    return {
        (test, name): figure
        for test, text in re.findall(script, path.read_text())
        for name, figure in json.loads(text).items()
    }


def test_the_page_shows_every_test(project, pytester):
    path = pytester.path / "out" / "page.html"

    result = project(TWO + SEARCHED, "--lossguard-html=out/page.html", diagnosed=True)

    text = path.read_text()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*{path}*"])
    for name in ("test_good", "test_bad", "test_searched", "test_empty"):
        assert f"<b>{name}</b>" in text
    assert "NothingTrained" in text
    assert "Cause" in text
    assert "8 examples" in text
    names = {name for _, name in figures(path)}
    assert {"0-training", "0-gradients", "0-experiments", "search"} <= names


def test_workers_write_what_one_process_writes(project, pytester):
    def written(name, *workers):
        page, report = (pytester.path / f"{name}.{it}" for it in ("html", "json"))
        files = f"--lossguard-html={page}", f"--lossguard-json={report}"
        ran = project(TWO, *files, *workers, diagnosed=True)
        ran.stdout.fnmatch_lines(["lossguard: 2 trainings judged in 2 tests, 1 not*"])
        return figures(page), json.loads(report.read_text())["tests"]

    page, tests = written("one")

    assert written("two", "-n2") == (page, tests)
    assert tests[0]["runs"][0]["diagnosis"]["causes"][0]["verified"] is True


def test_the_ini_file_asks_for_the_page_beside_itself(project, pytester):
    pytester.makeini("[pytest]\nlossguard_html = page.html")

    project(TWO)

    assert (pytester.path / "page.html").exists()


def test_nothing_more_is_handed_on_where_no_page_is_asked_for(project, pytester):
    pytester.makeconftest(
        """
def pytest_runtest_logreport(report):
    assert not hasattr(report, "lossguard_html")
"""
    )

    result = project(TWO)

    result.assert_outcomes(passed=1, failed=1)


def test_a_missing_library_is_reported_before_any_test_runs(project, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "pytest_lossguard.plugin.options.find_spec",
        lambda name: None if name == "jinja2" else found(name),
    )

    result = project(TWO, "--lossguard-html=page.html")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "*--lossguard-html needs jinja2, not installed:"
            " pip install 'pytest-lossguard[[]html[]]'*"
        ]
    )


def test_a_page_that_cannot_be_written_is_reported(project, pytester):
    taken = "\ndef test_in_the_way():\n    open('file', 'w').close()\n"

    result = project(TWO + taken, "--lossguard-html=file/page.html")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*page.html could not be written*"])


def test_a_rerun_that_passes_shows_no_error(project, pytester):
    path = pytester.path / "page.html"
    body = """
tries = []

@pytest.mark.flaky(reruns=1)
@pytest.mark.converges
def test_flaky():
    train()
    tries.append(1)
    assert len(tries) > 1, "only the first time"
"""

    project(body, "--lossguard-html=page.html")

    assert "only the first time" not in path.read_text()
    assert 'class="test failed"' not in path.read_text()


def test_the_fixture_plots_a_run(project):
    result = project(
        """
def test_plot(lossguard):
    run = lossguard.fit(build, *load(), steps=5)
    assert lossguard.plot(run) == run.plot()
    assert [it.name for it in run.plot().data][0] == "loss"
"""
    )

    result.assert_outcomes(passed=1)
