"""Weights that fit is given, and training steps that use them or leave them out."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.steps import kinds_of

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
#: One row in two does not count.
EVERY_OTHER = np.tile([0.0, 1.0], 32).astype("float32")


class Own(keras.Model):
    """By a step as the guide writes it, that unpacks all and uses some."""

    def train_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.loss_of(y, self(x, training=True), weights)
        moved = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, moved), moved)
        return {"loss": loss}


class Dropped(Own):
    def loss_of(self, y, found, weights):
        del weights
        return self.compute_loss(y=y, y_pred=found)


class Given(Own):
    def loss_of(self, y, found, weights):
        return self.compute_loss(y=y, y_pred=found, sample_weight=weights)


class ByHand(Own):
    def loss_of(self, y, found, weights):
        each = keras.losses.sparse_categorical_crossentropy(y, found)
        return tf.reduce_mean(each if weights is None else each * weights)


class NoLoss(keras.Model):
    """The usual step, and a loss that is computed otherwise."""

    def compute_loss(self, x=None, y=None, y_pred=None, *_, **__):
        return tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, y_pred))


class Twice(keras.Model):
    """Two gradients a step, and only the second loss has the weights."""

    def train_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        moved = self.trainable_variables
        for given in (None, weights):
            with tf.GradientTape() as tape:
                loss = self.compute_loss(
                    y=y, y_pred=self(x, training=True), sample_weight=given
                )
            gradients = tape.gradient(loss, moved)
        self.optimizer.apply(gradients, moved)
        return {"loss": loss}


class Inside(Own):
    """A compiled function in the step: its trace does not show what it uses."""

    def train_step(self, data):
        return tf.function(super().train_step)(data)

    loss_of = Dropped.loss_of


def found(cls, *, eagerly=False, **given):
    start = keras.Input((4,))
    model = cls(start, keras.layers.Dense(2, "softmax")(start))
    model.compile(
        keras.optimizers.SGD(0.1),
        "sparse_categorical_crossentropy",
        run_eagerly=eagerly,
    )
    kinds = kinds_of(lambda: model.fit(X, Y, epochs=2, verbose=0, **given))
    return "sample_weight_ignored" in kinds


@pytest.mark.parametrize(
    ("cls", "ignores"),
    [(Dropped, True), (NoLoss, True), (Given, False), (ByHand, False), (Twice, False)],
)
def test_a_step_that_leaves_the_weights_out_is_an_error(cls, ignores):
    assert found(cls, sample_weight=EVERY_OTHER) is ignores


@pytest.mark.parametrize(("cls", "ignores"), [(Dropped, True), (Given, False)])
def test_weights_may_be_true_or_false(cls, ignores):
    assert found(cls, sample_weight=EVERY_OTHER > 0) is ignores


@pytest.mark.parametrize(("cls", "ignores"), [(Dropped, True), (Given, False)])
def test_weights_of_classes_are_such_weights(cls, ignores):
    assert found(cls, class_weight={0: 1.0, 1: 5.0}) is ignores


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"sample_weight": np.ones(64, "float32")},
        {"class_weight": {0: 2.0, 1: 2.0}},
        {"sample_weight": EVERY_OTHER + 1, "eagerly": True},
    ],
    ids=["none", "all alike", "classes alike", "eagerly"],
)
def test_weights_that_differ_have_to_be_seen_to_be_left_out(given):
    assert not found(Dropped, **given)


def test_what_a_function_inside_of_the_step_does_is_not_known():
    assert not found(Inside, sample_weight=EVERY_OTHER + 1)


@pytest.mark.parametrize(("cls", "eagerly"), [(Inside, False), (Dropped, True)])
def test_rows_of_weight_0_show_it_where_the_step_is_run_again(cls, eagerly):
    assert found(cls, sample_weight=EVERY_OTHER, eagerly=eagerly)
