"""GANs, VAEs, and losses that compare rows with each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_lossguard import check_model

from .data import Rows, batches, digits
from .kit import dense, descended
from .report import WRITTEN, Report

__all__ = ["REPORTS"]


# GANs: points around (2, -1), whose mean and spread are to be matched


def _points(rows: int = 512) -> Any:
    generator = np.random.default_rng(0)
    known = generator.standard_normal((rows, 2)) * [0.6, 0.3] + [2.0, -1.0]
    return known.astype("float32")


def _players() -> tuple[Any, Any]:
    from keras import layers

    generator = dense((4,), layers.Dense(16, "relu"), layers.Dense(2))
    critic = dense((2,), layers.Dense(16, "relu"), layers.Dense(1))
    return generator, critic


def _met(generator: Any) -> float:
    """Return minus the distance of the generated mean and spread from the real ones."""
    noise = np.random.default_rng(1).standard_normal((400, 4)).astype("float32")
    made, real = np.asarray(generator(noise)), _points()
    apart = np.abs(made.mean(0) - real.mean(0)).max()
    return -float(apart + np.abs(made.std(0) - real.std(0)).max())


def _frozen_discriminator(fixed: bool) -> float:
    """``trainable = False`` after compiling the discriminator, as in the GANs of Keras
    2; in Keras 3 this also freezes the discriminator in its own training.
    """
    import keras

    generator, critic = _players()
    critic.compile(
        keras.optimizers.Adam(0.005, beta_1=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    critic.trainable = False
    noise = keras.Input((4,))
    both = keras.Model(noise, critic(generator(noise)))
    both.compile(
        keras.optimizers.Adam(0.005, beta_1=0.5),
        keras.losses.BinaryCrossentropy(from_logits=True),
    )
    real, draw = _points(), np.random.default_rng(2)
    for at in range(200):
        z = draw.standard_normal((32, 4)).astype("float32")
        rows = real[32 * (at % 16) :][:32]
        critic.trainable = fixed
        critic.train_on_batch(rows, np.ones((32, 1)))
        critic.train_on_batch(np.asarray(generator(z)), np.zeros((32, 1)))
        critic.trainable = False
        both.train_on_batch(z, np.ones((32, 1)))
    return _met(generator)


def _adversarial(
    critic_loss: Any, generator_loss: Any, *, critic_steps: int = 1, steps: int = 300
) -> Any:
    """Train a GAN in a custom loop and return its generator."""
    import keras
    import tensorflow as tf

    generator, critic = _players()
    ways = [keras.optimizers.Adam(0.004, beta_1=0.5) for _ in range(2)]

    @tf.function
    def train_critic(x: Any) -> None:
        noise = tf.random.normal((32, 4))
        with tf.GradientTape() as tape:
            made = generator(noise, training=True)
            loss = critic_loss(critic, x, made)
        variables = critic.trainable_variables
        ways[0].apply(tape.gradient(loss, variables), variables)

    @tf.function
    def train_generator() -> None:
        noise = tf.random.normal((32, 4))
        with tf.GradientTape() as tape:
            loss = generator_loss(critic, generator(noise, training=True))
        variables = generator.trainable_variables
        ways[1].apply(tape.gradient(loss, variables), variables)

    real, draw = _points(), np.random.default_rng(2)
    for _ in range(steps):
        for _ in range(critic_steps):
            train_critic(tf.constant(real[draw.integers(0, len(real), 32)]))
        train_generator()
    return generator


def _cross_entropy() -> Any:
    import keras

    return keras.losses.BinaryCrossentropy(from_logits=True)


def _tell_apart(critic: Any, real: Any, made: Any) -> Any:
    import tensorflow as tf

    scores = critic(tf.concat([real, made], 0), training=True)
    labels = tf.concat([tf.ones((32, 1)), tf.zeros((32, 1))], 0)
    return _cross_entropy()(labels, scores)


def _fool(critic: Any, made: Any) -> Any:
    import tensorflow as tf

    return _cross_entropy()(tf.ones((32, 1)), critic(made, training=True))


def _never_fooled(fixed: bool) -> float:
    """The generator is trained with labels 0 and so helps the discriminator."""
    import tensorflow as tf

    def loss(critic: Any, made: Any) -> Any:
        return _cross_entropy()(tf.zeros((32, 1)), critic(made, training=True))

    return _met(_adversarial(_tell_apart, _fool if fixed else loss))


def _penalty(critic: Any, real: Any, made: Any, share: Any) -> Any:
    import tensorflow as tf

    between = share * real + (1 - share) * made
    with tf.GradientTape() as tape:
        tape.watch(between)
        scores = critic(between, training=True)
    slope = tf.norm(tape.gradient(scores, between) + 1e-12, axis=1)
    return tf.reduce_mean((slope - 1) ** 2)


def _wasserstein(fixed: bool) -> float:
    """WGAN-GP with the sign of the critic's loss reversed."""
    import tensorflow as tf

    sign = 1.0 if fixed else -1.0

    def critic_loss(critic: Any, real: Any, made: Any) -> Any:
        there = critic(real, training=True), critic(made, training=True)
        apart = tf.reduce_mean(there[1]) - tf.reduce_mean(there[0])
        share = tf.random.uniform((32, 1))
        return sign * apart + 10 * _penalty(critic, real, made, share)

    def generator_loss(critic: Any, made: Any) -> Any:
        return -tf.reduce_mean(critic(made, training=True))

    return _met(_adversarial(critic_loss, generator_loss, critic_steps=3, steps=150))


