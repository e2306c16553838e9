"""Healthy programs with raw inputs that the model scales, and with sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bases import Data, datasets
from ..bases.base import bounded_accuracy, bounded_r_squared
from ..keras_parts import Layer, Optimizer
from ..program import Program, Setup
from .case import Case, base, net, on, programs, setup

__all__ = ["PROGRAMS"]


@on("tumour-probability")
def normalized_inside(seed: int) -> Setup:
    """Raw inputs behind a Normalization layer that has seen them."""
    data = base("tumour-probability").raw(seed)
    mean, variance = data.x.mean(axis=0), data.x.var(axis=0)
    scaler = Layer.Normalization(mean=mean, variance=variance)
    layers = [scaler, "16 relu", "1 sigmoid"]
    build = net(30, layers, Optimizer.Adam(0.01), "binary_crossentropy")
    return setup(data, build, bounded_accuracy, epochs=8)


@on("friedman")
def normalized_by_adapt(seed: int) -> Setup:
    """The same by ``adapt`` in the builder, on a regression."""
    data = base("friedman").raw(seed)

    def build() -> Any:
        import keras

        scaler = keras.layers.Normalization()
        scaler.adapt(data.x)
        return net(10, [scaler, "32 relu", "1 linear"], Optimizer.Adam(0.01))()

    return setup(data, build, bounded_r_squared, epochs=18)


def _padded_sentences(seed: int) -> Data:
    data = base("embedding").data(seed)

    def padded(x: Any, offset: int) -> Any:
        lengths = np.random.default_rng(seed + offset).integers(8, 17, (len(x), 1))
        return np.where(np.arange(16) < lengths, x + 1, 0).astype("int32")

    return data._replace(x=padded(data.x, 1), test_x=padded(data.test_x, 2))


def _running_means(seed: int) -> Data:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((500, 8, 1)).astype("float32")
    y = np.cumsum(x, axis=1) / np.sqrt(np.arange(1, 9))[None, :, None]
    return datasets.split(x, y.astype("float32"), seed)


PROGRAMS: tuple[Program, ...] = programs(
    Case(
        name="pixels-rescaled-inside",
        why="Gray levels up to 255 behind a Rescaling layer.",
        on="digits-logits",
        data=base("digits-logits").raw,
        layers=[Layer.Rescaling(1 / 255), "48 relu", "10 softmax"],
        optimizer=Optimizer.Adam(0.005),
        loss="sparse_categorical_crossentropy",
        quality=bounded_accuracy,
        epochs=6,
    ),
    normalized_inside,
    normalized_by_adapt,
    Case(
        name="padded-and-masked",
        why="Sentences of different length: an embedding with a mask, an LSTM.",
        on="embedding",
        data=_padded_sentences,
        layers=[Layer.Embedding(61, 8, mask_zero=True), Layer.LSTM(12), "1 sigmoid"],
        optimizer=Optimizer.Adam(0.01),
        loss="binary_crossentropy",
        dtype="int32",
        quality=bounded_accuracy,
        epochs=10,
    ),
    Case(
        name="both-directions",
        why="A bidirectional LSTM.",
        on="lstm",
        layers=[Layer.Bidirectional(Layer.LSTM(8)), "1 linear"],
        optimizer=Optimizer.Adam(0.01),
        quality=bounded_r_squared,
        epochs=12,
    ),
    Case(
        name="a-target-at-each-step",
        why="A running mean, predicted at every time step by stacked GRUs.",
        on="a-target-at-each-step",
        data=_running_means,
        layers=[
            Layer.GRU(12, return_sequences=True),
            Layer.GRU(8, return_sequences=True),
            Layer.TimeDistributed(Layer.Dense(1)),
        ],
        optimizer=Optimizer.Adam(0.01),
        quality=bounded_r_squared,
        epochs=12,
    ),
)
