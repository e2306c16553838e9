"""Cases not covered elsewhere: ways to compile, custom layers, mixed inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..keras_parts import Layer, Optimizer
from . import data as of
from .case import Case, Split, net
from .scores import accuracy, r_squared

__all__ = ["CASES"]

_SPARSE = "sparse_categorical_crossentropy"


def _every_step_ahead(seed: int) -> Split:
    """Windows of a series, with the same windows one step later as targets."""
    values = of.series(seed)[:, None]
    seen = np.lib.stride_tricks.sliding_window_view(values[:, 0], 25)[..., None]
    cut = 600
    return Split(
        x=seen[:cut, :-1].copy(),
        y=seen[:cut, 1:].copy(),
        held_x=seen[cut:, :-1].copy(),
        held_y=seen[cut:, 1:].copy(),
    )


def _from_array(seed: int) -> Split:
    """Windows made by ``timeseries_dataset_from_array``."""
    import keras

    split, values = of.windows(24)(seed), of.series(seed)
    rows = keras.utils.timeseries_dataset_from_array(
        values[:600], values[24:600], 24, batch_size=32, shuffle=True, seed=1
    )
    return replace(split, x=rows, y=None)


def _with_side_table(seed: int) -> Split:
    """Digit images, each with three noisy columns that depend on its class."""
    split = of.digits((8, 8, 1))(seed)
    generator = np.random.default_rng(seed)

    def inputs(x: Any, y: Any) -> dict[str, Any]:
        hints = np.stack([y % 2, y // 5, y % 3], axis=1)
        noisy = hints + 0.5 * generator.standard_normal(hints.shape)
        return {"image": x, "hints": noisy.astype("float32")}

    return replace(
        split, x=inputs(split.x, split.y), held_x=inputs(split.held_x, split.held_y)
    )


def _two_inputs(split: Split) -> Any:
    import keras
    from keras import layers

    image = keras.Input((8, 8, 1), name="image")
    hints = keras.Input((3,), name="hints")
    x = layers.Flatten()(layers.Conv2D(12, 3, activation="relu")(image))
    x = layers.concatenate([x, layers.Dense(8, "relu")(hints)])
    model = keras.Model(
        {"image": image, "hints": hints}, layers.Dense(10, "softmax")(x)
    )
    model.compile(keras.optimizers.Adam(0.005), _SPARSE)
    return model


def _own_layers(split: Split) -> Any:
    """Custom layers, as in the guide on subclassing."""
    import keras

    class Linear(keras.layers.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.units = units

        def build(self, shape: Any) -> None:
            self.w = self.add_weight(
                shape=(shape[-1], self.units), initializer="random_normal"
            )
            self.b = self.add_weight(shape=(self.units,), initializer="zeros")

        def call(self, inputs: Any) -> Any:
            return keras.ops.matmul(inputs, self.w) + self.b

    class Quadratic(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return keras.ops.concatenate([inputs, keras.ops.square(inputs)], axis=-1)

    return net([Quadratic(), Linear(1)], Optimizer.Adam(0.02), "mse")(split)


def _attentive(split: Split) -> Any:
    """A weighted mean over the words, with learned weights."""
    import keras
    from keras import layers

    inputs = keras.Input((16,), dtype="int32")
    x = layers.Embedding(80, 16)(inputs)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(layers.Dense(8, "tanh")(x)))
    outputs = layers.Dense(4, "softmax")(keras.ops.sum(weights * x, axis=1))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), _SPARSE)
    return model


def _numbered_topics(seed: int) -> Split:
    import keras

    rows, labels = of.topics(seed)
    split = of.halves(np.array(rows), labels, seed)
    layer = keras.layers.TextVectorization(80, output_sequence_length=16)
    layer.adapt(split.x)
    x, held_x = (np.asarray(layer(it)) for it in (split.x, split.held_x))
    return replace(split, x=x, held_x=held_x)


_TWO_LAYERS = ["48 relu", "10 softmax"]

CASES = (
    Case(
        name="digits-steps-per-execution",
        data=of.digits(),
        model=net(_TWO_LAYERS, Optimizer.Adam(0.003), _SPARSE, steps_per_execution=8),
        fit={"epochs": 10},
        score=accuracy,
        floor=0.85,
    ),
    Case(
        name="digits-run-eagerly",
        data=of.digits(rows=400),
        model=net(_TWO_LAYERS, Optimizer.Adam(0.01), _SPARSE, run_eagerly=True),
        fit={"epochs": 6},
        score=accuracy,
        floor=0.75,
    ),
    Case(
        name="digits-group-normalization",
        data=of.digits((8, 8, 1)),
        model=net(
            [
                Layer.Conv2D(16, 3),
                Layer.GroupNormalization(4),
                Layer.Activation("silu"),
                Layer.Conv2D(16, 3, strides=2),
                Layer.GroupNormalization(4),
                Layer.Activation("silu"),
                Layer.Flatten(),
                "10 softmax",
            ],
            Optimizer.Adam(0.005),
            _SPARSE,
        ),
        fit={"epochs": 6},
        score=accuracy,
        floor=0.8,
    ),
    Case(
        name="cancer-selu-alpha-dropout",
        data=of.columns(of.standard(of.shipped("breast_cancer"))),
        model=net(
            [
                Layer.Dense(24, "selu", kernel_initializer="lecun_normal"),
                Layer.AlphaDropout(0.1),
                Layer.Dense(24, "selu", kernel_initializer="lecun_normal"),
                "1 sigmoid",
            ],
            Optimizer.SGD(0.02, momentum=0.9),
            "binary_crossentropy",
        ),
        fit={"epochs": 12},
        score=accuracy,
        floor=0.88,
    ),
    Case(
        name="series-every-step-ahead",
        data=_every_step_ahead,
        model=net(
            [
                Layer.LSTM(16, return_sequences=True),
                Layer.TimeDistributed(Layer.Dense(1)),
            ],
            Optimizer.Adam(0.01),
            "mse",
        ),
        fit={"epochs": 8},
        score=r_squared,
        floor=0.5,
    ),
    Case(
        name="series-dataset-from-array",
        data=_from_array,
        model=net(["24 relu", "1 linear"], Optimizer.Adam(0.005), "mse"),
        fit={"epochs": 10},
        score=r_squared,
        floor=0.5,
    ),
    Case(
        name="digits-with-side-table",
        data=_with_side_table,
        model=_two_inputs,
        fit={"epochs": 6},
        score=accuracy,
        floor=0.85,
    ),
    Case(
        name="friedman-own-layers",
        data=of.columns(
            of.standard_targets(of.generated("friedman1", n_samples=700, noise=0.5))
        ),
        model=_own_layers,
        fit={"epochs": 25},
        score=r_squared,
        floor=0.5,
    ),
    Case(
        name="topics-attention-pooling",
        data=_numbered_topics,
        model=_attentive,
        fit={"epochs": 10},
        score=accuracy,
        floor=0.75,
    ),
)
