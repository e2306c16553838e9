"""Losses given to compile that ignore the labels, or mix those of all rows."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.fitting import train_once

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 4)).astype("float32")
Y = (X @ np.float32([[1], [-1], [0.5], [2]])).astype("float32")
CLASSES = np.argmax(X[:, :3], axis=1)
TRAINER = Trainer()


def net(loss, units=1, last=None):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, last)])
    model.compile(keras.optimizers.Adam(0.02), loss)
    return model


def relations(model, x=X, y=Y, **how):
    with watching(seed=0) as watch:
        set_seed(0)
        model.fit(x, y, epochs=2, verbose=0, **how)
    (trace,) = watch.traces()
    kinds = ("labels_ignored", "rows_mixed")
    return [(f.kind, f.severity) for f in judge(trace, Policy()) if f.kind in kinds]


def twice_predicted(y, p):
    return ops.mean(ops.square(p - ops.stop_gradient(p) + p - ops.zeros_like(y)))


def without_labels(y, p):
    del y
    return 0.1 * ops.square(p)


def in_integers(y, p):
    return ops.square(ops.cast(ops.cast(y / 100, "int32"), "float32") - p)


def each_with_all(y, p):
    return ops.mean(ops.square(y - ops.squeeze(p, -1)), axis=-1)


def of_means(y, p):
    return ops.square(ops.mean(y, axis=0) - ops.mean(p, axis=0))


class Energy(keras.losses.Loss):
    """Distance of two sets of values."""

    def call(self, y, p):
        across = ops.mean(ops.abs(y - ops.transpose(p)))
        return 2 * across - ops.mean(ops.abs(p - ops.transpose(p)))


@pytest.mark.parametrize(
    ("loss", "kind", "severity"),
    [
        (twice_predicted, "labels_ignored", "error"),
        (without_labels, "labels_ignored", "error"),
        (in_integers, "labels_ignored", "error"),
        (each_with_all, "rows_mixed", "error"),
        (of_means, "rows_mixed", "warning"),
        (Energy(), "rows_mixed", "warning"),
    ],
)
def test_a_loss_that_does_not_take_a_rows_label_for_it_is_found(loss, kind, severity):
    assert relations(net(loss)) == [(kind, severity)]


def test_it_is_seen_by_lossguard_fit_as_well():
    trace = train_once(TRAINER, lambda: net(in_integers), X, Y, steps=4)
    first = next(it for it in judge(trace, Policy()) if it.kind == "labels_ignored")
    assert first.where == "the loss in_integers"
    assert "with other labels in 48 rows its gradient changes by 0" in first.message


def absolute(y, p):
    return ops.abs(y - p)


def squared_by_row(y, p):
    return ops.mean(ops.square(y - p), axis=-1)


def masked_mean(y, p):
    counts = ops.cast(y > 0, "float32")
    return ops.sum(counts * ops.square(y - p)) / ops.maximum(ops.sum(counts), 1.0)


def pairwise(y, p):
    higher = ops.cast(y > ops.transpose(y), "float32")
    return ops.mean(higher * ops.softplus(ops.transpose(p) - p))


def correlation(y, p):
    y, p = y - ops.mean(y), p - ops.mean(p)
    return 1 - ops.sum(y * p) / ops.sqrt(ops.sum(y**2) * ops.sum(p**2) + 1e-6)


def cox(y, p):
    at_risk = ops.cast(ops.transpose(y) >= y, "float32")
    total = ops.log(ops.sum(at_risk * ops.transpose(ops.exp(p)), axis=1) + 1e-6)
    return ops.mean(total - p[:, 0])


def dice(y, p):
    return 1 - 2 * ops.sum(ops.abs(y) * p) / (ops.sum(ops.abs(y)) + ops.sum(p**2) + 1)


def summed(y, p):
    return ops.sum(ops.square(y - p))


def likelihood(y, p):
    return ops.log(1 + ops.exp(p)) + ops.square(y) / (1 + ops.exp(p))


@pytest.mark.parametrize(
    "loss",
    [
        absolute,
        squared_by_row,
        masked_mean,
        pairwise,
        correlation,
        cox,
        dice,
        summed,
        likelihood,
        "mse",
    ],
)
def test_losses_in_which_labels_count_are_fine(loss):
    assert relations(net(loss)) == []


def test_targets_that_no_prediction_has_reached_still_count():
    """The slope of an absolute error is the same for all labels on one side."""
    assert relations(net(absolute), y=Y + 1000) == []
    assert relations(net(lambda y, p: ops.relu(y - p)), y=Y + 1000) == []


def test_classes_and_weights_are_fine():
    def focal(y, p):
        chosen = ops.sum(p * ops.one_hot(ops.cast(y, "int32"), 3), axis=-1)
        return -ops.square(1 - chosen) * ops.log(chosen + 1e-6)

    weights = np.where(CLASSES == 0, 2.0, 1.0)
    assert relations(net(focal, 3, "softmax"), y=CLASSES, sample_weight=weights) == []


def test_labels_that_say_nothing_are_fine():
    """Dummies, an autoencoder by a loss of its own layers, and labels as an input."""
    inputs = keras.Input((4,)), keras.Input((1,))
    both = keras.layers.Concatenate()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1)(both))
    model.compile("adam", without_labels)
    assert relations(model, [X, Y]) == []
    assert relations(net(without_labels), y=np.zeros_like(Y)) == []
    assert relations(net(without_labels, 4), y=X) == []


def test_a_model_with_losses_of_its_own_may_leave_labels_out():
    class Inner(keras.layers.Layer):
        def call(self, inputs):
            self.add_loss(tf.reduce_mean(tf.square(inputs)))
            return inputs

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1), Inner()])
    model.compile("adam", without_labels)
    assert relations(model) == []


def over_the_batch(x):
    return ops.softmax(x, axis=0)


@pytest.mark.parametrize(
    "last",
    [
        keras.layers.Softmax(axis=0),
        keras.layers.Activation(over_the_batch),
        keras.layers.Lambda(lambda x: tf.nn.softmax(x, axis=0)),
    ],
)
def test_a_softmax_over_the_batch_is_an_error(last):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), last])
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    assert relations(model, y=CLASSES) == [("rows_mixed", "error")]


@pytest.mark.parametrize("last", ["softmax", "sigmoid", None])
def test_other_last_activations_are_fine(last):
    losses = {
        "softmax": "sparse_categorical_crossentropy",
        "sigmoid": "binary_crossentropy",
        None: "mse",
    }
    if last == "softmax":
        assert relations(net(losses[last], 3, last), y=CLASSES) == []
    else:
        assert relations(net(losses[last], 1, last), y=(Y > 0).astype("f4")) == []
