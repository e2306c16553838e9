"""Objectives: losses without targets, with masks, and of sequences."""

from __future__ import annotations

from inspect import signature
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .case import (
    BATCH,
    ROWS,
    Case,
    adam,
    batches,
    compiled,
    dense,
    series,
    stack,
    table,
    tokens,
)


def rows_alone() -> Any:
    """Return eight columns that depend on two hidden ones, without targets."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, 2)) @ generator.standard_normal((2, 8))
    return (x.astype("float32"),)


def rows_as_targets() -> Any:
    return rows_alone() * 2


class Codec(keras.Model):
    """An autoencoder by ``add_loss``, with no loss compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = keras.layers.Dense(4, "tanh")
        self.decoder = keras.layers.Dense(8)

    def call(self, inputs: Any) -> Any:
        outputs = self.decoder(self.encoder(inputs))
        self.add_loss(keras.ops.mean(keras.ops.square(outputs - inputs)))
        return outputs


class OwnObjective(keras.Model):
    """An autoencoder whose ``compute_loss`` is overridden."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = keras.layers.Dense(4, "tanh")
        self.decoder = keras.layers.Dense(8)

    def call(self, inputs: Any) -> Any:
        return self.decoder(self.encoder(inputs))

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        return keras.ops.mean(keras.ops.square(x - y_pred))


class Contrastive(keras.Model):
    """A contrastive loss: each row should be closest to its own noisy copy."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = keras.layers.Dense(8)
        self.noise = keras.layers.GaussianNoise(0.05, seed=0)
        self.tracker = keras.metrics.Mean(name="loss")
        self.scorer = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.encoder(self.noise(inputs, training=training))

    def train_step(self, data: Any) -> Any:
        rows = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            one, other = self(rows, training=True), self(rows, training=True)
            alike = tf.matmul(one, other, transpose_b=True)
            loss = self.scorer(tf.range(tf.shape(rows)[0]), alike)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]


class Variational(keras.Model):
    """A variational autoencoder with a custom ``train_step``."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = keras.layers.Dense(4)
        self.decoder = keras.layers.Dense(8)
        self.seeds = keras.random.SeedGenerator(0)
        self.tracker = keras.metrics.Mean(name="loss")

    def call(self, inputs: Any) -> Any:
        mean, log_variance = keras.ops.split(self.encoder(inputs), 2, axis=1)
        noise = keras.random.normal(keras.ops.shape(mean), seed=self.seeds)
        code = mean + keras.ops.exp(0.5 * log_variance) * noise
        return self.decoder(code), mean, log_variance

    def train_step(self, data: Any) -> Any:
        rows = data[0] if isinstance(data, tuple) else data
        with tf.GradientTape() as tape:
            made, mean, log_variance = self(rows)
            shape = keras.ops.exp(log_variance) + mean**2 - 1.0 - log_variance
            apart = keras.ops.sum((made - rows) ** 2, axis=1)
            loss = keras.ops.mean(apart + 0.5 * keras.ops.sum(shape, axis=1))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]


def without_loss(kind: type[keras.Model]) -> Any:
    def build(rate: float) -> keras.Model:
        model = kind()
        model.compile(adam(rate))
        return model

    return build


class Penalized(keras.layers.Layer):
    """A layer with an ``add_loss`` term in addition to the compiled loss."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(1e-3 * keras.ops.mean(keras.ops.square(inputs)))
        return inputs


def sentence_reader(rate: float) -> keras.Model:
    return compiled(
        keras.Sequential(
            [
                keras.Input((None,)),
                keras.layers.Embedding(20, 8, mask_zero=True),
                keras.layers.LSTM(8),
                keras.layers.Dense(1, "sigmoid"),
            ]
        ),
        rate,
        "binary_crossentropy",
    )


