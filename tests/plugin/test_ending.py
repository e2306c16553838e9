"""Whatever ends a test or the session, what had been judged is reported."""

from __future__ import annotations

import json
import signal

import pytest

ENDS = """
import os
import signal
import sys

def time_out():
    # As pytest-timeout does, which cannot be told to wait until the training is over.
    if not hasattr(signal, "SIGALRM"):  # on Windows
        pytest.fail("Timeout")
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("Timeout"))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        pass

@pytest.mark.converges(diagnose=False)
@pytest.mark.parametrize("how", [
    lambda: pytest.fail("no"),
    lambda: pytest.skip("no"),
    lambda: pytest.xfail("no"),
    lambda: sys.exit("no"),
    time_out,
], ids=["fail", "skip", "xfail", "exit", "timeout"])
def test_body(lossguard, how):
    lossguard.fit(build, *load(), steps=40)
    train()
    how()

@pytest.mark.converges(diagnose=False)
def test_bad():
    train(rate=100.0)
    pytest.fail("own")

@pytest.mark.converges(max_examples=3, diagnose=False, steps=40)
@pytest.mark.corruptions(features=1)
def test_search(lossguard, corruption):
    lossguard.fit(build, *load())
    pytest.skip("no")
"""


@pytest.fixture
def runs(project, pytester):
    """Run, and read what the JSON report holds of each test."""

    def run(body, *options):
        result = project(body, "--lossguard-json=r.json", *options)
        found = json.loads((pytester.path / "r.json").read_text())["tests"]
        return result, {it["nodeid"].partition("::")[2]: it for it in found}

    return run


def test_what_ends_a_test_loses_no_training(runs):
    result, tests = runs(ENDS)

    result.assert_outcomes(failed=4, skipped=2, xfailed=1)
    sources = {
        name: [it["source"] for it in test["runs"]] for name, test in tests.items()
    }
    ways = ("fail", "skip", "xfail", "exit", "timeout")
    assert sources == {
        **{f"test_body[{it}]": ["fit", "watch"] for it in ways},
        "test_bad": ["watch"],
        "test_search": ["fit"],
    }
    assert tests["test_bad"]["runs"][0]["verdict"] == "not_converged"
    result.stdout.fnmatch_lines(["*Captured lossguard call*", "loss blew up to *"])


INTERRUPTED = """
import signal

@pytest.mark.converges(diagnose=False)
def test_before():
    train()

@pytest.mark.converges(diagnose=False)
def test_ended():
    train()
    {how}
    pytest.fail("went on")

def test_after():
    pass
"""


@pytest.mark.parametrize(
    "how", ["signal.raise_signal(signal.SIGTERM)", "pytest.exit('enough')"]
)
def test_what_ends_a_session_loses_no_training(runs, how):
    result, tests = runs(INTERRUPTED.format(how=how), "--lossguard-html=r.html")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert {name: len(test["runs"]) for name, test in tests.items()} == {
        "test_before": 1,
        "test_ended": 1,
    }
    assert "the session ended while" in tests["test_ended"]["error"]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_ctrl_c_loses_no_training(project, pytester):
    with pytest.raises(KeyboardInterrupt):
        project(INTERRUPTED.format(how="raise KeyboardInterrupt"), "--lossguard-json=r")

    tests = json.loads((pytester.path / "r").read_text())["tests"]
    assert [len(it["runs"]) for it in tests] == [1, 1]


def test_a_handler_of_somebody_else_is_left_alone(project):
    body = """
import signal

@pytest.fixture(autouse=True, scope="session")
def handled():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGTERM, before)

def test_plain():
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN

@pytest.mark.converges
def test_it(lossguard):
    lossguard.fit(build, *load())
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
"""

    project(body).assert_outcomes(passed=2)
