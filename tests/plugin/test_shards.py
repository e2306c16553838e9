"""``shards=N``: one search, divided into tests that workers share."""

from __future__ import annotations

import json
import re
from shutil import rmtree

import pytest

SEARCHED = """
@pytest.mark.converges(steps=10, max_examples=30, shards={shards}, diagnose=False)
@pytest.mark.corruptions(scales=({low}, {high}), offsets=False, outliers=False)
def test_searched(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, (x - x.mean(0)) / x.std(0){broken}, y)
"""


def searched(shards=3, low=0.01, high=100.0, broken=""):
    return SEARCHED.format(shards=shards, low=low, high=high, broken=broken)


@pytest.fixture
def entries(project, pytester):
    """The entries of a run, by the shard."""

    def run(body, *options):
        path = pytester.path / "r.json"
        rmtree(pytester.path / ".hypothesis", ignore_errors=True)
        result = project(body, f"--lossguard-json={path}", *options)
        tests = json.loads(path.read_text())["tests"]
        names = [it["nodeid"].partition("[")[2].rstrip("]") for it in tests]
        return result, dict(zip(names, tests, strict=True))

    return run


def test_a_search_becomes_as_many_tests_and_its_summary_is_one(entries):
    result, found = entries(searched())

    result.assert_outcomes(passed=3)
    assert set(found) == {f"shard-{it}-of-3" for it in (1, 2, 3)}
    parts = [it["search"] for it in found.values()]
    assert [it["examples"] for it in parts] == [30, 30, 30]
    whole = sum(it["unique"] for it in parts)
    text = " ".join(result.stdout.str().split())
    shown = rf"test_searched \(3 of 3 shards\) .* searched 30, {whole} different"
    assert re.search(shown, text)


def test_shards_run_what_one_search_runs_and_nothing_twice(entries):
    _, whole = entries(searched(shards=1))
    _, parts = entries(searched())

    ran = [it["search"]["unique"] for it in parts.values()]
    assert 0 < max(ran) < whole[""]["search"]["unique"]
    beyond = [it for part in parts.values() for it in part["search"]["headroom"]]
    assert len(beyond) == len(whole[""]["search"]["headroom"]) == 2


def test_workers_find_what_one_process_finds(entries):
    broken = " + 1e3 * (x.max() > 50)"
    one, alone = entries(searched(broken=broken))
    two, shared = entries(searched(broken=broken), "-n2")

    assert one.ret == two.ret == pytest.ExitCode.TESTS_FAILED
    assert alone == shared


def test_a_test_that_is_no_search_is_not_divided(project):
    result = project(
        """
@pytest.mark.converges(shards=3)
def test_trains():
    train()
"""
    )

    result.assert_outcomes(passed=1)