def _of_condition(fixed: bool) -> Any:
    """Return a generator of noise and a condition; the broken one ignores the
    condition.
    """
    import keras
    from keras import layers

    given = keras.Input((4,)), keras.Input((2,))
    kind = given[1] if fixed else layers.Rescaling(0.0)(given[1])
    inner = layers.Dense(24, "relu")(layers.Concatenate()([given[0], kind]))
    return keras.Model(given, layers.Dense(2)(inner))


def _condition_checked(fixed: bool) -> None:
    draw = np.random.default_rng(0)
    kind = np.eye(2, dtype="float32")[draw.integers(0, 2, 64)]
    noise = draw.standard_normal((64, 4)).astype("float32")
    check_model(lambda: _of_condition(fixed), (noise, kind))


def _conditional(fixed: bool) -> float:
    """A conditional generator that never gets its condition: two classes, each with its
    own mean. The score compares half the distance of the generated means with the real
    one.
    """
    import keras
    import tensorflow as tf
    from keras import layers

    generator = _of_condition(fixed)
    critic = dense((4,), layers.Dense(24, "relu"), layers.Dense(1))
    ways = [keras.optimizers.Adam(0.004, beta_1=0.5) for _ in range(2)]
    loss_fn = _cross_entropy()

    def made_of(noise: Any, kind: Any) -> Any:
        return generator((noise, kind), training=True)

    @tf.function
    def step(x: Any, kind: Any) -> None:
        noise = tf.random.normal((32, 4))
        with tf.GradientTape() as tape:
            rows = tf.concat([x, made_of(noise, kind)], 0)
            scores = critic(tf.concat([rows, tf.tile(kind, (2, 1))], 1), training=True)
            labels = tf.concat([tf.ones((32, 1)), tf.zeros((32, 1))], 0)
            loss = loss_fn(labels, scores)
        variables = critic.trainable_variables
        ways[0].apply(tape.gradient(loss, variables), variables)
        with tf.GradientTape() as tape:
            made = made_of(noise, kind)
            scores = critic(tf.concat([made, kind], 1), training=True)
            loss = loss_fn(tf.ones((32, 1)), scores)
        variables = generator.trainable_variables
        ways[1].apply(tape.gradient(loss, variables), variables)

    draw = np.random.default_rng(2)
    for _ in range(300):
        classes = draw.integers(0, 2, 32)
        kind = np.eye(2, dtype="float32")[classes]
        x = 0.3 * draw.standard_normal((32, 2)) + np.where(kind[:, :1], 1.0, -1.0)
        step(tf.constant(x, tf.float32), tf.constant(kind))
    noise = draw.standard_normal((400, 4)).astype("float32")
    means = [
        np.asarray(made_of(noise, np.tile(np.eye(2, dtype="float32")[it], (400, 1))))
        for it in (0, 1)
    ]
    return -abs(float((means[0].mean() - means[1].mean()) / 2) - 1.0)


