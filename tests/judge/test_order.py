"""Rows that are trained on class after class."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_lossguard.core.change import Change, ModelFacts
from pytest_lossguard.core.data_facts import DataFacts, ShuffledGraph, ShuffledState
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import ClassOrder
from pytest_lossguard.experiments.candidates import hypotheses, suspected
from pytest_lossguard.experiments.compare import ComparedRun, improvable, wanted
from pytest_lossguard.judge import judge
from tests.support.traces import column, falling, make_trace

SORTED = ClassOrder(order=0.9, classes=10, together=1.2, rows=1000)
LITTLE = make_trace(
    falling(2.3, 2.0, 114),
    start=2.35,
    end=2.1,
    constant=2.3,
    class_order=SORTED,
    losses=("sparse_categorical_crossentropy",),
    inputs=(column("input"),),
)
SHUFFLED = make_trace(falling(2.3, 0.3, 114), start=2.35, end=0.3, constant=2.3)
SHUFFLE = Change(kind="shuffle_rows")


def test_rows_in_class_order_are_warned_of_with_what_a_step_has():
    trace = replace(LITTLE, after=SHUFFLED.after)
    (found,) = judge(trace, Policy())
    assert (found.kind, found.severity) == ("rows_in_class_order", "warning")
    assert "a step has 1.2 of 10 classes on average" in found.message
    assert "limit 40%" in found.message


@pytest.mark.parametrize(
    ("order", "end", "severity"),
    [(0.61, 2.0, "error"), (0.59, 2.0, "warning"), (0.9, 0.5, "warning")],
)
def test_steps_of_a_class_that_teach_little_are_an_error(order, end, severity):
    trace = replace(
        LITTLE,
        after=replace(SHUFFLED.after, loss=end, reported=end),
        class_order=replace(SORTED, order=order),
    )
    found = next(
        it for it in judge(trace, Policy()) if it.kind == "rows_in_class_order"
    )
    assert found.severity == severity


@pytest.mark.parametrize(
    ("order", "losses"),
    [
        (replace(SORTED, order=0.3), LITTLE.losses),
        (None, LITTLE.losses),
        (SORTED, ("mean_squared_error",)),  # whole numbers in the order of time
        (SORTED, ()),
    ],
)
def test_shuffled_rows_and_values_in_the_order_of_time_are_fine(order, losses):
    trace = replace(LITTLE, class_order=order, losses=losses, after=SHUFFLED.after)
    assert judge(trace, Policy()) == ()


def test_where_the_order_hurts_shuffled_rows_prove_it():
    assert (SHUFFLE,) in wanted(LITTLE, ModelFacts())
    assert (SHUFFLE,) not in wanted(replace(LITTLE, class_order=None), ModelFacts())
    proof = ComparedRun(changes=(SHUFFLE,), description="rows shuffled", trace=SHUFFLED)
    errors, better = improvable(LITTLE, (proof,))
    assert (errors.kind, errors.severity) == ("plateau", "error")
    assert better.where == "rows shuffled"


def test_a_diagnosis_shuffles_before_it_looks_elsewhere():
    findings = judge(LITTLE, Policy())
    assert hypotheses(LITTLE, findings, ModelFacts())[0].change == SHUFFLE
    assert suspected(findings)[0][0] == "rows_in_class_order"


@pytest.mark.parametrize(("change", "kinds"), [(0.5, ["graph_shuffled"]), (1e-6, [])])
def test_a_graph_is_shuffled_where_the_order_of_its_rows_counts(change, kinds):
    graph = ShuffledGraph(input=1, rows=48, change=change)
    trace = replace(SHUFFLED, data_facts=DataFacts(shuffled_graph=graph))

    assert [it.kind for it in judge(trace, Policy())] == kinds


def test_a_state_in_shuffled_rows_is_reported_where_it_counts():
    state = ShuffledState(layers=("gru", "lstm"), by="fit", change=0.02)
    trace = replace(SHUFFLED, data_facts=DataFacts(shuffled_state=state))
    other = DataFacts(shuffled_state=replace(state, change=1e-5))

    (found,) = judge(trace, Policy())

    assert (found.kind, found.severity) == ("state_shuffled", "warning")
    assert "fit shuffles the rows, and gru, lstm (stateful=True)" in found.message
    assert "by 2.0% of their spread, limit 0.1%" in found.message
    assert judge(replace(trace, data_facts=other), Policy()) == ()
