"""Layers and shapes of nets that a plain judge may find suspicious."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..bases.base import bounded_accuracy, bounded_r_squared
from ..program import Program, Setup
from .room import base, by, dense, on, setup, stacked

__all__ = ["PROGRAMS"]

_SPARSE = "sparse_categorical_crossentropy"


def _digits(
    seed: int,
    stack: Callable[[], Sequence[Any]],
    *,
    rate: float = 0.003,
    epochs: int = 6,
) -> Setup:
    build = stacked((64,), stack, optimizer=by("Adam", rate), loss=_SPARSE)
    data = base("digits-logits").data(seed)
    return setup(data, build, bounded_accuracy, epochs=epochs)


def _images(
    seed: int,
    stack: Callable[[], Sequence[Any]],
    *,
    rate: float = 0.005,
    epochs: int = 6,
) -> Setup:
    build = stacked((8, 8, 1), stack, optimizer=by("Adam", rate), loss=_SPARSE)
    data = base("digits-cnn").data(seed)
    return setup(data, build, bounded_accuracy, epochs=epochs)


def _friedman(seed: int, hidden: Sequence[int], **options: Any) -> Setup:
    options = {"optimizer": by("Adam", 0.005), **options}
    data = base("friedman").data(seed)
    return setup(data, dense(10, hidden, **options), bounded_r_squared, epochs=18)


@on("digits-logits")
def half_dropped(seed: int) -> Setup:
    """Dropout 0.5 after both hidden layers: the loss stays noisy and high."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.Dense(128, "relu"),
            layers.Dropout(0.5),
            layers.Dense(64, "relu"),
            layers.Dropout(0.5),
            layers.Dense(10, "softmax"),
        ]

    return _digits(seed, stack)


@on("digits-logits")
def noise_layers(seed: int) -> Setup:
    """Gaussian noise on the inputs and inside."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.GaussianNoise(0.2),
            layers.Dense(48, "relu"),
            layers.GaussianNoise(0.3),
            layers.Dense(10, "softmax"),
        ]

    return _digits(seed, stack)


@on("digits-logits")
def mostly_silent_units(seed: int) -> Setup:
    """ReLU units with negative biases and an L1 activity penalty: sparse codes."""
    options = {
        "bias_initializer": {"class_name": "Constant", "config": {"value": -0.5}},
        "activity_regularizer": {"class_name": "L1", "config": {"l1": 1e-4}},
    }
    build = dense(
        *(64, (256,), 10),
        optimizer=by("Adam", 0.003),
        loss=_SPARSE,
        last="softmax",
        options=options,
    )
    return setup(base("digits-logits").data(seed), build, bounded_accuracy, epochs=6)


@on("friedman")
def mild_penalties(seed: int) -> Setup:
    """L1 and L2 that cost little."""
    penalty = {"class_name": "L1L2", "config": {"l1": 1e-4, "l2": 1e-3}}
    return _friedman(seed, (32, 32), options={"kernel_regularizer": penalty})


@on("friedman")
def bounded_weights(seed: int) -> Setup:
    """A max-norm constraint on every unit."""
    limit = {"class_name": "MaxNorm", "config": {"max_value": 2.0}}
    return _friedman(seed, (32, 32), options={"kernel_constraint": limit})


@on("digits-logits")
def layer_norm(seed: int) -> Setup:
    """LayerNormalization before each activation."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.Dense(48),
            layers.LayerNormalization(),
            layers.Activation("relu"),
            layers.Dense(10, "softmax"),
        ]

    return _digits(seed, stack)


@on("digits-cnn")
def group_norm(seed: int) -> Setup:
    """GroupNormalization in a convolutional net."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.Conv2D(8, 3),
            layers.GroupNormalization(4),
            layers.Activation("relu"),
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]

    return _images(seed, stack)


@on("wine-one-hot")
def batch_norm_of_few(seed: int) -> Setup:
    """BatchNormalization with eight rows per batch."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.Dense(16, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dense(3, "softmax"),
        ]

    build = stacked(
        (13,), stack, optimizer=by("Adam", 0.01), loss="categorical_crossentropy"
    )
    data = base("wine-one-hot").data(seed)
    return setup(data, build, bounded_accuracy, epochs=15, batch_size=8)


