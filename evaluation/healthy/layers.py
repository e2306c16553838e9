"""Healthy programs with layers and shapes that a simple judge may find suspicious."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..bases import Data
from ..bases.base import bounded_accuracy, bounded_r_squared
from ..keras_parts import (
    Constraint,
    Initializer,
    Layer,
    Optimizer,
    Part,
    Regularizer,
)
from ..program import Program
from .case import Case, base, programs

__all__ = ["PROGRAMS"]

_SPARSE = "sparse_categorical_crossentropy"

_digits = partial(
    Case,
    on="digits-logits",
    optimizer=Optimizer.Adam(0.003),
    loss=_SPARSE,
    quality=bounded_accuracy,
    epochs=6,
)
_images = partial(
    Case,
    on="digits-cnn",
    optimizer=Optimizer.Adam(0.005),
    loss=_SPARSE,
    quality=bounded_accuracy,
    epochs=6,
)
_friedman = partial(
    Case,
    on="friedman",
    optimizer=Optimizer.Adam(0.005),
    quality=bounded_r_squared,
    epochs=18,
)


def _twice(activation: str = "relu", **options: Any) -> list[Any]:
    """Return two hidden layers of 32 units and one linear output."""
    return [Layer.Dense(32, activation, **options)] * 2 + ["1 linear"]


def _selu() -> Part:
    return Layer.Dense(48, "selu", kernel_initializer="lecun_normal")


def _noisy_images(seed: int) -> Data:
    """Return noisy images with the noise-free images as targets."""
    data = base("digits-cnn").data(seed)
    generator = np.random.default_rng(seed)

    def noisy(x: Any) -> Any:
        return (x + 0.2 * generator.standard_normal(x.shape)).astype("float32")

    return data._replace(
        x=noisy(data.x), y=data.x, test_x=noisy(data.test_x), test_y=data.test_x
    )


PROGRAMS: tuple[Program, ...] = programs(
    _digits(
        name="half-dropped",
        why="Dropout 0.5 after both hidden layers: the loss stays noisy and high.",
        layers=[
            *("128 relu", Layer.Dropout(0.5)),
            *("64 relu", Layer.Dropout(0.5)),
            "10 softmax",
        ],
    ),
    _digits(
        name="noise-layers",
        why="Gaussian noise on the inputs and inside.",
        layers=[
            *(Layer.GaussianNoise(0.2), "48 relu"),
            *(Layer.GaussianNoise(0.3), "10 softmax"),
        ],
    ),
    _digits(
        name="mostly-silent-units",
        why="ReLU units with negative biases and an L1 activity penalty: sparse codes.",
        layers=[
            Layer.Dense(
                *(256, "relu"),
                bias_initializer=Initializer.Constant(-0.5),
                activity_regularizer=Regularizer.L1(1e-4),
            ),
            "10 softmax",
        ],
    ),
    _friedman(
        name="mild-penalties",
        why="L1 and L2 that cost little.",
        layers=_twice(kernel_regularizer=Regularizer.L1L2(l1=1e-4, l2=1e-3)),
    ),
    _friedman(
        name="bounded-weights",
        why="A max-norm constraint on every unit.",
        layers=_twice(kernel_constraint=Constraint.MaxNorm(2.0)),
    ),
    _digits(
        name="layer-norm",
        why="LayerNormalization before each activation.",
        layers=[
            "48 linear",
            Layer.LayerNormalization(),
            Layer.Activation("relu"),
            "10 softmax",
        ],
    ),
    _images(
        name="group-norm",
        why="GroupNormalization in a convolutional net.",
        layers=[
            Layer.Conv2D(8, 3),
            Layer.GroupNormalization(4),
            Layer.Activation("relu"),
            Layer.Flatten(),
            "10 softmax",
        ],
    ),
    Case(
        name="batch-norm-of-few",
        why="BatchNormalization with eight rows per batch.",
        on="wine-one-hot",
        layers=[
            Layer.Dense(16, use_bias=False),
            Layer.BatchNormalization(),
            Layer.Activation("relu"),
            "3 softmax",
        ],
        optimizer=Optimizer.Adam(0.01),
        loss="categorical_crossentropy",
        quality=bounded_accuracy,
        epochs=15,
        batch_size=8,
    ),
    Case(
        name="batch-norm-scales",
        why="Raw inputs, scaled by a BatchNormalization in front.",
        on="tumour-probability",
        data=base("tumour-probability").raw,
        layers=[Layer.BatchNormalization(momentum=0.9), "16 relu", "1 sigmoid"],
        optimizer=Optimizer.Adam(0.01),
        loss="binary_crossentropy",
        quality=bounded_accuracy,
        epochs=12,
    ),
    _digits(
        name="selu-and-alpha-dropout",
        why="SELU with LeCun's initialization.",
        layers=[_selu(), Layer.AlphaDropout(0.1), _selu(), "10 softmax"],
    ),
    _friedman(name="gelu", why="GELU units.", layers=_twice("gelu")),
    _friedman(name="swish", why="Swish units.", layers=_twice("silu")),
    _friedman(name="elu", why="ELU units.", layers=_twice("elu")),
    _friedman(
        name="sigmoid-units",
        why="One hidden layer of sigmoids, as in the old days.",
        layers=["32 sigmoid", "1 linear"],
        optimizer=Optimizer.Adam(0.02),
    ),
    Case(
        name="linear-layers",
        why="A deep linear net on a linear target.",
        on="linear",
        layers=["16 linear", "16 linear", "1 linear"],
        optimizer=Optimizer.Adam(0.005),
        quality=bounded_r_squared,
        epochs=10,
    ),
    _friedman(
        name="deep-and-narrow",
        why="Six tanh layers of six units.",
        layers=[*["6 tanh"] * 6, "1 linear"],
        optimizer=Optimizer.Adam(0.01),
    ),
    _friedman(
        name="wide",
        why="1024 units for 560 rows.",
        layers=["1024 relu", "1 linear"],
        optimizer=Optimizer.Adam(0.001),
    ),
    _friedman(
        name="last-layer-starts-at-zero",
        why="The last kernel starts at zero: the first gradients below it are zero.",
        layers=["32 relu", "32 relu", Layer.Dense(1, kernel_initializer="zeros")],
    ),
    _friedman(
        name="orthogonal-start",
        why="Orthogonal initialization, tanh.",
        layers=_twice("tanh", kernel_initializer="orthogonal"),
    ),
    _digits(
        name="leaky-and-learned-slopes",
        why="LeakyReLU, PReLU and a maximum over pairs of units.",
        layers=[
            *("64 linear", Layer.LeakyReLU()),
            *("32 linear", Layer.PReLU()),
            *(Layer.Reshape((16, 2)), Layer.MaxPooling1D(2), Layer.Flatten()),
            "10 softmax",
        ],
    ),
    _images(
        name="depthwise",
        why="Depthwise and separable convolutions.",
        layers=[
            Layer.DepthwiseConv2D(3, depth_multiplier=8, activation="relu"),
            Layer.SeparableConv2D(24, 3, activation="relu"),
            Layer.Flatten(),
            "10 softmax",
        ],
    ),
    _images(
        name="pooled",
        why="A convolutional net that ends in a global average.",
        layers=[
            Layer.Conv2D(16, 3, padding="same", activation="relu"),
            Layer.AveragePooling2D(2),
            Layer.Conv2D(32, 3, activation="relu"),
            Layer.GlobalAveragePooling2D(),
            "10 softmax",
        ],
        optimizer=Optimizer.Adam(0.01),
        epochs=8,
    ),
    _images(
        name="denoising-images",
        why="A convolutional autoencoder that takes noise away.",
        data=_noisy_images,
        layers=[
            Layer.Conv2D(12, 3, strides=2, padding="same", activation="relu"),
            Layer.Conv2DTranspose(12, 3, strides=2, padding="same", activation="relu"),
            Layer.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ],
        optimizer=Optimizer.Adam(0.01),
        loss="mse",
        quality=bounded_r_squared,
    ),
)
