"""Whatever Keras trains is judged rightly, by watch and by fit, well and broken."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pytest_lossguard.core.errors import StopTraining
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.breadth.backbone import encoder, sentences
from tests.support.breadth.case import BATCH, adam, table
from tests.support.breadth.layers import LAYERS
from tests.support.breadth.objectives import OBJECTIVES
from tests.support.breadth.structures import STRUCTURES
from tests.support.breadth.ways import OPTIMIZERS, WAYS, mlp
from tests.support.fitting import train_once

CASES = {**STRUCTURES, **OBJECTIVES, **LAYERS, **OPTIMIZERS, **WAYS}


def breaks_as_others_do(name):
    """Of a usual structure, and scored: the tests of the judge have many such."""
    return name not in STRUCTURES and CASES[name].scored


def names(slow):
    """Every case; ``pytest -m slow`` trains the long tail."""
    return [
        pytest.param(name, marks=pytest.mark.slow) if slow(name) else name
        for name in CASES
    ]


@pytest.fixture
def trainer():
    return Trainer()


def errors(trace):
    return [it for it in judge(trace, Policy()) if it.severity == "error"]


def watched(body):
    """The traces of what ``body`` trains, stopped or not."""
    with watching(seed=0) as watch:
        try:
            body()
        except StopTraining:
            pass
    assert watch.unseen == [] == watch.missed()
    return watch.traces()


def by_watch(case, model):
    (trace,) = watched(lambda: case.train(model))
    return trace


def by_fit(trainer, case, model):
    given = dict(zip(("x", "y", "sample_weight"), case.data(), strict=False))
    how = {"epochs": case.epochs, "batch_size": BATCH, "shuffle": False}
    return train_once(trainer, model, **given, **how)


def assert_learned(trace, *, scored=True):
    assert not errors(trace), errors(trace)
    if scored:
        assert trace.after.loss < min(trace.before.loss, trace.constant_loss)
    else:
        assert trace.steps.loss[-1] < trace.steps.loss[0]


@pytest.mark.parametrize("name", names(lambda it: CASES[it].slow))
def test_a_healthy_program_converges_by_both_with_the_same_losses(trainer, name):
    case = CASES[name]
    set_seed(0)
    model = case.build(case.rate)

    fitted = None if case.only_watched else by_fit(trainer, case, model)
    seen = by_watch(case, model)

    assert_learned(seen, scored=case.scored)
    assert (seen.notes == ()) == case.scored  # else it says what to write
    if fitted is not None:
        assert_learned(fitted, scored=case.scored)
        assert (fitted.notes == ()) == (case.in_graph and case.scored)
        losses = (fitted.steps.loss, seen.steps.loss)
        np.testing.assert_allclose(*losses, rtol=case.tolerance)


@pytest.mark.parametrize(
    "name", names(lambda it: CASES[it].slow or breaks_as_others_do(it))
)
def test_a_broken_program_is_found_by_both(trainer, name):
    case = CASES[name]
    set_seed(0)
    model = case.build(case.broken_rate)

    traces = [] if case.only_watched else [by_fit(trainer, case, model)]
    traces.append(by_watch(case, model))

    for trace in traces:
        assert errors(trace), judge(trace, Policy())


def test_every_optimizer_of_keras_is_trained_here():
    """Where Keras gains one, this fails until it has its row."""
    known = vars(keras.optimizers).items()
    kinds = {
        kind
        for _, kind in known
        if isinstance(kind, type) and issubclass(kind, keras.optimizers.Optimizer)
    }
    trained = {type(case.build(case.rate).optimizer) for case in OPTIMIZERS.values()}

    assert kinds - {keras.optimizers.Optimizer} == trained


def test_adam_in_bfloat16_throughout_is_found_to_change_no_weight(trainer):
    """Its bias correction rounds to no step at all: Keras says nothing of it."""
    case = LAYERS["bfloat16 throughout"]
    model = case.build(case.rate)
    model.compile(adam(0.03), "mse")

    for trace in (by_fit(trainer, case, model), by_watch(case, model)):
        assert "unchanged_weights" in {it.kind for it in errors(trace)}


def pretrained():
    """A trained backbone and a head that was not trained yet."""
    x, y = table()
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, "tanh")])
    given = keras.Input((4,))
    model = keras.Model(given, keras.layers.Dense(1)(backbone(given)))
    model.compile(adam(0.03), "mse")
    model.fit(x, y, epochs=5, verbose=0)
    return model, backbone


@pytest.mark.parametrize(("rate", "converges"), [(0.01, True), (100.0, False)])
def test_a_backbone_is_frozen_then_unfrozen_and_both_trainings_are_judged(
    rate, converges
):
    x, y = table()
    model, backbone = pretrained()

    def body():
        backbone.trainable = False
        model.compile(adam(0.03), "mse")
        model.fit(x, y, epochs=5, verbose=0)
        backbone.trainable = True
        model.compile(adam(rate), "mse")
        model.fit(x, y, epochs=5, verbose=0)

    head, whole = watched(body)

    assert len(head.variables) == 2
    assert len(whole.variables) == 4
    assert errors(head) == []
    assert (errors(whole) == []) == converges


@pytest.mark.parametrize("way", ["model.keras", "of.weights.h5"])
@pytest.mark.parametrize(("rate", "converges"), [(0.03, True), (100.0, False)])
def test_a_model_is_saved_loaded_and_trained_on(way, rate, converges, tmp_path):
    x, y = table()
    path = str(tmp_path / way)

    def body():
        model = mlp(adam(0.03))
        model.fit(x, y, epochs=5, verbose=0)
        if way == "model.keras":
            model.save(path)
            loaded = keras.models.load_model(path)
        else:
            model.save_weights(path)
            loaded = mlp(adam(rate))
            loaded.load_weights(path)
        loaded.optimizer.learning_rate = rate
        loaded.fit(x, y, epochs=5, verbose=0)

    first, then = watched(body)

    assert errors(first) == []
    assert then.before.loss == pytest.approx(first.after.loss, rel=1e-4)
    assert (errors(then) == []) == converges


@pytest.mark.parametrize(
    ("rate", "converges"),
    [(1e-3, True), pytest.param(1.0, False, marks=pytest.mark.slow)],
)
def test_a_backbone_of_millions_of_parameters_is_judged(trainer, rate, converges):
    set_seed(0)
    x, y = sentences()
    model = encoder(rate)
    assert model.count_params() > 3_000_000

    how = {"epochs": 4, "batch_size": 16, "shuffle": False}
    fitted = train_once(trainer, model, x, y, **how)
    (seen,) = watched(lambda: model.fit(x, y, **how, verbose=0))

    for trace in (fitted, seen):
        assert (errors(trace) == []) == converges, errors(trace)
    np.testing.assert_allclose(fitted.steps.loss[:4], seen.steps.loss[:4], rtol=1e-2)
