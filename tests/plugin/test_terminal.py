"""What a session says of marked tests: per test, in sum, and while one takes long."""

from __future__ import annotations

import re

import pytest

from pytest_lossguard.baselines import check
from pytest_lossguard.plugin import progress

FOUR = """
@pytest.mark.converges
def test_good():
    train()

@pytest.mark.converges
def test_bad(lossguard):
    lossguard.fit(lambda: build(rate=100.0), *load())

@pytest.mark.converges(seeds=2, min_pass=0.5)
def test_seeds(lossguard):
    lossguard.fit(build, *load())

def test_plain():
    pass
"""

SEARCH = """
@pytest.mark.converges(max_examples=5)
@pytest.mark.corruptions(scales=(0.1, 10.0))
def test_search(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, (x - x.mean(0)) / x.std(0), y)
"""


def section(result):
    """The lines between our heading and our sum."""
    lines = result.stdout.lines
    start = next(at for at, it in enumerate(lines) if "= lossguard =" in it)
    end = next(at for at, it in enumerate(lines) if it.startswith("lossguard: "))
    return lines[start + 1 : end]


@pytest.mark.parametrize("options", [("-v",), ("-v", "-n2"), ("-v", "-p", "no:html")])
def test_each_marked_test_has_a_line_under_v(project, options):
    result = project(FOUR, *options)

    head, bad, good, seeds, *notes = (line.split() for line in section(result))
    assert head == ["verdict", "before", "->", "after", "steps", "of", "limit", "test"]
    assert bad[:3] + bad[-3:] == [
        *("not", "converged", "6.24", "100", "-"),
        "test_it.py::test_bad",
    ]
    assert good[0] == "converged"
    assert good[2:3] + good[4:5] == ["->", "20"]
    assert 0 < float(good[5]) < 1
    assert good[6] in ("constant", "growth", "start")
    assert [it[0] for it in notes if ":" in "".join(it[:4])] == ["before", "of"]
    assert seeds[-4:] == ["test_it.py::test_seeds", "(worst", "of", "2)"]


def test_without_v_there_is_no_line_per_test(project):
    result = project(FOUR)

    result.stdout.no_fnmatch_line("*= lossguard =*")
    result.stdout.fnmatch_lines(
        [
            "lossguard: 4 trainings judged in 3 tests, 1 not converged (* s)",
            "  slowest * s test_it.py::test_*",
            "  closest to failing 0.* of a limit test_it.py::test_*",
        ]
    )


def test_a_quiet_session_has_one_line(project):
    result = project(FOUR, "-q")

    text = [line for line in result.stdout.lines if "lossguard" in line]
    assert any(line.startswith("lossguard: 4 trainings") for line in text)
    result.stdout.no_fnmatch_line("*slowest*")


def test_a_single_test_is_neither_slowest_nor_closest(project):
    result = project(FOUR, "-k", "good")

    result.stdout.no_fnmatch_line("  slowest*")
    result.stdout.no_fnmatch_line("  closest*")


def test_a_report_that_cannot_be_written_is_a_line_and_no_error(project, pytester):
    taken = "\ndef test_good_to_be_in_the_way():\n    open('taken', 'w').close()\n"

    result = project(FOUR + taken, "-k", "good", "--lossguard-json=taken/report.json")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["lossguard: *taken/report.json could not be written: *"]
    )
    result.stdout.no_fnmatch_line("lossguard: report in*")


# While a search runs


@pytest.fixture
def impatient(monkeypatch):
    """Each example is reported, as if it came after a long time."""
    for name in ("PATIENCE", "BETWEEN", "PATIENCE_OF_A_LOG"):
        monkeypatch.setattr(progress, name, 0.0)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def terminal(pytester):
    """A session that believes to be on a terminal."""
    pytester.makeconftest(
        """
def pytest_sessionstart(session):
    plugin = session.config.pluginmanager.getplugin("terminalreporter")
    plugin.isatty = lambda: True
"""
    )