@on("tumour-probability")
def batch_norm_scales(seed: int) -> Setup:
    """Raw inputs, scaled by a BatchNormalization in front."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(16, "relu"),
            layers.Dense(1, "sigmoid"),
        ]

    build = stacked(
        (30,), stack, optimizer=by("Adam", 0.01), loss="binary_crossentropy"
    )
    data = base("tumour-probability").raw(seed)
    return setup(data, build, bounded_accuracy, epochs=12)


@on("digits-logits")
def selu_and_alpha_dropout(seed: int) -> Setup:
    """SELU with LeCun's initialization."""

    def stack() -> Any:
        from keras import layers

        options = {"activation": "selu", "kernel_initializer": "lecun_normal"}
        return [
            layers.Dense(48, **options),
            layers.AlphaDropout(0.1),
            layers.Dense(48, **options),
            layers.Dense(10, "softmax"),
        ]

    return _digits(seed, stack)


@on("friedman")
def gelu(seed: int) -> Setup:
    """GELU units."""
    return _friedman(seed, (32, 32), activation="gelu")


@on("friedman")
def swish(seed: int) -> Setup:
    """Swish units."""
    return _friedman(seed, (32, 32), activation="silu")


@on("friedman")
def elu(seed: int) -> Setup:
    """ELU units."""
    return _friedman(seed, (32, 32), activation="elu")


@on("friedman")
def sigmoid_units(seed: int) -> Setup:
    """One hidden layer of sigmoids, as in the old days."""
    return _friedman(seed, (32,), activation="sigmoid", optimizer=by("Adam", 0.02))


@on("linear")
def linear_layers(seed: int) -> Setup:
    """A deep linear net on a linear target."""
    build = dense(5, (16, 16), optimizer=by("Adam", 0.005), activation=None)
    return setup(base("linear").data(seed), build, bounded_r_squared, epochs=10)


@on("friedman")
def deep_and_narrow(seed: int) -> Setup:
    """Six tanh layers of six units."""
    return _friedman(seed, (6,) * 6, activation="tanh", optimizer=by("Adam", 0.01))


@on("friedman")
def wide(seed: int) -> Setup:
    """1024 units for 560 rows."""
    return _friedman(seed, (1024,), optimizer=by("Adam", 0.001))


@on("friedman")
def last_layer_starts_at_zero(seed: int) -> Setup:
    """The last kernel starts at zero: the first gradients below it are zero."""
    zero = {"kernel_initializer": "zeros"}
    return _friedman(seed, (32, 32), last_options=zero)


@on("friedman")
def orthogonal_start(seed: int) -> Setup:
    """Orthogonal initialization, tanh."""
    options = {"kernel_initializer": "orthogonal"}
    return _friedman(seed, (32, 32), activation="tanh", options=options)


@on("digits-logits")
def leaky_and_learned_slopes(seed: int) -> Setup:
    """LeakyReLU, PReLU and a maximum over pairs of units."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.Dense(64),
            layers.LeakyReLU(),
            layers.Dense(32),
            layers.PReLU(),
            layers.Reshape((16, 2)),
            layers.MaxPooling1D(2),
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]

    return _digits(seed, stack)


@on("digits-cnn")
def depthwise(seed: int) -> Setup:
    """Depthwise and separable convolutions."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.DepthwiseConv2D(3, depth_multiplier=8, activation="relu"),
            layers.SeparableConv2D(24, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]

    return _images(seed, stack)


@on("digits-cnn")
def pooled(seed: int) -> Setup:
    """A convolutional net that ends in a global average."""

    def stack() -> Any:
        from keras import layers

        return [
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.AveragePooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, "softmax"),
        ]

    return _images(seed, stack, rate=0.01, epochs=8)


@on("digits-cnn")
def denoising_images(seed: int) -> Setup:
    """A convolutional autoencoder that takes noise away."""
    data = base("digits-cnn").data(seed)
    generator = np.random.default_rng(seed)

    def noisy(x: Any) -> Any:
        return (x + 0.2 * generator.standard_normal(x.shape)).astype("float32")

    def stack() -> Any:
        from keras import layers

        return [
            layers.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2DTranspose(12, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ]

    data = data._replace(
        x=noisy(data.x), y=data.x, test_x=noisy(data.test_x), test_y=data.test_x
    )
    build = stacked((8, 8, 1), stack, optimizer=by("Adam", 0.01), loss="mse")
    return setup(data, build, bounded_r_squared, epochs=6)


PROGRAMS: tuple[Program, ...] = (
    half_dropped,
    noise_layers,
    mostly_silent_units,
    mild_penalties,
    bounded_weights,
    layer_norm,
    group_norm,
    batch_norm_of_few,
    batch_norm_scales,
    selu_and_alpha_dropout,
    gelu,
    swish,
    elu,
    sigmoid_units,
    linear_layers,
    deep_and_narrow,
    wide,
    last_layer_starts_at_zero,
    orthogonal_start,
    leaky_and_learned_slopes,
    depthwise,
    pooled,
    denoising_images,
)
