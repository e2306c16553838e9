"""The project's own defaults, and what each marked test is held to."""

from __future__ import annotations

import pytest

TESTS = """
import pytest

def test_unmarked():
    pass

@pytest.mark.converges
def test_plain():
    raise AssertionError("no test is run")

@pytest.mark.converges(epochs=3, min_drop=0.5)
class TestClass:
    @pytest.mark.converges(min_drop=0.9, allow="noisy_loss")
    def test_near(self):
        pass
"""


@pytest.fixture
def shown(pytester):
    """The lines of ``--lossguard-show-policy``, one text a test."""

    def run(*settings, tests=TESTS, options=()):
        lines = "\n    ".join(settings)
        pytester.makeini(f"[pytest]\nlossguard_policy =\n    {lines}\n")
        pytester.makepyfile(test_it=tests)
        result = pytester.runpytest_inprocess("--lossguard-show-policy", *options)
        text = "\n".join(it.rstrip() for it in result.outlines)
        return result, {it.split("\n")[0]: it for it in text.split("\n\n")}

    return run


def test_the_closest_wins_key_by_key_and_the_project_comes_last(shown):
    result, output = shown("steps = 60", "min_drop = 0.2", "strict = true")

    assert result.ret == 0
    plain, near = (
        [" ".join(line.split()) for line in output[f"test_it.py::{name}"].splitlines()]
        for name in ("test_plain", "TestClass::test_near")
    )
    assert plain[1:4] == [
        "steps 60 lossguard_policy in tox.ini",
        "min_drop 0.2 lossguard_policy in tox.ini",
        "strict True lossguard_policy in tox.ini",
    ]
    assert near[1:5] == [
        "min_drop 0.9 mark on test_near",
        "allow ('noisy_loss',) mark on test_near",
        "epochs 3 mark on TestClass",
        "strict True lossguard_policy in tox.ini",
    ]
    assert near[5].startswith("by default: max_loss_growth 10.0, min_pass 1.0")


def test_no_test_is_run_and_the_marked_ones_are_counted(shown):
    result, _ = shown("steps = 60")

    result.stdout.fnmatch_lines(["lossguard: 2 of 3 tests are marked converges"])
    result.assert_outcomes()


def test_a_hook_and_an_option_are_named(shown, pytester):
    pytester.makeconftest(
        """
from dataclasses import replace

def pytest_lossguard_policy(item, policy):
    return replace(policy, max_loss=0.5)
"""
    )
    _, output = shown("steps = 60", options=("--lossguard-no-diagnose",))

    plain = " ".join(output["test_it.py::test_plain"].split())
    assert "max_loss 0.5 pytest_lossguard_policy" in plain
    assert "diagnose False --lossguard-no-diagnose" in plain


def test_a_search_takes_its_examples_from_the_project_and_has_no_baseline(shown):
    tests = """
import pytest

@pytest.mark.converges
def test_search(corruption):
    pass
"""
    _, output = shown("max_examples = 7", "baseline = true", tests=tests)

    search = " ".join(output["test_it.py::test_search"].split())
    assert "max_examples 7 lossguard_policy in tox.ini" in search
    assert "baseline False" in search


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (("stepz = 3",), "*lossguard_policy() has no key 'stepz': did you mean*"),
        (("steps = many",), "*has the line 'steps = many': write one key = value*"),
        (("strict",), "*has the line 'strict': write one key = value per line*"),
        (("steps = 0",), "*lossguard_policy(steps=0): steps must be a whole number*"),
        (("steps = 3", "steps = 4"), "*names steps twice*"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_test(shown, lines, sentence):
    result, _ = shown(*lines)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([sentence])
