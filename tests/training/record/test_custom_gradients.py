"""Gradients written by hand, right, wrong and other by intent."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training.record.custom_gradients import CustomGradients
from tests.support.steps import findings_of, train


def bent(factor=1.0):
    @tf.custom_gradient
    def bent(x):
        y = tf.tanh(x)
        return y, lambda upstream: factor * upstream * (1 - y**2)

    return bent


def net(function):
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.Lambda(function), layers.Dense(1)]
    )


def wrong_gradients(function, wrap=tf.function):
    model = net(function)
    found = findings_of(
        lambda: train(model, lambda m, x: m(x, training=True), wrap=wrap)
    )
    return [it for it in found if it.kind == "custom_gradient_wrong"]


@pytest.mark.parametrize("wrap", [tf.function, lambda it: it], ids=["graph", "eager"])
def test_a_sign_that_is_wrong_is_reported_with_both_slopes(wrap):
    (it,) = wrong_gradients(bent(-1.0), wrap)
    assert it.severity == "warning"
    assert it.value == pytest.approx(-it.limit, rel=1e-4)
    assert it.where.startswith("test_custom_gradients.py:")
    assert wrong_gradients(bent(), wrap) == []


def looked_at(function, *args):
    known = CustomGradients()
    known.add(function, args, {})
    return known.wrong()


ROWS = tf.zeros((2, 3))


def doubled(x):
    return x**3, lambda up: 6 * x**2 * up


def exchanged(x, y):
    return x * y, lambda up: (up * x, up * y)


def right(x, y):
    return x * y + tf.sin(x), lambda up: (up * (y + tf.cos(x)), up * x)


def of_part(x, labels):
    """No gradient for labels."""
    return x * labels, lambda up: (up * labels, None)


def stable(x):
    raised = tf.exp(x)
    return tf.math.log1p(raised), lambda up: up * (1 - 1 / (1 + raised))


def nearly(x):
    """A gradient by approximation."""
    return tf.tanh(x), lambda up: up * (1 - tf.tanh(x) ** 2) * 1.03


def turned_by(factor):
    return lambda x: (tf.identity(x), lambda up: -factor * up)


def rounded(x):
    return tf.round(4 * x) / 4, lambda up: up


def spike(x):
    return tf.cast(x > 0, x.dtype), lambda up: up / (1 + tf.abs(x)) ** 2


def clipped(x):
    return tf.tanh(x), lambda up: tf.clip_by_norm(up * (1 - tf.tanh(x) ** 2), 1.0)


def lower_bound(x):
    """Passes what would bring a number back."""

    def slope(up):
        return tf.where((x >= 0.1) | (up < 0), up, tf.zeros_like(up))

    return tf.maximum(x, 0.1), slope


def stopped(x):
    return tf.tanh(x), tf.zeros_like


def straight_through_sigmoid(x):
    return tf.sigmoid(x), lambda up: up


def random(x):
    return x * tf.cast(tf.random.uniform(x.shape) > 0.5, x.dtype), lambda up: 3 * up


def in_single_precision(x):
    return tf.cast(x, tf.float32) * 2, lambda up: up


@pytest.mark.parametrize(("function", "args"), [(doubled, 1), (exchanged, 2)])
def test_factors_and_the_order_of_arguments_are_seen(function, args):
    (found,) = looked_at(function, *[ROWS] * args)
    assert found.name == function.__name__
    assert abs(found.given - found.real) > 0.1 * abs(found.real)


FINE = (right, of_part, stable, nearly, turned_by(1.0), turned_by(-0.1), rounded)
FINE += (spike, clipped, lower_bound, stopped, straight_through_sigmoid, random)
FINE += (in_single_precision,)


@pytest.mark.parametrize("function", FINE)
def test_right_ones_and_those_that_differ_by_intent_are_left_alone(function):
    arguments = function.__code__.co_argcount
    assert looked_at(function, *[ROWS] * arguments) == ()


def test_what_is_called_with_other_things_or_in_an_unknown_shape():
    def powered(x, power):
        return x**power, lambda up: (2 * power * up * x ** (power - 1), None)

    with tf.Graph().as_default():
        unknown = tf.compat.v1.placeholder(tf.float32, (None, 2))
        counts = tf.compat.v1.placeholder(tf.int32, (None,))
    assert [it.name for it in looked_at(powered, unknown, 3.0)] == ["powered"]
    assert looked_at(powered, unknown, counts) == ()


def test_what_was_looked_at_is_not_changed_by_it():
    state = np.random.default_rng(0).normal(size=3)
    given = tf.Variable(state)
    looked_at(lambda x: (x * given, lambda up: up), tf.zeros(3, tf.float64))
    np.testing.assert_array_equal(given.numpy(), state)
