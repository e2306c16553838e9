"""The shards of a search are shown as one."""

from __future__ import annotations

from pytest_lossguard.report.shards import whole_searches
from pytest_lossguard.report.sound import sound
from pytest_lossguard.report.terminal import searches
from tests.support.entries import entry

SEARCH = {
    "examples": 100,
    "unique": 20,
    "exhausted_budget": False,
    "failing": None,
    "space": "scales",
    "closest": {"nearness": 0.5, "corruption": "Corruption(Scale(10.0))"},
    "headroom": [],
}


def shard(name, index, of=2, **changed):
    searched = {**SEARCH, "shard": {"index": index, "of": of}, **changed}
    return sound(entry(name, search=searched))


def test_shards_are_one_search():
    near = {"nearness": 0.9, "corruption": "Corruption(Scale(100.0))"}
    first = shard("test_a[shard-1-of-2]", 1, headroom=["fails at Scale(1e4)"])
    second = shard(
        "test_a[shard-2-of-2]", 2, unique=30, closest=near, headroom=["b", "c"]
    )

    ((name, whole),) = whole_searches([second, first])  # as workers end

    assert name == "tests/test_it.py::test_a (2 of 2 shards)"
    assert whole["examples"] == 100
    assert whole["unique"] == 50
    assert whole["closest"] == near
    assert whole["headroom"] == ["fails at Scale(1e4)", "b", "c"]


def test_other_parameters_tell_searches_apart():
    tests = [
        shard(f"test_a[{before}shard-{it}-of-2{after}]", it)
        for before, after in (("x-", ""), ("", "-y"), ("x-", "-y"))
        for it in (1, 2)
    ]

    names = [name for name, _ in whole_searches(tests)]

    assert names == [
        f"tests/test_it.py::test_a[{it}] (2 of 2 shards)" for it in ("x", "y", "x-y")
    ]


def test_a_search_that_was_not_divided_keeps_its_name():
    test = sound(entry("test_a[shard-1-of-2]", search=SEARCH))

    ((name, whole),) = whole_searches([test, sound(entry("test_b"))])

    assert name == "tests/test_it.py::test_a[shard-1-of-2]"
    assert whole["unique"] == 20


def test_a_search_fails_where_one_of_its_shards_does():
    failing = "Corruption(Scale(100.0))"
    first = shard("test_a[shard-1-of-2]", 1, headroom=["survives Scale(1e4)"])
    second = shard("test_a[shard-2-of-2]", 2, failing=failing, closest=None)

    ((_, whole),) = whole_searches([first, second])

    assert (whole["failing"], whole["closest"]) == (failing, None)
    assert whole["headroom"] == []
    text = " ".join(" ".join(searches([first, second], every=False)).split())
    assert text.endswith(f"failed at {failing}; searched 100, 40 different")
