"""Nothing of ours ends a session, hides the user's error or loses another's report."""

from __future__ import annotations

import json
import os
import stat
from xml.etree import ElementTree

import pytest

# Loaded once, so that what is patched is what the inner session calls.
import pytest_lossguard.report.github
import pytest_lossguard.report.html
import pytest_lossguard.report.json_report
import pytest_lossguard.report.junit
import pytest_lossguard.report.snippet
import pytest_lossguard.report.tensorboard
import pytest_lossguard.report.terminal  # noqa: F401
from tests.support.hostile import WHOLE
from tests.support.systems import posix

#: A test that reports what it is given, without any training.
HANDS_ON = """
import pytest

WHOLE = {whole!r}

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "teardown":
        report.lossguard = {{"seconds": 1.0, **WHOLE}}
        if "half" in item.name:
            report.lossguard = {{"runs": 3, "seconds": "x"}}
        if "raises" in item.name:
            report.lossguard = {{"runs": [], "search": None, "baseline": None}}
    return report
"""
THREE = """
def test_first():
    pass

def test_half():
    pass

def test_raises():
    raise ValueError("half a pair: \\ud800, \\x1b[2J and a null \\x00")
"""
REPORTS = (
    *("--lossguard-json=r.json", "--lossguard-html=r.html", "--junitxml=j.xml"),
    "--lossguard-tensorboard=events",
)


@pytest.fixture
def handed_on(pytester):
    whole = {key: WHOLE[key] for key in ("runs", "search", "baseline")}
    pytester.makeconftest(HANDS_ON.format(whole=whole))


def test_a_text_that_cannot_be_encoded_loses_no_report(
    project, pytester, handed_on, monkeypatch
):
    path = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))

    result = project(THREE, *REPORTS, "--html=other.html")

    result.assert_outcomes(passed=2, failed=1)
    text = {
        it["nodeid"]
        for it in json.loads((pytester.path / "r.json").read_text())["tests"]
    }
    assert len(text) == 3
    assert r"\ud800" in (pytester.path / "r.html").read_text(encoding="utf-8")
    assert r"\ud800" in path.read_text(encoding="utf-8").replace("&#92;", "\\")
    assert list(ElementTree.parse(pytester.path / "j.xml").iter("testcase"))
    assert (pytester.path / "events").is_dir()
    result.stdout.fnmatch_lines(
        ["lossguard: test_it.py::test_half has no time: ValueError: *"]
    )


@pytest.mark.parametrize(
    "broken",
    [
        "pytest_lossguard.report.json_report.write_json",
        "pytest_lossguard.report.html.write_html",
        "pytest_lossguard.report.tensorboard.write_events",
        "pytest_lossguard.report.github.summary",
        "pytest_lossguard.report.github.commands",
        "pytest_lossguard.report.snippet.snippet",
        "pytest_lossguard.report.terminal.table",
    ],
)
def test_no_writer_fails_another(project, pytester, handed_on, monkeypatch, broken):
    def fails(*_, **__):
        raise RecursionError("deep\x1b[2J")

    monkeypatch.setattr(broken, fails)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))

    result = project(THREE, *REPORTS, "--html=other.html", "-v")

    result.assert_outcomes(passed=2, failed=1)
    name = broken.rpartition(".")[2]
    made = {
        "write_json": "r.json",
        "write_html": "r.html",
        "write_events": "events",
        "summary": "summary.md",
    }
    for writer, path in made.items():
        assert (pytester.path / path).exists() == (writer != name)
    result.stdout.fnmatch_lines([r"lossguard: *: RecursionError: deep\x1b[[]2J"])
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize(
    "broken",
    [
        "pytest_lossguard.core.verdict.Verdict.to_json",
        "pytest_lossguard.session.guard.Guard.nearness",
        "pytest_lossguard.report.junit.properties",
        "pytest_lossguard.report.html.details_of",
    ],
)
def test_what_cannot_be_handed_on_hides_no_error_of_the_user(
    project, pytester, monkeypatch, broken
):
    def fails(*_):
        raise IndexError("no rows")

    monkeypatch.setattr(broken, fails)

    result = project(
        """
@pytest.mark.converges(diagnose=False)
def test_own_error(lossguard):
    lossguard.fit(build, *load(), steps=2)
    raise KeyError("mine")

def test_later():
    pass
""",
        *REPORTS,
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*KeyError: 'mine'",
            "lossguard: test_it.py::test_own_error cannot be *no rows",
        ]
    )
    (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
    assert test["error"] == "KeyError: 'mine'"
    assert (pytester.path / "r.html").exists()


def test_a_session_without_a_terminal_ends_and_reports(project, pytester, capfd):
    result = project(
        """
@pytest.mark.converges
def test_nothing():
    open("taken", "w").close()

@pytest.mark.converges(diagnose=False)
def test_bad(lossguard):
    lossguard.fit(lambda: build(rate=100.0), *load(), steps=3)
""",
        *(
            "-p",
            "no:terminal",
            "--lossguard-json=r.json",
            "--lossguard-html=taken/x",
        ),
    )

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(json.loads((pytester.path / "r.json").read_text())["tests"]) == 2
    assert "taken/x could not be written: " in result.stderr.str()


@posix
def test_reports_go_through_links_and_devices(project, pytester, handed_on):
    target, link = pytester.path / "target.json", pytester.path / "link.json"
    link.symlink_to(target)

    project("def test_a():\n    pass\n", "--lossguard-json=link.json")
    result = project("def test_a():\n    pass\n", "--lossguard-json=/dev/null")

    result.assert_outcomes(passed=1)
    assert link.is_symlink()
    assert json.loads(target.read_text())["tests"]
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[" * 100_000, "it is nested too deeply"),
        ('{"schema": 1, "nodeid": "a", "corruption": [], "seed": Infinity}', "seed"),
        (
            '{"schema": 99, "nodeid": "a", "corruption": [], "seed": 0}',
            "its schema is 99",
        ),
        (
            '{"schema": "\\u001b[2J\\n::error::x", "nodeid": "a"}',
            r"its schema is '\\x1b[[]2J\\n",
        ),
    ],
)
def test_a_stranger_s_replay_file_is_one_line_and_no_traceback(
    project, pytester, content, text
):
    (pytester.path / "case.json").write_text(content)

    result = project("def test_a():\n    pass\n", "--lossguard-replay=case.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [f"ERROR: --lossguard-replay=*case.json is not *{text}*"]
    )
    assert "\x1b" not in result.stderr.str()


