"""Options, ini settings, the JSON report and the summary line."""

from __future__ import annotations

import json

import pytest

TWO = """
@pytest.mark.converges
def test_good():
    train()

@pytest.mark.converges
def test_bad(lossguard):
    lossguard.fit(lambda: build(rate=100.0), *load())
"""


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_the_json_report_holds_every_training(project, pytester, workers):
    result = project(TWO, "--lossguard-json=out/report.json", *workers)

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


def test_the_marker_is_registered(project):
    result = project(TWO, "--markers")

    result.stdout.fnmatch_lines(["@pytest.mark.converges(*"])


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--lossguard-budget=0", "it must be seconds above 0"),
        ("--lossguard-max-examples=0", "it must be a whole number of at least 1"),
        (
            "--lossguard-replay=nowhere.json",
            "nowhere.json cannot be read: No such file",
        ),
    ],
)
def test_an_option_of_the_search_that_cannot_be_meant_is_refused(project, option, told):
    result = project(TWO, option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = option.partition("=")[0]
    result.stderr.fnmatch_lines([f"*{name}=*{told}*"])