def test_on_a_terminal_a_long_search_rewrites_its_place(project, impatient, terminal):
    result = project(SEARCH)

    (line,) = [it for it in result.stdout.lines if it.startswith("test_it.py ")]
    first, *others = line.split(progress._SAVE)
    assert first == "test_it.py "
    shown = others[0].removeprefix(progress._CLEAR)
    assert re.match(r"  1 examples in \d+ s", shown)  # a busy machine takes longer
    assert len(others) >= 5
    assert others[-1].startswith(f"{progress._CLEAR}{progress._BACK}.")


def test_a_short_search_is_not_reported(project, terminal, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 1e9)

    result = project(SEARCH)

    result.stdout.no_fnmatch_line("*examples in*")
    assert "\x1b" not in result.stdout.str()


def test_a_log_gets_plain_lines_ever_more_rarely(project, impatient, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_OF_A_LOG", 1e-9)

    result = project(SEARCH)

    text = [it for it in result.stdout.lines if it.startswith("lossguard: test_it")]
    assert text[0] == "lossguard: test_it.py::test_search 1 examples in 0 s"
    assert "\x1b" not in result.stdout.str()
    result.stdout.fnmatch_lines(["test_it.py .*"])


def test_in_ci_a_terminal_is_a_log(project, impatient, terminal, monkeypatch):
    monkeypatch.setenv("CI", "true")

    result = project(SEARCH)

    result.stdout.fnmatch_lines(["lossguard: test_it.py::test_search 1 examples*"])
    assert "\x1b" not in result.stdout.str()


BASELINE = """
import keras, numpy as np, pytest

def build():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model

@pytest.mark.converges(steps=20, baseline=True, diagnose=False)
def test_baseline(lossguard):
    x = np.random.default_rng(0).normal(size=(64, 3))
    lossguard.fit(build, x, x @ [[1.0], [2.0], [3.0]])
"""


def test_trainings_of_a_baseline_are_counted_where_it_is_written_and_compared(
    project, impatient, monkeypatch
):
    monkeypatch.setattr(progress, "PATIENCE_OF_A_LOG", 1e-9)
    monkeypatch.setattr(check, "SLOWEST_FOR_MARGINS", 0.0)  # 22 trainings, not 270
    captured_too = "--capture=fd"

    written = project(BASELINE, "--lossguard-update", captured_too)
    compared = project(BASELINE, captured_too)

    written.assert_outcomes(passed=1)
    compared.assert_outcomes(passed=1)
    test = r"lossguard: test_it\.py::test_baseline"
    for result, task in ((written, "writing"), (compared, "comparing with")):
        lines = [it for it in result.stdout.lines if it.startswith("lossguard: test_")]
        counts = [
            int(re.fullmatch(rf"{test} {task} its baseline: (\d+) training.*", it)[1])
            for it in lines
        ]
        assert counts[0] == 1
        assert counts == sorted(set(counts))


@pytest.mark.parametrize("options", [("-q",), ("-n1",)])
def test_quiet_sessions_and_workers_are_silent(project, impatient, terminal, options):
    result = project(SEARCH, *options)

    result.stdout.no_fnmatch_line("*examples in*")
    assert "\x1b[K" not in result.stdout.str()


def test_a_search_that_found_a_failure_says_that_it_shrinks(
    project, impatient, terminal
):
    result = project(
        """
@pytest.mark.converges(max_examples=5, diagnose=False)
@pytest.mark.corruptions(scales=(1, 1e6), offsets=False, outliers=False)
def test_search(lossguard, corruption):
    lossguard.fit(build, *corruption(*load()))
"""
    )

    result.stdout.fnmatch_lines(["*examples in * s, one failed, looking for the*"])


def test_a_case_that_cannot_be_kept_does_not_hide_the_failure(project, pytester):
    (pytester.path / ".lossguard").write_text("in the way")

    result = project(
        """
@pytest.mark.converges(max_examples=5, diagnose=False)
@pytest.mark.corruptions(scales=(1, 1e6), offsets=False, outliers=False)
def test_search(lossguard, corruption):
    lossguard.fit(build, *corruption(*load()))
"""
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*NotConverged: loss ended at *",
            "E*paste: @example(corruption=*",
            "lossguard: no file for --lossguard-replay: *",
        ]
    )