# VAEs


def _variational(weight: float, *, sign: float = 1.0, draws: bool = True) -> float:
    """Train a VAE on the digits and return its score: the share of variance explained
    by the reconstructions, minus a penalty if the codes are far from a standard normal.
    """
    import keras
    import tensorflow as tf
    from keras import layers

    rows = digits()
    encoder = dense((64,), layers.Dense(48, "relu"), layers.Dense(16))
    decoder = dense((8,), layers.Dense(48, "relu"), layers.Dense(64))

    def loss_of(x: Any, _: Any) -> Any:
        mean, log_variance = tf.split(encoder(x, training=True), 2, axis=1)
        noise = tf.random.normal(tf.shape(mean)) if draws else 0.0
        z = mean + tf.exp(log_variance / 2) * noise
        missed = tf.reduce_sum((decoder(z, training=True) - x) ** 2, axis=1)
        bits = 1 + log_variance - mean**2 - tf.exp(log_variance)
        return tf.reduce_mean(
            missed / 0.2 + weight * sign * -tf.reduce_sum(bits, 1) / 2
        )

    variables = encoder.trainable_variables + decoder.trainable_variables
    data = batches(rows, epochs=20)
    descended(loss_of, variables, data, keras.optimizers.Adam(0.004))
    codes = np.asarray(encoder(rows.held_x))
    found = np.asarray(decoder(codes[:, :8]))
    missed = np.mean((rows.held_x - found) ** 2)
    spread = codes[:, :8].var(0) + np.exp(codes[:, 8:]).mean(0)
    off = max(0.0, float(np.abs(np.log(spread)).max()) - 1.0)
    kept = float(1 - missed / np.mean((rows.held_x - rows.held_x.mean(0)) ** 2))
    return max(kept - off, -9.0) if np.isfinite(kept) else -9.0


# Rows compared with each other


def _embedding() -> Any:
    from keras import layers

    return dense((64,), layers.Dense(48, "relu"), layers.Dense(8))


def _nearest(encoder: Any, rows: Rows) -> float:
    """Return the share of held-out rows whose nearest training row has their class."""
    known, held = (_unit(encoder(it)) for it in (rows.x, rows.held_x))
    return float(np.mean(rows.y[(held @ known.T).argmax(1)] == rows.held_y))


def _unit(rows: Any) -> Any:
    rows = np.asarray(rows)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def _contrastive(fixed: bool) -> float:
    """Pairs: 1 means the same class in the data, but different classes in the loss."""
    import keras
    import tensorflow as tf

    rows, encoder = digits(), _embedding()
    draw = np.random.default_rng(0)
    others = draw.permutation(len(rows.x))
    same = np.array([draw.choice(np.flatnonzero(rows.y == it)) for it in rows.y])
    pairs = np.where(draw.random(len(others)) < 0.5, others, same)
    x = np.stack([rows.x, rows.x[pairs]], axis=1)
    alike = (rows.y == rows.y[pairs]).astype("float32")

    def loss_of(x: Any, alike: Any) -> Any:
        one, other = encoder(x[:, 0], training=True), encoder(x[:, 1], training=True)
        apart = tf.sqrt(tf.reduce_sum((one - other) ** 2, 1) + 1e-6)
        near = alike if fixed else 1 - alike
        far = tf.maximum(2.0 - apart, 0.0) ** 2
        return tf.reduce_mean(near * apart**2 + (1 - near) * far)

    data = batches(Rows(x, alike, None, None), epochs=12)
    descended(loss_of, encoder.trainable_variables, data, keras.optimizers.Adam(0.003))
    return _nearest(encoder, rows)


