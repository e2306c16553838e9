"""Models trained by custom losses whose outputs are the same for every row."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = X @ np.float32([[1], [-1], [0.5], [2]])


def net(units=3, last=None, scale=1.0):
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Rescaling(scale),
            keras.layers.Dense(8, "tanh"),
            keras.layers.Dense(units, last),
        ]
    )


def trained(model, loss, wrap=lambda it: it, rate=0.05, times=10):
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)

    @wrap
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        slopes = tape.gradient(value, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)

    def body():
        for _ in range(times):
            for start in range(0, 64, 16):
                rows = slice(start, start + 16)
                step(tf.constant(X[rows]), tf.constant(Y[rows]))

    return body


def found(make):
    with watching(seed=0) as watch:
        set_seed(0)
        make()()
    (trace,) = watch.traces()
    kinds = ("predictions_ignore_inputs", "inputs_ignored")
    return [it.kind for it in judge(trace, Policy()) if it.kind in kinds]


def squared(y, p):
    return tf.reduce_mean(tf.square(y - p))


def only_together(y, p):
    """A contrastive loss without what keeps rows apart."""
    del y
    unit = tf.nn.l2_normalize(p, axis=-1)
    return tf.reduce_mean(tf.square(unit - tf.roll(unit, 1, axis=0)))


def apart_too(y, p):
    alike = tf.matmul(p, p, transpose_b=True)
    return only_together(y, p) + tf.reduce_mean(tf.nn.softplus(alike))


@pytest.mark.parametrize("wrap", [lambda it: it, tf.function], ids=["eager", "graph"])
def test_inputs_that_a_model_never_used_are_an_error(wrap):
    assert found(lambda: trained(net(1, scale=0.0), squared, wrap)) == [
        "inputs_ignored"
    ]
    assert found(lambda: trained(net(1), squared, wrap)) == []


def test_outputs_that_collapsed_are_an_error():
    def shrunk(y, p):
        del y
        return tf.reduce_mean(tf.nn.relu(p + 1))

    assert found(lambda: trained(net(1, "relu"), shrunk, tf.function, times=40)) == [
        "predictions_ignore_inputs"
    ]
    assert found(lambda: trained(net(3), apart_too, tf.function, times=40)) == []


def test_a_step_of_ones_own_in_fit_is_seen():
    class Own(keras.Model):
        def __init__(self, scale):
            super().__init__()
            self.inner = net(1, scale=scale)

        def call(self, x):
            return self.inner(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = squared(y, self.inner(x, training=True))
            slopes = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(slopes, self.trainable_variables)
            return {"loss": loss}

    def fit(scale):
        def body():
            model = Own(scale)
            model.compile(keras.optimizers.Adam(0.05))
            model.fit(X, Y, epochs=4, verbose=0)

        return lambda: body

    assert found(fit(0.0)) == ["inputs_ignored"]
    assert found(fit(1.0)) == []


def always_first(y, p):
    """A policy for which one action is best, whatever the state."""
    del y
    return -tf.reduce_mean(p[:, 0])


def test_a_policy_that_settles_on_one_action_is_fine():
    for policy in (net(3, "softmax"), net(1, "tanh")):
        assert (
            found(
                lambda it=policy: trained(
                    it, always_first, tf.function, rate=0.3, times=40
                )
            )
            == []
        )


def test_outputs_far_from_zero_and_noise_are_fine():
    def far(y, p):
        return tf.reduce_mean(tf.square(y + 1000 - (p + 1000)))

    noisy = keras.Sequential([net(1), keras.layers.GaussianNoise(0.5)])
    assert found(lambda: trained(net(1), far)) == []
    assert found(lambda: trained(noisy, squared)) == []
