"""Hooks for others: the policy of a test, custom checks, runs that finished."""

from __future__ import annotations

import json

import pytest

from tests.support.docs import blocks

BODY = """
@pytest.mark.converges(diagnose=False)
def test_one(lossguard):
    lossguard.fit(build, *load())
"""
CHECK = """
import pytest_lossguard

def at_most_50_steps(trace, policy):
    if len(trace.steps) > 50:
        yield pytest_lossguard.finding(
            "mine:too_long", "it took {} steps, limit 50".format(len(trace.steps)),
            severity="SEVERITY", value=len(trace.steps), limit=50, hint="Be quick.",
        )

def pytest_lossguard_checks(item):
    return [at_most_50_steps]
"""
ERROR, WARNING = (CHECK.replace("SEVERITY", it) for it in ("error", "warning"))


# The policy


def test_a_policy_can_be_changed(project, pytester):
    pytester.makeconftest(
        """
import dataclasses

def pytest_lossguard_policy(item, policy):
    if item.name == "test_one":
        return dataclasses.replace(policy, max_loss=1e-9)
"""
    )

    result = project(BODY + BODY.replace("test_one", "test_two"))

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_one - NotConverged:*"])


@pytest.mark.parametrize(
    ("returned", "output"),
    [
        ("{'strict': True}", "*returned {'strict': True}: it must return a Policy*"),
        ("__import__('dataclasses').replace(policy, steps=0)", "*steps must be a*"),
        (
            "__import__('dataclasses').replace(policy, max_examples=3)",
            "*cannot change max_examples*--lossguard-max-examples*",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_an_error_of_collection(
    project, pytester, returned, output
):
    pytester.makeconftest(
        f"def pytest_lossguard_policy(item, policy):\n    return {returned}\n"
    )

    result = project(BODY)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([output])


def test_an_unmarked_test_has_no_policy_to_change(project, pytester):
    pytester.makeconftest("def pytest_lossguard_policy(item, policy):\n    1 / 0\n")

    project("def test_plain():\n    pass\n").assert_outcomes(passed=1)


# Custom checks


def test_a_check_fails_a_training_and_is_reported_as_others_are(project, pytester):
    pytester.makeconftest(ERROR)

    result = project(BODY, "--lossguard-json=r.json")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*NotConverged: it took 100 steps, limit 50",
            "E * error   mine:too_long: it took 100 steps, limit 50",
            "E       hint: Be quick.",
        ]
    )
    (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
    assert test["runs"][0]["findings"][0]["kind"] == "mine:too_long"


def test_what_is_watched_is_checked_too(project, pytester):
    pytester.makeconftest(ERROR)

    result = project(
        "@pytest.mark.converges(diagnose=False)\ndef test_it():\n    train(epochs=13)\n"
    )

    result.stdout.fnmatch_lines(["E*NotConverged: it took 52 steps, limit 50"])


@pytest.mark.parametrize(
    ("conftest", "policy", "passed"),
    [
        (WARNING, "", True),
        (WARNING, "strict=True", False),
        (ERROR, "allow='mine:too_long'", True),
        (ERROR, "steps=50", True),
        (ERROR, "seeds=2", False),
    ],
)
def test_policies_hold_for_checks(project, pytester, conftest, policy, passed):
    pytester.makeconftest(conftest)

    result = project(BODY.replace("diagnose=False", f"diagnose=False, {policy}"))

    result.assert_outcomes(passed=passed, failed=not passed)


def test_a_search_finds_what_a_check_does_not_like(project, pytester):
    pytester.makeconftest(
        """
import pytest_lossguard

def small(trace, policy):
    high = max(stats.high.max() for stats in trace.inputs)
    if high > 50:
        yield pytest_lossguard.finding("mine:large", f"an input is {high:.3g}")

def pytest_lossguard_checks(item):
    return [small]
"""
    )

    result = project(
        """
from hypothesis import settings

@settings(derandomize=True)  # Scale(10.0) of some features fails for another reason
@pytest.mark.converges(max_examples=10, diagnose=False)
@pytest.mark.corruptions(scales=(1, 1e3), offsets=False, outliers=False)
def test_search(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, x, y / y.std(), steps=5)
"""
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*mine:large: an input is *", "E*paste: @example(corruption=*Scale(100.0*"]
    )


def test_a_diagnosis_names_no_cause_that_the_check_still_refutes(project, pytester):
    pytester.makeconftest(ERROR)

    body = BODY.replace("diagnose=False", "")
    result = project(body, "--lossguard-json=r.json", diagnosed=True)

    result.assert_outcomes(failed=1)
    (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
    causes = test["runs"][0]["diagnosis"]["causes"]
    assert [it["verified"] for it in causes] == [False]


def test_what_is_no_function_is_named(project, pytester):
    pytester.makeconftest("def pytest_lossguard_checks(item):\n    return ['slow']\n")

    result = project(BODY)

    result.stdout.fnmatch_lines(["*Error: pytest_lossguard_checks returned 'slow'*"])


# Runs that finished

TELLS = """
def pytest_lossguard_run_finished(item, run):
    with open("told.txt", "a") as file:
        file.write(f"{item.name} {run.converged} {len(run.loss)}\\n")
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_each_run_is_reported_once(project, pytester, workers):
    pytester.makeconftest(TELLS)

    project(
        """
@pytest.mark.converges(seeds=2, steps=60)
def test_a_marked(lossguard):
    lossguard.fit(build, *load())

@pytest.mark.converges(diagnose=False)
def test_b_bad():
    train(rate=1000.0)

def test_c_unmarked(lossguard):
    lossguard.fit(build, *load(), steps=7)

@pytest.mark.converges(max_examples=4)
def test_d_search(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, (x - x.mean(0)) / x.std(0), y / y.std())

def test_plain():
    pass
""",
        *workers,
    )

    output = sorted((pytester.path / "told.txt").read_text().splitlines())
    assert [it.split()[0] for it in output] == [
        *("test_a_marked", "test_a_marked", "test_b_bad"),
        *("test_c_unmarked", "test_d_search"),
    ]
    assert output[:2] == ["test_a_marked True 60"] * 2
    assert output[2].startswith("test_b_bad False ")
    assert output[3] == "test_c_unmarked True 7"


def test_a_mistake_of_a_listener_is_a_warning(project, pytester):
    pytester.makeconftest("def pytest_lossguard_run_finished(item, run):\n    1 / 0\n")

    result = project(BODY)

    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*run_finished raised ZeroDivisionError*"])


def test_the_hooks_of_the_documentation_work(project, pytester):
    (conftest,) = (it.text for it in blocks("how-to/hooks.md") if it.caption)
    pytester.makeconftest(conftest)

    result = project(BODY.replace("diagnose=False", "steps=1001, diagnose=False"), "-s")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*test_it.py::test_one False *", "E*yours:long: 1001 steps, limit 1000"]
    )


COUNTED = """
def pytest_lossguard_policy(item, policy):
    print("asked", item.name)
"""


def test_a_policy_is_asked_for_once(project, pytester):
    pytester.makeconftest(COUNTED)

    result = project("@pytest.mark.converges\ndef test_it():\n    train()\n", "-s")

    result.assert_outcomes(passed=1)
    assert result.stdout.str().count("asked test_it") == 1