def test_a_case_of_a_test_that_is_not_there_is_reported_in_one_safe_line(
    project, pytester
):
    case = {"schema": 1, "nodeid": "\x1b[2J\n::error::x", "corruption": [], "seed": 0}
    (pytester.path / "case.json").write_text(json.dumps(case))

    result = project("def test_a():\n    pass\n", "--lossguard-replay=case.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "\x1b" not in result.stderr.str()
    assert not any(it.startswith("::error") for it in result.stderr.lines)
    result.stderr.fnmatch_lines([r"*holds a case of \x1b[[]2J\n::error::x, which*"])


@posix
def test_a_replay_file_that_is_a_pipe_is_refused_at_once(project, pytester):
    os.mkfifo(pytester.path / "case.json")

    result = project("def test_a():\n    pass\n", "--lossguard-replay=case.json")

    result.stderr.fnmatch_lines(["ERROR: *case.json cannot be read: it is not a reg*"])


# What a failure says in short

SAID = """
@pytest.mark.converges
def test_nothing():
    pass

@pytest.mark.converges(diagnose=False)
def test_bad(lossguard):
    lossguard.fit(lambda: build(rate=100.0), *load(), steps=20)

@pytest.mark.converges(baseline=True, diagnose=False)
def test_baseline(lossguard):
    lossguard.fit(build, *load(), steps=300)

def test_refused(lossguard):
    lossguard.fit(build, *load(), steps=0)
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_summaries_have_the_first_line_of_an_error_and_its_place(
    project, pytester, monkeypatch, workers
):
    monkeypatch.setenv("CI", "1")
    path = pytester.path / "__lossguard__" / "test_it.test_baseline.json"
    path.parent.mkdir()
    path.write_text("<<<<<<< HEAD\n")

    result = project(SAID, "--junitxml=j.xml", "--lossguard-json=r.json", *workers)

    result.assert_outcomes(failed=4)
    short = [it for it in result.stdout.lines if it.startswith("FAILED ")]
    assert len(short) == 4
    for line, said in (
        ("test_nothing", "NothingTrained: the test is marked converges"),
        ("test_bad", "NotConverged: loss blew up to"),
        ("test_baseline", "UsageError: the baseline "),
        ("test_refused", "UsageError: steps=0: steps must be a whole number"),
    ):
        assert any(f"::{line} - {said}" in it for it in short)
    at = result.stdout.lines.index(short[0])
    assert not any("  loss  " in it for it in result.stdout.lines[at:])
    result.stdout.fnmatch_lines(["test_it.py:5: NothingTrained"])
    result.stdout.fnmatch_lines(["test_it.py:13: UsageError"])
    result.stdout.fnmatch_lines([">*lossguard.fit(build, *load(), steps=0)"])
    assert "read_baseline" not in result.stdout.str()
    failures = list(ElementTree.parse(pytester.path / "j.xml").iter("failure"))
    assert len(failures) == 4
    assert all(len(it.get("message").splitlines()) == 1 for it in failures)
    errors = [
        it["error"]
        for it in json.loads((pytester.path / "r.json").read_text())["tests"]
    ]
    assert any("\n  loss  " in it for it in errors)
