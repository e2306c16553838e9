"""Targets that stand among the inputs fail a test; flags of few values only warn."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.data_facts import AmongInputs, DataFacts
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.relations import CopiedSequence, StepRelations
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


@pytest.mark.parametrize(
    ("values", "is_all", "severity"),
    [(6, False, "error"), (5, False, "warning"), (200, True, "warning")],
)
def test_a_target_in_the_inputs_is_named_with_its_place(values, is_all, severity):
    place = AmongInputs(
        target="the target",
        where="input column 3",
        rows=200,
        values=values,
        is_all=is_all,
    )
    facts = DataFacts(among_inputs=place)
    trace = make_trace(falling(), start=1, end=0.1, constant=1, data_facts=facts)
    (found,) = judge(trace, Policy())
    assert (found.kind, found.severity) == ("target_in_inputs", severity)
    assert (found.where, found.value, found.limit) == ("input column 3", values, 5)
    assert "equals input column 3 in all of 200 rows" in found.message


@pytest.mark.parametrize(
    ("ids", "is_all", "severity"),
    [(6, False, "error"), (5, False, "warning"), (200, True, "warning")],
)
def test_targets_that_are_not_shifted(ids, is_all, severity):
    copied = CopiedSequence(
        index=1, where="input 1", rows=199, of=200, ids=ids, is_all=is_all
    )
    relations = StepRelations(copied=copied)
    trace = make_trace(falling(), start=1, end=0.1, constant=1, relations=relations)
    (found,) = judge(trace, Policy())
    assert (found.kind, found.severity) == ("target_in_inputs", severity)
    assert (found.where, found.value, found.limit) == ("input 1", ids, 5)
    assert "equals input 1, id by id, in 199 of 200 rows" in found.message
    assert "feed dec[:, :-1] and train on dec[:, 1:]" in found.hint