def tagger(rate: float) -> keras.Model:
    """Return a model with one label per word: padding must not count."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((None,)),
                keras.layers.Embedding(20, 8, mask_zero=True),
                keras.layers.GRU(8, return_sequences=True),
                keras.layers.Dense(2, "softmax"),
            ]
        ),
        rate,
        "sparse_categorical_crossentropy",
    )


def tagged() -> Any:
    x, _ = tokens()
    return x, (x > 10).astype("int32")


def padded_series() -> Any:
    """Return sequences; in half of them the last steps are padding, -1."""
    x, y = series()
    x = x[:, ::-1].copy()  # the steps that the target depends on come first
    x[::2, 8:] = -1.0
    return x, y


def bucketed() -> Any:
    """Return a dataset whose batches are padded to their longest sentence."""
    x, y = tokens()
    data = tf.data.Dataset.from_generator(
        lambda: ((row[row > 0], label) for row, label in zip(x, y, strict=True)),
        output_signature=(
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([1], tf.float32),
        ),
    )
    return batches(data, padded_shapes=([None], [1]))


def ragged() -> Any:
    """Return ragged sentences; the target is the mean of their words."""
    x, _ = tokens()
    rows = tf.ragged.constant([row[row > 0].tolist() for row in x], dtype="int32")
    return rows, tf.reduce_mean(tf.cast(rows, "float32"), axis=1).numpy()[:, None]


def ragged_batches() -> Any:
    return (tf.data.Dataset.from_tensor_slices(ragged()).batch(BATCH),)


def made_dense() -> Any:
    (data,) = ragged_batches()
    return (data.map(lambda rows, label: (rows.to_tensor(), label)),)


def ragged_reader(rate: float) -> keras.Model:
    return compiled(
        keras.Sequential(
            [
                keras.Input((None,), dtype="int32", ragged=True),
                keras.layers.Embedding(20, 8),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(1),
            ]
        ),
        rate,
    )


def padded_reader(rate: float) -> keras.Model:
    return compiled(
        keras.Sequential(
            [
                keras.Input((None,), dtype="int32"),
                keras.layers.Embedding(20, 8, mask_zero=True),
                keras.layers.GlobalAveragePooling1D(),
                keras.layers.Dense(1),
            ]
        ),
        rate,
    )


def sparse() -> Any:
    """Return sparse one-hot rows of a thousand columns, with a target per word."""
    word = np.random.default_rng(0).integers(0, 20, ROWS)
    rows = tf.sparse.from_dense(np.eye(1000, dtype="float32")[word])
    return rows, (word[:, None] / 10 - 1).astype("float32")


def sparse_batches() -> Any:
    return (tf.data.Dataset.from_tensor_slices(sparse()).batch(BATCH),)


def sparse_reader(rate: float) -> keras.Model:
    given = keras.Input((1000,), sparse=True)
    return compiled(keras.Model(given, keras.layers.Dense(1)(given)), rate)


RAGGED = {
    "ragged tensors": Case(
        build=ragged_reader, data=ragged, rate=0.1, only_watched=True
    ),
    "ragged batches": Case(build=ragged_reader, data=ragged_batches, rate=0.1),
}

OBJECTIVES = {
    "autoencoder, targets are the inputs": Case(
        build=stack(dense(4, "tanh"), dense(8), shape=(8,)), data=rows_as_targets
    ),
    "autoencoder by add_loss, no targets": Case(
        build=without_loss(Codec), data=rows_alone, scored=False
    ),
    "compute_loss overridden, no targets": Case(
        build=without_loss(OwnObjective), data=rows_alone, scored=False
    ),
    "contrastive, no targets": Case(
        build=without_loss(Contrastive), data=rows_alone, scored=False
    ),
    "variational autoencoder, no targets": Case(
        build=without_loss(Variational), data=rows_alone, scored=False, slow=True
    ),
    "add_loss beside the compiled loss": Case(
        build=stack(dense(16, "relu"), Penalized, dense()), data=table
    ),
    "Embedding with mask_zero": Case(build=sentence_reader, data=tokens, slow=True),
    "a label for each word, padding masked": Case(build=tagger, data=tagged),
    "Masking": Case(
        build=stack(
            lambda: keras.layers.Masking(-1.0),
            lambda: keras.layers.GRU(8),
            dense(),
            shape=(12, 2),
        ),
        data=padded_series,
        slow=True,
    ),
    "batches of varying length": Case(build=sentence_reader, data=bucketed),
    "ragged batches made dense": Case(
        build=padded_reader, data=made_dense, rate=0.1, slow=True
    ),
    "sparse tensors": Case(build=sparse_reader, data=sparse, only_watched=True),
    "sparse batches": Case(build=sparse_reader, data=sparse_batches),
}
if "ragged" in signature(keras.Input).parameters:  # not in the oldest supported Keras
    OBJECTIVES |= RAGGED