def _self_distilled(fixed: bool) -> float:
    """SimSiam without stopping the gradient and without a predictor, so that all
    embeddings collapse to one. The score is how far embeddings of different rows point
    apart.
    """
    import keras
    import tensorflow as tf
    from keras import layers

    rows = digits()
    encoder = dense(
        (64,),
        layers.Dense(48, use_bias=False),
        *([layers.BatchNormalization()] if fixed else []),
        layers.ReLU(),
        layers.Dense(8),
        *([layers.BatchNormalization()] if fixed else []),
    )
    predictor = dense((8,), layers.Dense(16, "relu"), layers.Dense(8))

    def seen(x: Any) -> Any:
        return x + tf.random.normal(tf.shape(x), stddev=0.15)

    def alike(one: Any, other: Any) -> Any:
        if fixed:
            one, other = predictor(one, training=True), tf.stop_gradient(other)
        return -tf.reduce_mean(keras.ops.sum(_norm(one) * _norm(other), 1))

    def loss_of(x: Any, _: Any) -> Any:
        one, other = encoder(seen(x), training=True), encoder(seen(x), training=True)
        return (alike(one, other) + alike(other, one)) / 2

    def _norm(rows: Any) -> Any:
        return tf.math.l2_normalize(rows, axis=1)

    variables = [*encoder.trainable_variables]
    variables += predictor.trainable_variables if fixed else []
    descended(
        loss_of, variables, batches(rows, epochs=10), keras.optimizers.Adam(0.003)
    )
    units = _unit(encoder(rows.held_x))
    return float(1 - np.linalg.norm(units.mean(0)))


REPORTS = (
    Report(
        name="discriminator-frozen-for-good",
        source="eriklindernoren/Keras-GAN#22",
        kind="GAN",
        wrong="discriminator.trainable = False after compile: Keras 3 heeds it",
        program=_frozen_discriminator,
        causes=("nothing_trainable",),
    ),
    Report(
        name="generator-helps-the-discriminator",
        source="soumith/ganhacks#29",
        kind="GAN",
        wrong="the generator is trained on labels 0 for what it makes",
        program=_never_fooled,
        causes=("loss_output_mismatch",),
        unseen="a test of what is generated",
    ),
    Report(
        name="critic-with-the-sign-reversed",
        source="keras-team/keras-contrib#537",
        kind="WGAN-GP",
        wrong="the critic scores real rows low while the generator seeks high scores",
        program=_wasserstein,
        causes=("diverging_loss", "impossible_loss", "loss_output_mismatch"),
    ),
    Report(
        name="generator-without-its-condition",
        source=WRITTEN,
        kind="conditional GAN",
        wrong="the condition is given to the discriminator alone",
        program=_conditional,
        causes=("inputs_ignored", "constant_inputs", "predictions_ignore_inputs"),
        unseen="model_checks: uses_every_input",
        check=_condition_checked,
        seen_as="check_uses_every_input",
    ),
    Report(
        name="posterior-collapsed",
        source="AppliedDataSciencePartners/WorldModels#12",
        kind="VAE",
        wrong="a mean over the pixels beside a sum over the code: KL outweighs all",
        program=lambda fixed: _variational(1.0 if fixed else 64.0),
        causes=("predictions_ignore_inputs",),
    ),
    Report(
        name="kl-term-with-the-sign-reversed",
        source=WRITTEN,
        kind="VAE",
        wrong="the KL divergence is maximized",
        program=lambda fixed: _variational(1.0, sign=1.0 if fixed else -1.0),
        causes=("impossible_loss", "loss_output_mismatch", "nonfinite_loss"),
    ),
    Report(
        name="contrastive-labels-reversed",
        source="keras-team/keras#16935",
        kind="contrastive",
        wrong="1 means alike to the data and unlike to the loss",
        program=_contrastive,
        causes=("loss_output_mismatch",),
        unseen="a baseline, or a test of the embedding",
    ),
    Report(
        name="embedding-collapsed",
        source=WRITTEN,
        kind="self-distilled",
        wrong="two views drawn together with nothing against collapse",
        program=_self_distilled,
        causes=("predictions_ignore_inputs",),
    ),
)
