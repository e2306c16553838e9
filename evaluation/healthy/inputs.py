"""Raw inputs that the model scales itself, and sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bases import datasets
from ..bases.base import bounded_accuracy, bounded_r_squared
from ..program import Program, Setup
from .room import base, by, healthy, on, setup, stacked

__all__ = ["PROGRAMS"]

_SPARSE = "sparse_categorical_crossentropy"


@on("digits-logits")
def pixels_rescaled_inside(seed: int) -> Setup:
    """Gray levels up to 255 behind a Rescaling layer."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.Rescaling(1 / 255),
            layers.Dense(48, "relu"),
            layers.Dense(10, "softmax"),
        ]

    build = stacked((64,), stack, optimizer=by("Adam", 0.005), loss=_SPARSE)
    return setup(base("digits-logits").raw(seed), build, bounded_accuracy, epochs=6)


@on("tumour-probability")
def normalized_inside(seed: int) -> Setup:
    """Raw inputs behind a Normalization layer that has seen them."""
    data = base("tumour-probability").raw(seed)

    def stack() -> Any:
        from keras import layers

        variance = data.x.var(axis=0)
        return [
            layers.Normalization(mean=data.x.mean(axis=0), variance=variance),
            layers.Dense(16, "relu"),
            layers.Dense(1, "sigmoid"),
        ]

    build = stacked(
        (30,), stack, optimizer=by("Adam", 0.01), loss="binary_crossentropy"
    )
    return setup(data, build, bounded_accuracy, epochs=8)


@on("friedman")
def normalized_by_adapt(seed: int) -> Setup:
    """The same by ``adapt`` in the builder, on a regression."""
    data = base("friedman").raw(seed)

    def stack() -> Any:
        from keras import layers

        scaler = layers.Normalization()
        scaler.adapt(data.x)
        return [scaler, layers.Dense(32, "relu"), layers.Dense(1)]

    build = stacked((10,), stack, optimizer=by("Adam", 0.01), loss="mse")
    return setup(data, build, bounded_r_squared, epochs=18)


@on("embedding")
def padded_and_masked(seed: int) -> Setup:
    """Sentences of different length: an embedding with a mask, an LSTM."""
    data = base("embedding").data(seed)

    def padded(x: Any, offset: int) -> Any:
        lengths = np.random.default_rng(seed + offset).integers(8, 17, (len(x), 1))
        return np.where(np.arange(16) < lengths, x + 1, 0).astype("int32")

    def stack() -> Any:
        from keras import layers

        return [
            layers.Embedding(61, 8, mask_zero=True),
            layers.LSTM(12),
            layers.Dense(1, "sigmoid"),
        ]

    data = data._replace(x=padded(data.x, 1), test_x=padded(data.test_x, 2))
    build = stacked(
        *((16,), stack),
        optimizer=by("Adam", 0.01),
        loss="binary_crossentropy",
        dtype="int32",
    )
    return setup(data, build, bounded_accuracy, epochs=10)


@on("lstm")
def both_directions(seed: int) -> Setup:
    """A bidirectional LSTM."""

    def stack() -> Any:
        from keras import layers

        return [layers.Bidirectional(layers.LSTM(8)), layers.Dense(1)]

    build = stacked((8, 2), stack, optimizer=by("Adam", 0.01), loss="mse")
    return setup(base("lstm").data(seed), build, bounded_r_squared, epochs=12)


@healthy
def a_target_at_each_step(seed: int) -> Setup:
    """A running mean, predicted at every time step by stacked GRUs."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((500, 8, 1)).astype("float32")
    y = np.cumsum(x, axis=1) / np.sqrt(np.arange(1, 9))[None, :, None]

    def stack() -> Any:
        from keras import layers

        return [
            layers.GRU(12, return_sequences=True),
            layers.GRU(8, return_sequences=True),
            layers.TimeDistributed(layers.Dense(1)),
        ]

    build = stacked((8, 1), stack, optimizer=by("Adam", 0.01), loss="mse")
    data = datasets.split(x, y.astype("float32"), seed)
    return setup(data, build, bounded_r_squared, epochs=12)


PROGRAMS: tuple[Program, ...] = (
    pixels_rescaled_inside,
    normalized_inside,
    normalized_by_adapt,
    padded_and_masked,
    both_directions,
    a_target_at_each_step,
)
