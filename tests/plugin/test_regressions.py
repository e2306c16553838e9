"""Known hard cases in ``lossguard_regressions/`` are run first by their search."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from pytest_lossguard.corruptions import Corruption, Offset, Scale
from pytest_lossguard.report.regressions import keep
from pytest_lossguard.report.replay import Replay

FOLDER = "lossguard_regressions"
#: Notes what each example ran on, and with which seed; fails where BAD says so.
SEARCH = """
import json, os, random
RAN = os.path.join(os.path.dirname(__file__), "ran.txt")


@pytest.mark.converges(steps=5, max_examples=6, diagnose=False{shards})
@pytest.mark.corruptions(scales=(0.1, 100.0), offsets=False, outliers=False)
def test_searched(lossguard, corruption):
    with open(RAN, "a") as file:
        file.write(f"{{corruption!r}} {{random.random()}}\\n")
    x, y = corruption(*load())
    assert repr(corruption) != os.environ.get("BAD")
    lossguard.fit(build, (x - x.mean(0)) / x.std(0), y)
"""
PLAIN = SEARCH.format(shards="")
HARD = Corruption(Scale(30.0, features=1))  # between two levels: never drawn


@pytest.fixture
def known(pytester):
    def write(*parts, name="test_searched", seed=0):
        nodeid = f"test_it.py::{name}"
        case = Replay(nodeid=nodeid, corruption=Corruption(*parts), seed=seed)
        path, _ = keep(pytester.path / FOLDER, case)
        return f"{FOLDER}/{path.name}"

    return write


@pytest.fixture
def ran(pytester):
    """What the examples ran on, and what they drew."""

    def read():
        lines = (pytester.path / "ran.txt").read_text().splitlines()
        return [it.rpartition(" ")[::2] for it in lines]

    return read


@pytest.fixture
def search_of(pytester):
    def read():
        (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
        return test["search"]

    return read


def test_a_known_case_is_run_first_and_counted(project, known, ran, search_of):
    known(*HARD.parts)

    result = project(PLAIN, "--lossguard-json=r.json")

    result.assert_outcomes(passed=1)
    assert ran()[0][0] == repr(HARD)
    assert search_of()["known_cases"] == 1
    assert "1 known case held" in " ".join(result.stdout.str().split())


def test_a_known_case_that_fails_is_reported_with_its_file(
    project, known, ran, search_of, monkeypatch
):
    file = known(*HARD.parts)
    monkeypatch.setenv("BAD", repr(HARD))

    result = project(PLAIN, "--lossguard-json=r.json")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"*note: a known hard case, run first: {file}",
            f"*again: pytest --lossguard-replay={file}",
            f"lossguard: a known case failed: {file}",
        ]
    )
    assert {corruption for corruption, _ in ran()} == {repr(HARD)}
    assert search_of()["failed_case"] == file

    again = project(PLAIN, f"--lossguard-replay={file}")
    again.assert_outcomes(failed=1)


def test_a_known_case_runs_with_the_seed_that_it_failed_with(project, known, ran):
    known(*HARD.parts, seed=7)
    project(PLAIN)
    (_, known_one), (_, drawn_one), *_ = ran()

    project(PLAIN, "--lossguard-seed=7")
    assert known_one != drawn_one
    assert known_one == ran()[-1][1]


def test_each_known_case_runs_in_exactly_one_shard(project, known, ran):
    hard = [Scale(30.0 + it) for it in range(4)]
    for it in hard:
        known(it)

    result = project(SEARCH.format(shards=", shards=2"))

    result.assert_outcomes(passed=2)
    counts = Counter(corruption for corruption, _ in ran())
    assert [counts[repr(Corruption(it))] for it in hard] == [1, 1, 1, 1]


def test_no_budget_keeps_a_known_case_from_being_run(project, known, search_of):
    for it in (30.0, 31.0, 32.0):
        known(Scale(it))

    project(PLAIN, "--lossguard-json=r.json", "--lossguard-budget=1e-6")

    found = search_of()
    assert (found["known_cases"], found["exhausted_budget"]) == (3, True)


@pytest.mark.parametrize(
    ("parts", "name", "reason"),
    [
        ([Scale(30.0)], "test_gone", "its test is gone"),
        ([Scale(30.0)], "test_plain", "its test is no longer a search over*"),
        ([Offset(1.0)], "test_searched", "* is beyond what the marker corruptions*"),
        ([Scale(1e3)], "test_searched", "* is beyond what the marker corruptions*"),
        ([Scale(9.0, features=9)], "test_searched", "there is no feature 9: *"),
    ],
)
def test_a_stale_case_is_named_and_fails_nothing(project, known, parts, name, reason):
    file = known(*parts, name=name)

    body = f"{PLAIN}\n\ndef test_plain():\n    pass\n"
    result = project(body)

    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "lossguard: known cases that are stale and were not run: delete them",
            f"  {file}: {reason}",
        ]
    )


def test_a_test_that_was_not_asked_for_makes_no_case_stale(project, known):
    known(Scale(30.0), name="test_other")

    result = project(PLAIN, "test_it.py::test_searched")

    assert "are stale" not in result.stdout.str()


@pytest.mark.parametrize("options", [(), ("-n1",)])
def test_a_damaged_file_ends_the_session_before_any_test(
    project, pytester, known, options
):
    file = known(Scale(30.0))
    (pytester.path / file).write_text("{")

    result = project(PLAIN, *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {file} is not a case of pytest-lossguard*"])


def test_a_failure_is_kept_where_that_is_asked_for(project, pytester, monkeypatch):
    monkeypatch.setenv("BAD", "Corruption()")

    project(PLAIN)
    assert not (pytester.path / FOLDER).exists()
    result = project(PLAIN, "--lossguard-keep-failures")

    (path,) = (pytester.path / FOLDER).iterdir()
    text = "lossguard: failing cases kept, to be run first from now on: commit it"
    result.stdout.fnmatch_lines([text, f"  {FOLDER}/{path.name}"])
    assert json.loads(path.read_text())["nodeid"] == "test_it.py::test_searched"


def test_workers_get_the_cases_of_their_controller(pytester, known):
    gone = known(Scale(30.0), name="test_gone")
    light = "import pytest\n\ndef test_plain():\n    pass\n"  # no Keras to import
    pytester.makepyfile(test_it=light + PLAIN)

    result = pytester.runpytest_inprocess("-n1", "-k", "plain", "-p", "no:randomly")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"  {gone}: its test is gone"])
