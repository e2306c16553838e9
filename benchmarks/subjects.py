"""The models that the benchmarks train, and their data."""

from __future__ import annotations

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter

__all__ = [
    "SUBJECTS",
    "cnn",
    "dense",
    "embedding",
    "images",
    "lstm",
    "mlp",
    "normalized",
    "numbers",
    "sequences",
    "steady_epochs",
    "transformer",
    "wide_cnn",
    "wide_dense",
    "words",
]

ROWS = 1000


def mlp() -> Any:
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    return model


def cnn(filters: int = 8) -> Any:
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(filters, 3, activation="relu"),
            layers.MaxPool2D(),
            layers.Conv2D(2 * filters, 3, activation="relu"),
            layers.MaxPool2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def wide_cnn() -> Any:
    """Return a CNN whose steps take more than 10 ms on two cores."""
    return cnn(filters=48)


def lstm() -> Any:
    model = keras.Sequential(
        [keras.Input((20, 8)), layers.LSTM(32), layers.Dense(1)],
    )
    model.compile("adam", "mse")
    return model


def normalized() -> Any:
    """Return four blocks of dense layer, batch normalization, ReLU and dropout."""
    model = keras.Sequential([keras.Input((10,))])
    for _ in range(4):
        model.add(layers.Dense(64))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Dropout(0.1))
    model.add(layers.Dense(1))
    model.compile("adam", "mse")
    return model


def transformer() -> Any:
    """Return two attention blocks over 20 positions of 32 values."""
    x = inputs = keras.Input((20, 8))
    x = layers.Dense(32)(x)
    for _ in range(2):
        attended = layers.MultiHeadAttention(4, 8)(x, x)
        x = layers.LayerNormalization()(layers.add([x, attended]))
        fed = layers.Dense(32)(layers.Dense(64, activation="gelu")(x))
        x = layers.LayerNormalization()(layers.add([x, fed]))
    outputs = layers.Dense(1)(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse")
    return model


def dense(width: int, inputs: int) -> Any:
    """Return four equal dense layers with SGD: the least work per parameter."""
    model = keras.Sequential([keras.Input((inputs,))])
    for _ in range(4):
        model.add(layers.Dense(width, activation="relu"))
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    return model


def wide_dense() -> Any:
    """Return 10 million parameters for `numbers`: memory bandwidth limits a step."""
    return dense(1825, inputs=10)


def embedding() -> Any:
    """Return a model with a table of 100,000 words, which SGD updates row by row."""
    model = keras.Sequential(
        [
            keras.Input((20,), dtype="int32"),
            layers.Embedding(100_000, 32),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("sgd", "binary_crossentropy")
    return model


def words(rows: int = ROWS) -> tuple[Any, Any]:
    """Rows for `embedding`: whether the mean of 20 word indices is above 50,000."""
    x = np.random.default_rng(0).integers(0, 100_000, (rows, 20)).astype("int32")
    return x, (x.mean(axis=1) > 50_000).astype("float32")


def numbers(rows: int = ROWS) -> tuple[Any, Any]:
    """Rows for `mlp`: a linear target with noise."""
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 10)).astype("float32")
    y = x @ random.normal(size=10) + random.normal(size=rows)
    return x, y.astype("float32")


def sequences() -> tuple[Any, Any]:
    """Rows for `lstm` and `transformer`: the sum of one value over 20 steps."""
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, 20, 8)).astype("float32")
    return x, x[:, :, 0].sum(axis=1) / 4


def images() -> tuple[Any, Any]:
    """Rows for `cnn`: ten patterns with noise."""
    random = np.random.default_rng(0)
    y = random.integers(0, 10, ROWS).astype("int32")
    patterns = random.normal(size=(10, 28, 28, 1))
    x = patterns[y] + random.normal(size=(ROWS, 28, 28, 1))
    return x.astype("float32"), y


#: Models and data of the training benchmarks.
SUBJECTS = {
    "mlp": (mlp, numbers),
    "cnn": (cnn, images),
    "lstm": (lstm, sequences),
    "batch normalization": (normalized, numbers),
    "transformer": (transformer, sequences),
}


def steady_epochs() -> None:
    """Disable tf.data autotuning, so that each epoch of `model.fit` ends equally fast.

    The autotuner of tf.data wakes up 10, 30, 70, 150, 310 and 630 ms after the start of
    an epoch, and an epoch that ends between two of these times may wait for the next,
    up to 0.3 s. This is random and independent of watching.
    """
    make = ArrayDataAdapter.get_tf_dataset

    def untuned(self: Any) -> Any:
        options = tf.data.Options()
        options.autotune.enabled = False
        return make(self).with_options(options)

    ArrayDataAdapter.get_tf_dataset = untuned
