"""Layers that are frozen or unfrozen after compile(): Keras keeps the old step."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.steps import findings_of

LAYERS = keras.layers
X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = X[:, :1]


def model_and_base():
    base = keras.Sequential([keras.Input((4,)), LAYERS.Dense(8, "relu")], name="base")
    return keras.Sequential([base, LAYERS.Dense(1)]), base


def train(model, epochs=2, **how):
    model.fit(X, Y, epochs=epochs, verbose=0, **how)


def found(body):
    return [it for it in findings_of(body) if it.kind == "not_recompiled"]


def refit(first, then, *, compiled):
    """Train with base trainable or not, and again with another value of it."""
    model, base = model_and_base()
    base.trainable = first
    model.compile("adam", "mse")
    train(model)
    base.trainable = then
    if compiled:
        model.compile("adam", "mse")
    train(model)


def test_layers_unfrozen_without_compile_fail():
    (it,) = found(lambda: refit(False, True, compiled=False))

    assert (it.severity, it.value) == ("error", 2)
    assert "2 trainable weights of" in it.message
    assert "base/dense" in it.message


def test_layers_frozen_without_compile_warn():
    (it,) = found(lambda: refit(True, False, compiled=False))

    assert it.severity == "warning"
    assert "2 weights of" in it.message
    assert "are updated although they are not trainable" in it.message


@pytest.mark.parametrize("first", [True, False])
def test_a_model_that_is_compiled_again_passes(first):
    assert not found(lambda: refit(first, not first, compiled=True))


def test_a_callback_that_unfreezes_while_fit_runs_fails():
    def body():
        model, base = model_and_base()
        base.trainable = False
        model.compile("adam", "mse")

        def unfreeze(epoch, logs=None):
            base.trainable = epoch > 0

        train(model, callbacks=[keras.callbacks.LambdaCallback(unfreeze)])

    (it,) = found(body)
    assert it.severity == "error"


def test_what_is_changed_before_the_first_step_or_after_the_last_is_no_news():
    def body():
        model, base = model_and_base()
        model.compile("adam", "mse")
        base.trainable = False  # the step is made in the first fit
        train(model)
        base.trainable = True

    assert not found(body)


class Lazy(keras.Model):
    """Makes its layers' weights when it is first called."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = LAYERS.Dense(4), LAYERS.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


class TrainsPart(Lazy):
    """Its own step trains the last layer on purpose."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        moved = self.out.trainable_variables
        self.optimizer.apply(tape.gradient(loss, moved), moved)
        return {"loss": loss}


@pytest.mark.parametrize("kind", [Lazy, TrainsPart])
def test_models_that_are_built_late_or_train_a_part_by_their_own_step_pass(kind):
    def body():
        model = kind()
        model.compile("adam", "mse")
        train(model)
        train(model)

    assert not found(body)


def test_a_discriminator_that_is_frozen_in_the_combined_model_only_warns():
    def body():
        seed, image = keras.Input((4,)), keras.Input((4,))
        judge = keras.Model(image, LAYERS.Dense(1, "sigmoid")(image))
        judge.compile("adam", "binary_crossentropy")
        train(judge, 1)
        judge.trainable = False
        both = keras.Model(seed, judge(LAYERS.Dense(4)(seed)))
        both.compile("adam", "binary_crossentropy")
        train(both, 1)
        train(judge, 1)

    assert {it.severity for it in found(body)} <= {"warning"}
