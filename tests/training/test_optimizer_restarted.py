"""A new optimizer for each step or epoch of one training."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

from tests.support.programs import mlp, regression
from tests.support.steps import MSE, batches, found_in, traces_of

X, Y = regression()
RATE = 0.01


def loop(made_anew, make, steps=12):
    """A hand-written loop; ``made_anew`` says at which steps there is a new one."""
    model, optimizer = mlp(), make()
    for at, (x, y) in enumerate(batches(steps)):
        if at and made_anew(at):
            optimizer = make()
        with tf.GradientTape() as tape:
            loss = MSE(y, model(x, training=True))
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)


def compiled(times, epochs=1, rate=lambda _: RATE, between=lambda _: None, data=None):
    """Compiled again before each fit."""
    model = mlp()
    for at in range(times):
        model.compile(keras.optimizers.Adam(rate(at)), "mse")
        x, y = (X, Y) if data is None else data(at)
        model.fit(x, y, epochs=epochs, batch_size=20, verbose=0)
        between(model)


def adam():
    return keras.optimizers.Adam(RATE)


BROKEN = {
    "each step": lambda: loop(lambda _: True, adam),
    "each epoch of a loop": lambda: loop(lambda at: at % 3 == 0, adam),
    "momentum": lambda: loop(lambda _: True, lambda: keras.optimizers.SGD(0.01, 0.9)),
    "compiled again": lambda: compiled(5),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_new_optimizer_again_and_again_fails_as_one_training(name):
    (trace,) = traces = traces_of(BROKEN[name])
    assert len(trace.steps) == (25 if name == "compiled again" else 12)
    (it,) = [it for it in found_in(traces) if _is_restart(it)]
    assert it.severity == "error"
    assert it.value == {"each step": 12, "momentum": 12}.get(
        name, 5 if name == "compiled again" else 4
    )


def _is_restart(finding):
    return finding.kind == "optimizer_restarted"


def reset(model):
    for it in model.trainable_variables:
        it.assign(it + 1.0)


def cosine():
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 3))


@pytest.mark.parametrize(
    ("body", "trainings"),
    [
        (lambda: loop(lambda _: False, adam), 1),
        (lambda: compiled(3), 3),
        (lambda: compiled(5, rate=lambda at: RATE / (1 + at)), 5),
        (lambda: compiled(5, between=reset), 5),
        (lambda: loop(lambda at: at % 3 == 0, cosine), 4),
    ],
    ids=["one", "three phases", "other rates", "other weights", "warm restarts"],
)
def test_an_optimizer_made_anew_on_purpose_is_silent(body, trainings):
    traces = traces_of(body)
    assert len(traces) == trainings
    assert not any(map(_is_restart, found_in(traces)))


def test_without_a_state_to_lose_it_is_one_training_and_no_fault():
    def body():
        loop(lambda _: True, lambda: keras.optimizers.SGD(0.01))

    traces = traces_of(body)
    assert len(traces) == 1
    assert not any(map(_is_restart, found_in(traces)))
