"""Layers that no training reaches, judged from hand-made facts."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.step_facts import FrozenLayers, StepFacts, UntrackedLayers
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace

LAYERS = ("net/conv", "net/conv_1", "net/conv_2", "net/dense", "net/dense_1")


def found(facts, *, allow=(), **more):
    trace = make_trace(falling(), start=1.0, end=0.1, step=StepFacts(**facts), **more)
    return judge(trace, Policy(allow=frozenset(allow)))


def frozen(layers=LAYERS, values=500, misfit=0.8, **more):
    one = FrozenLayers(layers=layers, values=values, misfit=misfit)
    return found({"frozen": (one,)}, **more)


def test_frozen_layers_with_random_weights_are_a_warning_with_their_names():
    (it,) = frozen(values=12_345)

    assert (it.kind, it.severity) == ("frozen_untrained", "warning")
    assert (it.value, it.limit) == (0.8, 2.2)
    assert it.where == "net/conv, net/conv_1, net/conv_2 and 2 more"
    assert "are frozen (trainable=False), but their 12,345 weights" in it.message


@pytest.mark.parametrize(
    ("layers", "values", "misfit", "times"),
    [
        (LAYERS[:2], 128, 2.2, 1),
        (LAYERS[:2], 128, 2.3, 0),
        (LAYERS[:1], 5000, 0.8, 0),
    ],
)
def test_the_limits(layers, values, misfit, times):
    assert len(frozen(layers, values, misfit)) == times


def test_what_need_not_be_a_fault_is_silent():
    assert not frozen(moving_target=True)
    assert not frozen(contested=True)
    assert not frozen(allow=["frozen_untrained"])


def untracked(names=LAYERS, variables=4, more=None, **facts):
    one = UntrackedLayers(names=names, variables=variables, **facts)
    return found({"untracked": one}, **(more or {}))


def test_layers_that_are_not_the_models_own_fail_a_fit():
    (it,) = untracked(in_fit=True)

    assert (it.kind, it.severity) == ("layers_untracked", "error")
    assert (it.value, it.limit) == (4, 0)
    assert "calls net/conv, net/conv_1, net/conv_2 and 2 more, which" in it.message
    assert it.headline == "4 variables not tracked by the model"


def test_one_variable_is_named_in_the_singular():
    (it,) = untracked(("net.factors",), 1)

    assert "1 variable that its outputs depend on is not in" in it.message
    assert "and was never trained" in it.message


@pytest.mark.parametrize(
    ("facts", "more", "severity"),
    [
        ({"in_fit": False}, {}, "warning"),
        ({"in_fit": True, "misfit": 2.2}, {}, "error"),
        ({"in_fit": True, "misfit": 2.3}, {}, "warning"),
        ({"in_fit": True}, {"contested": True}, "warning"),
        ({"in_fit": True}, {"moving_target": True}, None),
        ({"in_fit": True}, {"allow": ["layers_untracked"]}, None),
    ],
)
def test_where_it_is_less_certain(facts, more, severity):
    found = [it.severity for it in untracked(more=more, **facts)]
    assert found == ([] if severity is None else [severity])
