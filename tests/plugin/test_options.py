"""Options, ini settings, the JSON report and the summary line."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

import pytest_lossguard
from pytest_lossguard.core.addresses import BASE, page
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.corruptions.families import KEYWORDS

PACKAGE = Path(pytest_lossguard.__file__).parent

TWO = """
@pytest.mark.converges
def test_good():
    train()

@pytest.mark.converges
def test_bad(lossguard):
    lossguard.fit(lambda: build(rate=100.0), *load())
"""


def test_the_json_report_holds_every_training(project, pytester):
    result = project(TWO, "--lossguard-json=out/report.json")

    report = json.loads((pytester.path / "out" / "report.json").read_text())
    bad, good = report["tests"]
    assert report["schema"] == 1
    assert (good["nodeid"], good["outcome"]) == ("test_it.py::test_good", "passed")
    assert (bad["nodeid"], bad["outcome"]) == ("test_it.py::test_bad", "failed")
    assert good["runs"][0]["source"] == "watch"
    assert good["runs"][0]["verdict"] == "converged"
    assert len(good["runs"][0]["loss"]) == good["runs"][0]["steps"] == 20
    assert bad["runs"][0]["source"] == "fit"
    assert bad["runs"][0]["verdict"] == "not_converged"
    assert bad["runs"][0]["findings"][0]["kind"] == "diverging_loss"
    result.stdout.fnmatch_lines(
        ["lossguard: 2 trainings judged in 2 tests, 1 not converged (* s)"]
    )


def test_nothing_is_said_where_no_test_is_marked(project):
    result = project("def test_plain():\n    pass\n", "-v")

    result.stdout.no_fnmatch_line("*lossguard:*")


def test_the_ini_file_sets_what_the_command_line_overrides(project, pytester):
    pytester.makeini("[pytest]\nlossguard_seed = 3\nlossguard_json = r.json")

    project(TWO)
    from_ini = json.loads((pytester.path / "r.json").read_text())
    project(TWO, "--lossguard-seed=4")
    from_option = json.loads((pytester.path / "r.json").read_text())

    assert [it["tests"][0]["runs"][0]["seed"] for it in (from_ini, from_option)] == [
        3,
        4,
    ]


def test_a_seed_that_is_no_number_is_refused(project, pytester):
    pytester.makeini("[pytest]\nlossguard_seed = many")

    result = project(TWO)

    result.stderr.fnmatch_lines(["*lossguard_seed = 'many' in the ini file*"])


def test_the_markers_are_shown_with_every_key_in_80_columns(project):
    result = project(TWO, "--markers")

    shown = {
        name: " ".join(result.stdout.str().partition(f"mark.{name}(")[2].split())
        for name in ("converges", "corruptions", "contracts", "model_checks")
    }
    keys = [set(it.partition(")")[0].split(", ")) for it in shown.values()]
    assert keys[0] == {it.name for it in fields(Policy)}
    assert keys[1] == {*(it.name for it in KEYWORDS), "features"}
    for text in shown.values():
        assert f"see {BASE}/reference/" in text
    lines = result.stdout.str().partition("@pytest.mark.converges")[2].splitlines()
    assert max(map(len, lines[:15])) <= 80


def test_help_and_fixtures_say_where_more_stands(project):
    text = project(TWO, "--help").stdout.str()
    fixtures = project(TWO, "--fixtures").stdout.str()

    assert f"lossguard, tests of model training ({page('reference/options')}):" in text
    for path in ("markers", "contracts", "model-checks"):
        assert page(f"reference/{path}") in fixtures


def test_addresses_in_docstrings_are_those_of_the_project():
    docs = "".join(it.read_text(encoding="utf-8") for it in PACKAGE.rglob("*.py"))

    found = set(re.findall(r"https://[\w.-]*readthedocs[\w./-]*", docs))
    assert len(found) > 2
    assert all(it.startswith(BASE) for it in found)


@pytest.mark.parametrize(
    ("option", "output"),
    [
        ("--lossguard-budget=0", "it must be seconds above 0"),
        ("--lossguard-max-examples=0", "it must be a whole number of at least 1"),
        (
            "--lossguard-replay=nowhere.json",
            "nowhere.json cannot be read: No such file",
        ),
    ],
)
def test_an_option_of_the_search_that_cannot_be_meant_is_refused(
    project, option, output
):
    result = project(TWO, option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = option.partition("=")[0]
    result.stderr.fnmatch_lines([f"*{name}=*{output}*"])
