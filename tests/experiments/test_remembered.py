"""What was run again is not run again once more."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.errors import CannotChange
from pytest_lossguard.experiments.remembered import RememberedRerun, made_once
from tests.support.traces import falling, make_trace


class Counting:
    """Gives another trace each time, and knows what it was asked for."""

    facts, rows, data, is_complete = object(), 7, "sum", False

    def __init__(self):
        self.asked = []

    def __call__(self, *changes, seed, held_out, redrawn):
        self.asked.append((changes, seed, held_out, redrawn))
        return make_trace(falling())

    def several(self, requests, begin=None):
        return [requests, begin]


@pytest.mark.parametrize(
    "how",
    [{}, {"seed": 0}, {"seed": 1}, {"held_out": 0.3}, {"seed": 1, "redrawn": True}],
)
def test_the_same_is_trained_once(how):
    rerun = Counting()
    known = RememberedRerun(rerun)
    higher = Change(kind="learning_rate", value=10.0)

    first = known(higher, **how)

    assert known(Change(kind="learning_rate", value=10.0), **how) is first
    assert len(rerun.asked) == 1


def test_whatever_differs_is_trained_anew():
    rerun = Counting()
    known = RememberedRerun(rerun)
    change = Change(kind="learning_rate", value=10.0)
    every = [
        ((), {}),
        ((change,), {}),
        ((), {"seed": 0}),
        ((), {"held_out": 0.3}),
        ((), {"redrawn": True}),
    ]

    assert len({id(known(*changes, **how)) for changes, how in every}) == 5
    assert rerun.asked == [
        ((), None, 0.0, False),
        ((change,), None, 0.0, False),
        ((), 0, 0.0, False),
        ((), None, 0.3, False),
        ((), None, 0.0, True),
    ]


def test_what_was_refused_is_asked_again():
    class Refuses(Counting):
        def __call__(self, *changes, **how):
            super().__call__(*changes, **how)
            raise CannotChange("no")

    rerun = Refuses()
    known = RememberedRerun(rerun)
    for _ in range(2):
        with pytest.raises(CannotChange):
            known()
    assert len(rerun.asked) == 2


def test_all_else_is_said_by_the_re_run():
    rerun = Counting()
    known = RememberedRerun(rerun)

    assert (known.facts, known.rows, known.data) == (rerun.facts, 7, "sum")
    assert not known.is_complete
    assert known.several([1], print) == [[1], print]


def test_it_is_made_once_when_first_asked_for():
    made = []
    again = made_once(lambda: made.append(1) or Counting())
    assert made == []
    assert again() is again()
    assert made == [1]
