"""A search remembers, keeps its budget, settles on the simplest case."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from pytest_lossguard import NotConverged
from pytest_lossguard.corruptions import Corruption, Offset, Scale
from pytest_lossguard.corruptions.space import Space
from pytest_lossguard.report.shards import in_turn
from pytest_lossguard.session.search import Known, Search, Shard

SPACE = Space.from_keywords({"outliers": False}, "corruptions")


class FakeGuard:
    """Judges a body by what it leaves in ``near``."""

    def __init__(self):
        self.runs = []

    @contextmanager
    def example(self, corruption, *, ends_early, seed=None):
        self.runs = []
        yield

    def nearness(self, run):
        return run.near


class Program:
    """A body that breaks where ``breaks`` says so, and counts its runs."""

    def __init__(self, breaks=lambda _: False, **options):
        self.breaks, self.ran, self.steered = breaks, [], []
        self.search = Search(
            guard=FakeGuard(), space=SPACE, steer=self.steered.append, **options
        )

    def run(self, corruption):
        self.ran.append(corruption)
        broken = self.breaks(corruption)
        near = 2.0 if broken else len(corruption.parts) / 10
        self.search.guard.runs = [SimpleNamespace(near=near, converged=not broken)]
        if broken:
            raise NotConverged("broken")

    def example(self, *parts):
        corruption = Corruption(*parts)
        with self.search.example(corruption) as to_be_run:
            if to_be_run:
                corruption([[1.0, 2.0, 3.0, 4.0]])  # four features
                self.run(corruption)


def factor(corruption):
    return max([it.factor for it in corruption.parts if isinstance(it, Scale)] or [1])


def test_the_same_corruption_is_run_once():
    program = Program()

    for _ in range(3):
        program.example(Scale(10.0))

    assert len(program.ran) == 1
    assert program.steered == [-1.0] * 3
    assert (program.search.examples, program.search.unique) == (3, 1)


def test_a_failure_is_remembered_and_raised_again():
    program = Program(lambda _: True)

    for _ in range(2):
        with pytest.raises(NotConverged):
            program.example(Scale(10.0))

    assert len(program.ran) == 1


def test_the_last_to_fail_is_the_one_reported_also_when_it_is_remembered():
    program = Program(lambda _: True)
    for part in (Scale(10.0), Scale(100.0), Scale(10.0)):
        with pytest.raises(NotConverged):
            program.example(part)

    assert program.search.failed.corruption == Corruption(Scale(10.0))


def test_features_beyond_the_last_are_the_same_corruption():
    program = Program()
    for feature in (1, 5):
        drawn = Corruption.drawn(Scale(10.0, features=feature))
        with program.search.example(drawn) as to_be_run:
            if to_be_run:
                drawn([[1.0, 2.0, 3.0, 4.0]])
                program.run(drawn)

    assert len(program.ran) == 1


def test_a_spent_budget_spares_the_unseen_and_keeps_the_failures():
    clock = iter([0.0, 1.0, 9.0, 9.0, 9.0])
    program = Program(lambda it: factor(it) > 10, budget=5.0, clock=lambda: next(clock))
    program.example(Scale(10.0))
    with pytest.raises(NotConverged):
        program.example(Scale(100.0))

    program.example(Scale(1000.0))  # unseen
    with pytest.raises(NotConverged):
        program.example(Scale(100.0))

    assert len(program.ran) == 2
    assert program.search.exhausted
    assert "the budget of 5 s left no time for others" in program.search.summary()


def test_an_example_that_is_rejected_is_not_remembered():
    program = Program()
    rejected = type("UnsatisfiedAssumption", (Exception,), {"__module__": "hypothesis"})

    for _ in range(2):
        with pytest.raises(rejected), program.search.example(Corruption()) as runs:
            assert runs
            raise rejected

    assert program.search.unique == 2


@pytest.mark.parametrize(
    ("breaks", "found", "settled"),
    [
        (
            lambda it: factor(it) >= 100,
            (Scale(100.0), Offset(1.0)),
            Scale(100.0, features=0),
        ),
        (
            lambda it: factor(it) >= 10 and it.parts[0].features in (None, 2),
            (Scale(10.0),),
            Scale(10.0, features=2),
        ),
        (
            lambda it: factor(it) >= 1000 or len(it.parts) > 1,
            (Scale(10.0, features=1), Offset(1.0)),
            Scale(1000.0, features=1),
        ),
        (
            lambda it: factor(it) >= 10 and it.parts[0].features is None,
            (Scale(10.0), Offset(-1.0, features=2)),
            Scale(10.0),
        ),
    ],
)
def test_it_settles_on_one_family_and_one_feature_where_they_suffice(
    breaks, found, settled
):
    program = Program(breaks)
    with pytest.raises(NotConverged):
        program.example(*found)

    program.search.settle(program.run)

    assert program.search.failed.corruption == Corruption(settled)
    assert program.search.holds
    assert len(program.ran) < 20


def test_a_case_that_needs_two_families_is_reported_with_both():
    program = Program(lambda it: len(it.parts) == 2)
    with pytest.raises(NotConverged):
        program.example(Scale(10.0, features=0), Offset(1.0, features=0))

    program.search.settle(program.run)

    assert len(program.search.failed.corruption.parts) == 2


def test_a_failure_that_does_not_fail_again_is_reported():
    program = Program(lambda _: len(program.ran) == 1)
    with pytest.raises(NotConverged):
        program.example(Scale(10.0, features=0))

    program.search.settle(program.run)

    assert not program.search.holds


def test_the_closest_to_failing_is_kept():
    program = Program()
    program.example()
    program.example(Scale(10.0), Offset(1.0))
    program.example(Scale(10.0))

    found = program.search.to_json()

    assert found["closest"] == {
        "nearness": 0.2,
        "corruption": "Corruption(Scale(10.0), Offset(1.0))",
    }
    assert found["failing"] is None


def test_beyond_the_range_it_finds_where_each_direction_breaks():
    program = Program(lambda it: factor(it) >= 1e5)
    program.example(Scale(1000.0))

    program.search.look_beyond(program.run)

    assert program.search.headroom == ["fails at Scale(100000.0)"] + [
        f"survives {it!r}" for it in (Scale(1e-6),)
    ]
    assert program.search.failed is None


@pytest.mark.parametrize("count", [2, 3, 20])
def test_shards_share_the_directions_beyond_the_range(count):
    whole = Program(lambda it: factor(it) >= 1e5)
    whole.example()
    whole.search.examples = 1000
    whole.search.look_beyond(whole.run)

    parts = []
    for index in range(1, count + 1):
        program = Program(lambda it: factor(it) >= 1e5, shard=Shard(index, count))
        program.example()  # not every shard runs it
        program.search.examples = 1000
        program.search.look_beyond(program.run)
        parts.append(program.search.headroom)

    assert len(whole.search.headroom) == 4
    assert in_turn(parts) == whole.search.headroom


def test_a_shard_that_trains_nothing_survives_nothing():
    program = Program(shard=Shard(1, 2))

    program.search.look_beyond(lambda _: None)

    assert program.search.headroom == []


def test_a_report_is_reported_each_case_during_the_search_and_after_it():
    program = Program(breaks=lambda it: factor(it) >= 1e5)
    program.example()
    for _ in range(2):
        program.example(Scale(10.0, features=1))
    program.example(Scale(10.0), Offset(-1.0))

    program.search.look_beyond(program.run)
    details = program.search.details()

    broken, beyond = details["cases"][:2]
    assert (broken["corruption"], broken["failed"], broken["nearness"]) == (
        "Corruption(Scale(100000.0))",
        True,
        2.0,
    )
    assert (broken["error"], beyond["error"]) == ("broken", None)
    assert beyond["corruption"] == "Corruption(Scale(10.0), Offset(-1.0))"
    assert beyond["parts"] == [
        {"keyword": "scales", "level": "Scale(10.0)", "value": 10.0, "features": "all"},
        {
            "keyword": "offsets",
            "level": "Offset(-1.0)",
            "value": -1.0,
            "features": "all",
        },
    ]
    names = [it["corruption"] for it in details["cases"]]
    assert len(names) == len(set(names)) == len(program.ran)
    assert [it["keyword"] for it in details["axes"]] == ["scales", "offsets"]
    assert "Scale(0.001)" in [it["level"] for it in details["axes"][0]["levels"]]


def test_a_replay_runs_one_case():
    program = Program(only=Corruption(Scale(10.0)))
    program.example()
    program.example(Scale(10.0))
    program.example(Scale(100.0))

    assert program.ran == [Corruption(Scale(10.0))]


@pytest.mark.parametrize(
    ("part", "line"),
    [
        (Scale(100.0), "@pytest.mark.corruptions(scales=(0.1, 10))"),
        (Scale(0.01), "@pytest.mark.corruptions(scales=(0.1, 10))"),
        (Scale(0.1, features=2), "@pytest.mark.corruptions(scales=False)"),
        (Offset(-100.0), "@pytest.mark.corruptions(offsets=(-10, 10))"),
        (Offset(1.0), "@pytest.mark.corruptions(offsets=False)"),
    ],
    ids=repr,
)
def test_what_breaks_by_its_scale_alone_gets_the_line_that_bounds_the_search(
    part, line
):
    program = Program(lambda _: True)
    with pytest.raises(NotConverged):
        program.example(part)

    assert [*program.search.remarks()][-1].endswith(line)


def test_what_takes_more_than_another_scale_is_not_said_to_bound_it():
    program = Program(lambda _: True)
    with pytest.raises(NotConverged):
        program.example(Scale(10.0), Offset(10.0))

    assert not any("bound" in it for it in program.search.remarks())


# Shards

EVERY = [Corruption(Scale(10.0**it, features=at)) for it in range(9) for at in range(4)]


def test_each_corruption_is_one_shard_s_and_all_of_them_are_somebody_s():
    shards = [Shard(it, 4) for it in (1, 2, 3, 4)]

    owners = [[it.index for it in shards if it.owns(one)] for one in EVERY]

    assert all(len(it) == 1 for it in owners)
    assert {it[0] for it in owners} == {1, 2, 3, 4}


def test_a_shard_runs_its_own_and_counts_what_it_leaves_to_others():
    program = Program(shard=Shard(2, 3))

    for one in EVERY:
        program.example(*one.parts)

    assert program.ran == [it for it in EVERY if program.search.shard.owns(it)]
    assert program.search.left_to_others == len(EVERY) - len(program.ran)
    assert program.search.examples == len(EVERY)


def test_once_one_has_failed_what_is_milder_is_run_whosever_it_is():
    shard = Shard(1, 5)
    program = Program(lambda it: factor(it) >= 100, shard=shard)
    mine = next(it for it in EVERY if shard.owns(it) and factor(it) >= 100)

    with pytest.raises(NotConverged):
        program.example(*mine.parts)
    for one in EVERY[:5]:
        program.example(*one.parts)

    assert program.ran == [mine, *(it for it in EVERY[:5] if it != mine)]


def test_what_failed_in_an_earlier_session_is_tried_by_every_shard():
    program = Program(shard=Shard(1, 10**6), replays=lambda: 2)

    for one in EVERY[:4]:
        program.example(*one.parts)

    assert program.ran == EVERY[:2]


def test_a_known_case_is_reported_as_it_is_kept():
    kept = Corruption(Scale(100.0), Offset(1.0))
    program = Program(lambda it: factor(it) > 1, known={kept: Known("k.json", 3)})
    with pytest.raises(NotConverged):
        program.example(*kept.parts)

    program.search.settle(program.run)

    assert program.search.failed.corruption == kept
    assert program.search.found() == "a known hard case, run first: k.json"
    assert program.search.to_json()["failed_case"] == "k.json"
