"""Hand-written training loops of many kinds, each a function of a learning rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tests.support.programs import mlp, regression

STEPS = 40
X, Y = (tf.constant(it) for it in regression())


def adam(rate: float) -> Any:
    return keras.optimizers.Adam(rate)


def squared(y: Any, y_pred: Any) -> Any:
    return tf.reduce_mean(tf.square(y - y_pred))


def plain(rate: float, wrap: Callable[..., Any] = lambda step: step) -> None:
    """The loop of the Keras guides."""
    model, optimizer = mlp(), adam(rate)
    loss_of = keras.losses.MeanSquaredError()
    optimizer.build(model.trainable_variables)

    @wrap
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    for _ in range(STEPS):
        step(X, Y)


def compiled(rate: float) -> None:
    plain(rate, tf.function(jit_compile=True))


def persistent(rate: float) -> None:
    """A persistent tape, used for the step and for a saliency map."""
    model, optimizer = mlp(), adam(rate)
    loss_of = keras.losses.MeanSquaredError()
    for _ in range(STEPS):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(X)
            loss = loss_of(Y, model(X, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        tape.gradient(loss, X)
        del tape
        optimizer.apply(gradients, model.trainable_variables)


def clipped(rate: float) -> None:
    """Gradients clipped by the user before the optimizer gets them."""
    model, optimizer = mlp(), adam(rate)
    loss_of = keras.losses.MeanSquaredError()

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = loss_of(Y, model(X, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 0.5)
        optimizer.apply(gradients, model.trainable_variables)

    optimizer.build(model.trainable_variables)
    for _ in range(STEPS):
        step()


def penalized(rate: float) -> None:
    """A nested tape for a penalty on the norm of the gradients of the inputs."""
    model, optimizer = mlp(), adam(rate)
    loss_of = keras.losses.MeanSquaredError()
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(x)
                out = model(x, training=True)
            slopes = inner.gradient(out, x)
            penalty = tf.reduce_mean(tf.reduce_sum(slopes**2, axis=-1))
            loss = loss_of(y, out) + 0.01 * penalty
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    for _ in range(STEPS):
        step(X, Y)


def accumulated(rate: float) -> None:
    """Gradients of four micro-batches per update, summed in variables."""
    model, optimizer = mlp(), adam(rate)
    loss_of = keras.losses.MeanSquaredError()
    optimizer.build(model.trainable_variables)
    sums = [tf.Variable(tf.zeros(it.shape)) for it in model.trainable_variables]

    @tf.function
    def gather(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True)) / 4
        gradients = tape.gradient(loss, model.trainable_variables)
        for total, gradient in zip(sums, gradients, strict=True):
            total.assign_add(gradient)

    @tf.function
    def update() -> None:
        optimizer.apply(sums, model.trainable_variables)
        for total in sums:
            total.assign(tf.zeros_like(total))

    for _ in range(STEPS):
        for part in range(4):
            gather(X[part * 25 : part * 25 + 25], Y[part * 25 : part * 25 + 25])
        update()


def meta_learned(rate: float) -> None:
    """Meta-learning: a tape that differentiates through a step of gradient descent."""
    weight, bias = tf.Variable(tf.zeros([4, 1])), tf.Variable(tf.zeros([1]))
    optimizer = adam(rate)
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                task = squared(Y[:50], X[:50] @ weight + bias)
            down, down_bias = inner.gradient(task, [weight, bias])
            ahead = X[50:] @ (weight - 0.1 * down) + bias - 0.1 * down_bias
            loss = squared(Y[50:], ahead)
        optimizer.apply(tape.gradient(loss, [weight, bias]), [weight, bias])


class Line(tf.Module):
    """A linear model without Keras layers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = tf.Variable(tf.zeros([4, 1]), name="weight")
        self.bias = tf.Variable(tf.zeros([1]), name="bias")

    def __call__(self, x: Any) -> Any:
        return x @ self.weight + self.bias


def module(rate: float) -> None:
    """A `tf.Module` and a hand-written loss."""
    model, optimizer = Line(), adam(rate)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = squared(Y, model(X))
        optimizer.apply(
            tape.gradient(loss, model.trainable_variables), model.trainable_variables
        )

    optimizer.build(model.trainable_variables)
    for _ in range(STEPS):
        step()


