"""Changes: each name of the closed list has one home, with words and a cause."""

from __future__ import annotations

from typing import get_args

import pytest

from pytest_lossguard.core.change import Change, ChangeName, ModelFacts
from pytest_lossguard.core.diagnosis import CAUSES
from pytest_lossguard.core.findings import FINDING_KINDS
from pytest_lossguard.experiments.changes import (
    CHANGES,
    cause_of,
    describe,
    kind_of,
    remedy_of,
)
from tests.support.traces import falling, make_trace

TRACE = make_trace(falling(), start=1, end=0.1, constant=1)
FACTS = ModelFacts(optimizer="Adam", learning_rate=1e-3)


def test_the_names_are_those_of_the_changes():
    assert sorted(it.name for it in CHANGES) == sorted(get_args(ChangeName))


@pytest.mark.parametrize("kind", CHANGES, ids=lambda it: it.name)
def test_a_change_has_a_cause_of_the_contract_words_and_a_remedy(kind):
    for value in (None, 2.0, "relu") if kind.name in TEXTS else (None, 2.0):
        change = Change(kind=kind.name, value=value, at=(0,))

        assert cause_of(change) in CAUSES
        assert describe(change, TRACE, FACTS)
        assert remedy_of(change, TRACE, FACTS)
    assert set(kind.shown_by) <= set(FINDING_KINDS)
    assert kind_of(change) is kind


#: Changes whose value is a name.
TEXTS = ("hidden_activation", "optimizer")


def test_a_higher_rate_proves_another_cause_than_a_lower_one():
    higher, lower = (Change(kind="learning_rate", value=it) for it in (10.0, 0.1))

    assert cause_of(higher) == "learning_rate_too_low"
    assert cause_of(lower) == "learning_rate_too_high"
