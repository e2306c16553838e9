"""Inputs and targets that a dataset takes apart."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.data_facts import DataFacts, MovedApart, ZippedApart
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.relations import LabelUse, StepRelations
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace

AUGMENTED = MovedApart(place="train.py:12", draws=1, inputs_too=True)
DROPPED = ZippedApart(inputs=("ignore_errors",), targets=(), shuffled=False)
SHUFFLED = ZippedApart(inputs=(), targets=("shuffle",), shuffled=True)
BOTH = ZippedApart(inputs=("shuffle",), targets=("shuffle",), shuffled=True)


def found(facts, *, good=True, **more):
    more = {"perfect_loss": 0.0, "losses": ("mean_squared_error",), **more}
    end = 0.1 if good else 0.8
    trace = make_trace(
        falling(), start=1, end=end, constant=1, data_facts=facts, **more
    )
    return [it for it in judge(trace, Policy()) if it.kind.endswith("_apart")]


@pytest.mark.parametrize("too", [True, False])
def test_targets_moved_by_numbers_of_their_own_fail(too):
    moved = MovedApart(place="train.py:12", draws=1, inputs_too=too)
    (it,) = found(DataFacts(moved_apart=moved))
    assert (it.kind, it.severity, it.where) == (
        "augmented_apart",
        "error",
        "train.py:12",
    )
    said = "changed with other ones" if too else "not changed with them"
    assert said in it.message


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (SHUFFLED, "the targets are shuffled and the inputs are not"),
        (BOTH, "each of them is shuffled in a different order"),
    ],
)
def test_rows_shuffled_apart_fail(facts, said):
    (it,) = found(DataFacts(zipped_apart=facts))
    assert (it.kind, it.severity) == ("zipped_apart", "error")
    assert said in it.message
    assert "shuffle" in it.hint


@pytest.mark.parametrize(("good", "severity"), [(True, "warning"), (False, "error")])
def test_rows_that_may_be_dropped_fail_where_little_was_learned(good, severity):
    (it,) = found(DataFacts(zipped_apart=DROPPED), good=good)
    assert it.severity == severity
    assert "only the inputs go through ignore_errors" in it.message
    assert "shuffle" not in it.hint


def test_an_own_loss_need_not_pair_rows_and_makes_it_a_warning():
    (it,) = found(DataFacts(zipped_apart=SHUFFLED), losses=("mine",))
    assert it.severity == "warning"


def test_a_loss_that_compares_sets_of_rows_needs_no_pairs():
    used = LabelUse(loss="mmd", use="as a set", rows=32, changed=0.0)
    relations = StepRelations(labels=used)
    facts = DataFacts(zipped_apart=SHUFFLED)
    assert found(facts, losses=("mmd",), relations=relations) == []


@pytest.mark.parametrize("facts", [None, DataFacts()])
def test_nothing_is_said_of_what_stays_together(facts):
    assert found(facts) == []
