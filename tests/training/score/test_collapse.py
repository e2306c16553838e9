"""Nets whose loss cannot be scored: do they still tell rows apart?"""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching

X = np.random.default_rng(0).standard_normal((32, 12)).astype("float32")


def net(inputs, outputs, **how):
    return keras.Sequential([keras.Input((inputs,)), layers.Dense(outputs, **how)])


def traces_of(body):
    set_seed(0)
    with watching(seed=0) as watch:
        body()
    return watch.traces()


def kinds(traces):
    found = (it for trace in traces for it in judge(trace, Policy()))
    return {it.kind for it in found if it.severity == "error"}


def descended(nets, loss_of, wrap=tf.function, steps=60, rate=0.05):
    variables = [it for one in nets for it in one.trainable_variables]
    optimizer = keras.optimizers.Adam(rate)

    @wrap
    def step(x):
        with tf.GradientTape() as tape:
            loss = loss_of(x)
        optimizer.apply(tape.gradient(loss, variables), variables)

    for _ in range(steps):
        step(tf.constant(X))


def variational(weight, wrap=tf.function):
    def body():
        encoder, decoder = net(12, 4), net(2, 12)

        def loss_of(x):
            mean, spread = tf.split(encoder(x, training=True), 2, axis=1)
            z = mean + tf.exp(spread / 2) * tf.random.normal(tf.shape(mean))
            missed = tf.reduce_sum((decoder(z, training=True) + 1 - x) ** 2, 1)
            bits = tf.reduce_sum(tf.exp(spread) + mean**2 - 1 - spread, 1)
            return tf.reduce_mean(missed + weight * bits)

        descended([encoder, decoder], loss_of, wrap, steps=150)

    return body


def views(keeps_apart):
    """Two views of each row, drawn together."""

    def body():
        first = layers.Dense(32, "relu")
        encoder = keras.Sequential([keras.Input((12,)), first, layers.Dense(6)])

        def units(x):
            seen = x + tf.random.normal(tf.shape(x), stddev=0.3)
            return tf.math.l2_normalize(encoder(seen, training=True), axis=1)

        def loss_of(x):
            one, other = units(x), units(x)
            loss = -tf.reduce_mean(tf.reduce_sum(one * other, 1))
            if keeps_apart:
                loss += tf.reduce_mean(tf.matmul(one, other, transpose_b=True) ** 2)
            return loss

        descended([encoder], loss_of, steps=200, rate=0.01)

    return body


def constant_generator(dead):
    """A generator against a discriminator; dead, it cannot but say one thing."""

    def body():
        generator = net(3, 2, bias_initializer="ones")
        critic = net(2, 1)
        if dead:
            generator = keras.Sequential(
                [
                    keras.Input((3,)),
                    layers.Dense(4, "relu", bias_initializer="ones"),
                    layers.Dense(2, bias_initializer="ones"),
                ]
            )
        ways = [keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)]

        @tf.function
        def step(x):
            noise = tf.random.normal((16, 3))
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(critic(generator(noise)) - critic(x[:16, :2]))
            slopes = tape.gradient(loss, critic.trainable_variables)
            ways[0].apply(slopes, critic.trainable_variables)
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(critic(generator(noise)))
            slopes = tape.gradient(loss, generator.trainable_variables)
            ways[1].apply(slopes, generator.trainable_variables)

        step(tf.constant(X))
        if dead:
            generator.layers[0].bias.assign(4 * [-100.0])
        for _ in range(10):
            step(tf.constant(X))

    return body


def own_loss(x, y):
    """A loss by hand, of targets that hardly differ or that are alike."""

    def body():
        model = net(x.shape[1], y.shape[1])
        optimizer = keras.optimizers.Adam(0.05)

        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)

        for _ in range(150):
            step(tf.constant(x), tf.constant(y))

    return body


BROKEN = {
    "posterior": variational(50.0),
    "posterior, eager": variational(50.0, lambda step: step),
    "embedding": views(keeps_apart=False),
    "generator": constant_generator(dead=True),
}
GOOD = {
    "variational": variational(0.05),
    "variational, eager": variational(0.05, lambda step: step),
    "embedding": views(keeps_apart=True),
    "generator": constant_generator(dead=False),
    "targets near 1": own_loss(X, 1 + 0.005 * X[:, :1]),
    "targets that are alike": own_loss(X, 3 + 0.5 * np.tile(X[:, :1], (1, 5))),
}


@pytest.mark.parametrize("case", BROKEN)
def test_nets_that_give_every_row_the_same_fail(case):
    assert kinds(traces_of(BROKEN[case])) == {"predictions_ignore_inputs"}


@pytest.mark.parametrize("case", GOOD)
def test_nets_that_tell_rows_apart_do_not(case):
    assert "predictions_ignore_inputs" not in kinds(traces_of(GOOD[case]))


def test_looking_leaves_weights_and_random_numbers_as_they_were():
    def body():
        encoder.set_weights(first)
        descended([encoder], lambda x: tf.reduce_mean(encoder(x) ** 2), steps=5)

    encoder = net(12, 6)
    first = encoder.get_weights()
    set_seed(3)
    body()
    plain = encoder.get_weights(), tf.random.normal((3,)).numpy()
    set_seed(3)
    with watching(seed=3) as watch:
        body()
    (trace,) = watch.traces()

    assert len(trace.spreads) == 1
    np.testing.assert_array_equal(plain[0][0], encoder.get_weights()[0])
    np.testing.assert_array_equal(plain[1], tf.random.normal((3,)).numpy())
