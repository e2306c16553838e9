"""Reports that others show: JUnit, GitHub Actions, pytest-html."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

TESTS = """
@pytest.mark.converges(diagnose=False)
def test_good(lossguard):
    lossguard.fit(build, *load(), steps=200)

@pytest.mark.converges(diagnose=False)
@pytest.mark.parametrize("odd", ["<b>|,:%"])
def test_bad(lossguard, odd):
    lossguard.fit(lambda: build(rate=100.0), *load())

@pytest.mark.converges
def test_warned():
    train()

def test_plain():
    pass
"""
#: Where their decorators are, in a file with three lines above.
LINES = {"test_bad": 9, "test_warned": 14}


@pytest.fixture
def github(project, pytester, monkeypatch):
    """An environment as a step of GitHub Actions has it."""
    path = pytester.path / "summary.md"
    path.write_text("of an earlier command\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(pytester.path.parent))
    return path


@dataclass(frozen=True)
class Reported:
    """A session that wrote every report."""

    folder: Path
    lines: list[str]
    summary: str


@pytest.fixture(scope="module")
def kept():
    """What each session said, for all tests that look at it."""
    return {}


@pytest.fixture(params=[(), ("-n2",)], ids=["one process", "workers"])
def reported(request, project, pytester, github, kept):
    """Run once by one process, and once by two workers."""
    if request.param not in kept:
        reports = (
            *("--junitxml=junit.xml", "--html=report.html", "--self-contained-html"),
            "--lossguard-tensorboard=out/runs",
        )
        result = project(TESTS, *reports, *request.param, diagnosed=True)
        kept[request.param] = Reported(
            folder=pytester.path,
            lines=result.stdout.lines,
            summary=github.read_text(encoding="utf-8"),
        )
    return kept[request.param]


def test_junit_gets_a_property_for_each_fact_and_no_wall_of_numbers(reported):
    text = (reported.folder / "junit.xml").read_text()
    cases = ElementTree.fromstring(text).iter("testcase")
    properties = {
        case.get("name").partition("[")[0]: [
            (it.get("name"), it.get("value")) for it in case.iter("property")
        ]
        for case in cases
    }
    bad, good = dict(properties["test_bad"]), dict(properties["test_good"])
    assert len(properties["test_bad"]) == len(bad)
    assert bad["lossguard_verdict"] == "not_converged"
    assert bad["lossguard_findings"].startswith("diverging_loss,")
    assert (good["lossguard_verdict"], good["lossguard_steps"]) == ("converged", "200")
    assert float(good["lossguard_loss_last"]) < float(good["lossguard_loss_first"])
    assert properties["test_plain"] == []
    assert len(text) < 20_000


def test_a_test_that_is_run_again_has_each_property_once(project, pytester):
    pytester.makeini("[pytest]\njunit_family = xunit1")

    project(
        """
@pytest.mark.flaky(reruns=1)
@pytest.mark.converges(diagnose=False)
def test_bad(lossguard):
    lossguard.fit(lambda: build(rate=100.0), *load())
""",
        "--junitxml=junit.xml",
    )

    cases = list(ElementTree.parse(pytester.path / "junit.xml").iter("testcase"))
    names = [it.get("name") for it in cases[-1].iter("property")]
    assert len(names) == len(set(names)) > 5


# GitHub Actions


def test_github_gets_one_table_and_the_lines_of_the_tests(reported):
    text, folder = reported.summary, reported.folder.name
    rows = [line for line in text.splitlines() if line.startswith("| test&#95;it.py")]
    commands = [line for line in reported.lines if line.startswith("::")]
    assert text.startswith("of an earlier command\n### lossguard\n")
    assert text.count("### lossguard") == 1
    assert len(rows) == 3
    assert html.unescape(rows[0]).startswith("| test_it.py::test_bad[<b>|,:%] |")
    assert commands[0].startswith(
        f"::error file={folder}/test_it.py,line={LINES['test_bad']},"
        "title=lossguard%3A not converged::test_it.py::test_bad[<b>|,:%25]%0A"
        "diverging_loss: "
    )
    assert re.match(
        f"::warning file={folder}/test_it.py,line={LINES['test_warned']},", commands[1]
    )
    assert len(commands) == 2


@pytest.mark.parametrize(
    ("name", "value"), [("GITHUB_ACTIONS", ""), ("GITHUB_ACTIONS", "false")]
)
def test_elsewhere_nothing_is_written_for_github(
    project, github, monkeypatch, name, value
):
    monkeypatch.setenv(name, value)

    result = project(TESTS, "-k", "bad")

    assert github.read_text() == "of an earlier command\n"
    result.stdout.no_fnmatch_line("::*")


def test_an_unmarked_suite_leaves_the_step_summary_alone(project, github):
    result = project("def test_plain():\n    pass\n")

    assert github.read_text() == "of an earlier command\n"
    result.stdout.no_fnmatch_line("::*")


def test_a_step_summary_that_cannot_be_written_is_a_line(
    project, github, pytester, monkeypatch
):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path))

    result = project(TESTS, "-k", "good")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["lossguard: * could not be written: Is a directory"])


# pytest-html


def test_pytest_html_shows_curve_and_findings(reported):
    page = (reported.folder / "report.html").read_text(encoding="utf-8")
    blob = re.search('data-jsonblob="([^"]*)"', page).group(1)
    tests = json.loads(html.unescape(blob))["tests"]
    shown = {
        name.rpartition("::")[2].partition("[")[0]: [
            extra["content"] for report in reports for extra in report["extras"]
        ]
        for name, reports in tests.items()
    }
    (bad,) = [it for it in shown["test_bad"] if 'class="lossguard"' in it]
    (good,) = [it for it in shown["test_good"] if 'class="lossguard"' in it]
    assert "<td>diverging_loss</td>" in bad
    assert "lossguard: converged, loss before training -&gt; after: 6.24 -&gt; " in good
    assert "<svg" in good
    assert not any("lossguard" in it for it in shown["test_plain"])


def test_without_its_option_pytest_html_is_left_alone(project):
    result = project(TESTS, "-k", "good")

    assert result.ret == pytest.ExitCode.OK


# TensorBoard


def test_tensorboard_reads_every_training(reported):
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    runs = reported.folder / "out" / "runs"
    every = EventMultiplexer().AddRunsFromDirectory(str(runs))
    every.Reload()
    steps = {name: len(every.Scalars(name, "loss")) for name in every.Runs()}
    assert sorted(steps.values()) == [20, 100, 200]
    assert all(name.startswith("test_it.py-test_") for name in steps)


def test_tensorboard_without_its_package_is_refused(project, monkeypatch):
    monkeypatch.setattr("pytest_lossguard.plugin.options.find_spec", lambda _: None)

    result = project(TESTS, "--lossguard-tensorboard=runs")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pip install 'pytest-lossguard?tensorboard?'*"])


def test_a_file_where_the_runs_should_go_is_refused(project, pytester):
    pytester.makeini("[pytest]\nlossguard_tensorboard = project.py")

    result = project(TESTS)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*project.py is a file: name a folder"])