def loss_scaled(rate: float) -> None:
    """Hand-written half precision with an optimizer that is built in its first step."""
    model, optimizer = mlp(), keras.optimizers.LossScaleOptimizer(adam(rate))
    loss_of = keras.losses.MeanSquaredError()
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(loss_of(Y, model(X, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)


def two_optimizers(rate: float) -> None:
    """One tape and one loss, with the layers of a model split among two optimizers."""
    model = mlp()
    hidden, head = (layer.trainable_variables for layer in model.layers)
    optimizers = adam(rate), keras.optimizers.RMSprop(rate)
    loss_of = keras.losses.MeanSquaredError()
    for _ in range(STEPS):
        with tf.GradientTape(persistent=True) as tape:
            loss = loss_of(Y, model(X, training=True))
        for optimizer, part in zip(optimizers, (hidden, head), strict=True):
            optimizer.apply(tape.gradient(loss, part), part)


def dense(units: int, *, inputs: int, outputs: int = 1) -> keras.Model:
    layers = [keras.layers.Dense(units, "leaky_relu"), keras.layers.Dense(outputs)]
    return keras.Sequential([keras.Input((inputs,)), *layers])


def gan(rate: float) -> None:
    """Generator and discriminator of a shifted normal distribution, with both tapes
    open.
    """
    generator, discriminator = dense(16, inputs=2, outputs=2), dense(16, inputs=2)
    optimizers = adam(rate), adam(rate)
    loss_of = keras.losses.BinaryCrossentropy(from_logits=True)
    for optimizer, model in zip(optimizers, (generator, discriminator), strict=True):
        optimizer.build(model.trainable_variables)

    @tf.function
    def step(real: Any, noise: Any) -> None:
        with tf.GradientTape() as making, tf.GradientTape() as criticizing:
            fake = generator(noise, training=True)
            score_of_real = discriminator(real, training=True)
            score_of_fake = discriminator(fake, training=True)
            fooled = loss_of(tf.ones_like(score_of_fake), score_of_fake)
            scored = loss_of(tf.ones_like(score_of_real), score_of_real)
            scored += loss_of(tf.zeros_like(score_of_fake), score_of_fake)
        made = making.gradient(fooled, generator.trainable_variables)
        found = criticizing.gradient(scored, discriminator.trainable_variables)
        optimizers[0].apply(made, generator.trainable_variables)
        optimizers[1].apply(found, discriminator.trainable_variables)

    for _ in range(120):
        noise = tf.random.normal([64, 4])
        step(noise[:, :2] + 2.0, noise[:, 2:])


def wgan(rate: float) -> None:
    """WGAN with a gradient penalty and five critic steps per generator step."""
    generator, critic = dense(16, inputs=2, outputs=2), dense(16, inputs=2)
    optimizers = adam(rate), adam(rate)
    for optimizer, model in zip(optimizers, (generator, critic), strict=True):
        optimizer.build(model.trainable_variables)

    def penalty_of(real: Any, fake: Any) -> Any:
        between = fake + tf.random.uniform([64, 1]) * (real - fake)
        with tf.GradientTape() as inner:
            inner.watch(between)
            score = critic(between, training=True)
        slopes = tf.norm(inner.gradient(score, between), axis=-1)
        return tf.reduce_mean((slopes - 1.0) ** 2)

    @tf.function
    def criticise(real: Any, noise: Any) -> None:
        with tf.GradientTape() as tape:
            fake = generator(noise, training=True)
            distance = tf.reduce_mean(critic(fake)) - tf.reduce_mean(critic(real))
            loss = distance + 10.0 * penalty_of(real, fake)
        gradients = tape.gradient(loss, critic.trainable_variables)
        optimizers[1].apply(gradients, critic.trainable_variables)

    @tf.function
    def generate(noise: Any) -> None:
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(critic(generator(noise, training=True)))
        gradients = tape.gradient(loss, generator.trainable_variables)
        optimizers[0].apply(gradients, generator.trainable_variables)

    for _ in range(STEPS):
        for _ in range(5):
            noise = tf.random.normal([64, 4])
            criticise(noise[:, :2] + 2.0, noise[:, 2:])
        generate(tf.random.normal([64, 2]))
