"""Losses that take a softmax or sigmoid of values that are the result of one."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests.support.steps import findings_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
CLASS = (X[:, 0] > 0).astype("int32")
FLAG = CLASS[:, None].astype("float32")
HOT = np.eye(3, dtype="float32")[CLASS]

sparse = tf.nn.sparse_softmax_cross_entropy_with_logits
dense = tf.nn.softmax_cross_entropy_with_logits
binary = tf.nn.sigmoid_cross_entropy_with_logits


def net(activation):
    units = 1 if activation == "sigmoid" else 3
    return keras.Sequential([layers.Dense(8, "relu"), layers.Dense(units, activation)])


def found(train):
    kind = "activated_twice"
    return [it.message for it in findings_of(train) if it.kind == kind]


def loop(activation, loss, wrap):
    """Train by a loss of ``(y, outputs)``."""

    def train():
        model, optimizer = net(activation), keras.optimizers.Adam(0.01)
        model(X)
        optimizer.build(model.trainable_variables)
        y = tf.constant(FLAG if activation == "sigmoid" else HOT)

        @wrap
        def step(x, y):
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(loss(y, model(x, training=True)))
            slopes = tape.gradient(value, model.trainable_variables)
            optimizer.apply(slopes, model.trainable_variables)

        for _ in range(4):
            step(tf.constant(X), y)

    return train


TWICE = [
    ("softmax", dense),
    ("softmax", lambda y, p: sparse(tf.argmax(y, -1), p)),
    ("softmax", lambda y, p: -tf.reduce_sum(y * tf.nn.log_softmax(p), -1)),
    ("softmax", lambda y, p: (y - tf.nn.softmax(p / 2.0)) ** 2),
    ("softmax", lambda y, p: dense(tf.nn.softmax(tf.stop_gradient(p)), p + 0.0 * y)),
    ("sigmoid", binary),
    ("sigmoid", lambda y, p: (y - tf.sigmoid(p)) ** 2),
    ("sigmoid", lambda y, p: tf.nn.softplus(-p) * y),
]
ONCE = [
    (None, dense),
    ("softmax", keras.losses.CategoricalCrossentropy()),
    ("softmax", keras.losses.CategoricalCrossentropy(from_logits=True)),
    ("softmax", lambda y, p: -tf.reduce_sum(y * tf.math.log(p + 1e-7), -1)),
    ("softmax", lambda y, p: dense(y, tf.math.log(p + 1e-7))),
    ("softmax", lambda y, p: (y - tf.nn.softmax(p / 0.05)) ** 2),
    ("sigmoid", keras.losses.BinaryCrossentropy()),
    ("sigmoid", keras.losses.BinaryCrossentropy(from_logits=True)),
    ("sigmoid", lambda y, p: -y * tf.math.log(p) - (1 - y) * tf.math.log1p(-p)),
]
WRAPS = pytest.mark.parametrize(
    "wrap", [tf.function, lambda step: step], ids=["traced", "eager"]
)


@WRAPS
@pytest.mark.parametrize(("activation", "loss"), TWICE)
def test_an_activation_that_a_loss_takes_again_is_named(activation, loss, wrap):
    (said,) = found(loop(activation, loss, wrap))
    assert f"applies {activation} to values that are already the result of" in said
    assert "test_activated_twice.py:" in said


@WRAPS
@pytest.mark.parametrize(("activation", "loss"), ONCE)
def test_one_activation_and_logits_are_right(activation, loss, wrap):
    assert found(loop(activation, loss, wrap)) == []


@WRAPS
def test_what_a_step_only_reports_is_not_its_loss(wrap):
    def train():
        model, optimizer = net("softmax"), keras.optimizers.Adam(0.01)
        model(X)
        optimizer.build(model.trainable_variables)

        @wrap
        def step(x, y):
            with tf.GradientTape() as tape:
                outputs = model(x, training=True)
                shown = tf.nn.softmax(outputs)
                value = keras.losses.CategoricalCrossentropy()(y, outputs)
            slopes = tape.gradient(value, model.trainable_variables)
            optimizer.apply(slopes, model.trainable_variables)
            return shown

        for _ in range(4):
            step(tf.constant(X), tf.constant(HOT))

    assert found(train) == []


def test_fit_with_a_loss_function_of_logits():
    def train(activation):
        model = net(activation)
        model.compile("adam", lambda y, p: dense(y, p))
        model.fit(X, HOT, epochs=2, verbose=0)

    (said,) = found(lambda: train("softmax"))
    assert "none of 3 classes can get a probability above 58%" in said
    assert found(lambda: train(None)) == []


def test_attention_takes_a_softmax_of_products():
    def train():
        start = keras.Input((6, 4))
        inner = layers.MultiHeadAttention(2, 4)(start, start)
        inner = layers.MultiHeadAttention(2, 4)(inner, inner)
        out = layers.Dense(3, "softmax")(layers.GlobalAveragePooling1D()(inner))
        model = keras.Model(start, out)
        model.compile("adam", "categorical_crossentropy")
        model.fit(np.repeat(X[:, None], 6, 1), HOT, epochs=1, verbose=0)

    assert found(train) == []
