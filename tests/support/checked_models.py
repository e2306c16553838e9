"""Models of many kinds that pass every check, each with suitable rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

GENERATOR = np.random.default_rng(0)
TABLE = GENERATOR.standard_normal((64, 6)).astype("float32")
VALUES = (TABLE[:, 0] * 2 + TABLE[:, 1] ** 2).astype("float32")
CLASSES = (TABLE[:, 0] + TABLE[:, 2] > 0).astype("int32")
IMAGES = GENERATOR.random((64, 8, 8, 1)).astype("float32")
DIGITS = GENERATOR.integers(0, 4, 64)
TOKENS = np.where(
    np.arange(10) < GENERATOR.integers(3, 11, (64, 1)),
    GENERATOR.integers(1, 20, (64, 10)),
    0,
)
SERIES = GENERATOR.standard_normal((64, 12, 3)).astype("float32")


def compiled(model: Any, loss: str = "mse", rate: float = 1e-3) -> Any:
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def mlp() -> Any:
    hidden = [layers.Dense(16, "relu"), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden]))


def regularized() -> Any:
    hidden = [
        layers.Dense(32, kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.Dropout(0.3),
        layers.Dense(1, "sigmoid"),
    ]
    model = keras.Sequential([keras.Input((6,)), *hidden])
    return compiled(model, "binary_crossentropy")


def convolutional() -> Any:
    hidden = [
        layers.Conv2D(8, 3, activation="relu"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(4, "softmax"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 1)), *hidden])
    return compiled(model, "sparse_categorical_crossentropy")


def recurrent() -> Any:
    hidden = [layers.LSTM(16), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((None, 3)), *hidden]))


def masked() -> Any:
    hidden = [
        layers.Embedding(20, 8, mask_zero=True),
        layers.GRU(12),
        layers.Dense(1, "sigmoid"),
    ]
    model = keras.Sequential([keras.Input((None,), dtype="int32"), *hidden])
    return compiled(model, "binary_crossentropy")


def transformer() -> Any:
    tokens = keras.Input((10,), dtype="int32")
    x = layers.Embedding(20, 16)(tokens)
    attended = layers.MultiHeadAttention(2, 8)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(x + attended)
    outputs = layers.Dense(20, "softmax")(x)
    return compiled(keras.Model(tokens, outputs), "sparse_categorical_crossentropy")


def two_inputs() -> Any:
    table, image = keras.Input((6,), name="table"), keras.Input((8, 8, 1), name="image")
    x = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(image))
    x = layers.Concatenate()([layers.Dense(8, "relu")(table), x])
    return compiled(keras.Model([table, image], layers.Dense(1)(x)))


def autoencoder() -> Any:
    hidden = [layers.Dense(12, "relu"), layers.Dense(4), layers.Dense(12, "relu")]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(6)]))


def normalizing() -> Any:
    scaler = layers.Normalization()
    scaler.adapt(TABLE * 100 + 50)
    hidden = [layers.Dense(16, "relu"), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), scaler, *hidden]))


@keras.saving.register_keras_serializable("tests")
class Own(keras.Model):
    """A subclassed model."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.hidden, self.last = layers.Dense(16, "tanh"), layers.Dense(1)
        self.drop = layers.Dropout(0.2)

    def call(self, x: Any, training: bool = False) -> Any:
        return self.last(self.drop(self.hidden(x), training=training))


def subclassed() -> Any:
    return compiled(Own())


def by_own_loss() -> Any:
    model = mlp()
    model.compile(
        keras.optimizers.SGD(0.05),
        lambda y, predicted: keras.ops.mean(keras.ops.abs(y - predicted), axis=-1),
    )
    return model


def without_loss() -> Any:
    return keras.Sequential([keras.Input((6,)), layers.Dense(3)])


#: Models with inputs and targets.
HEALTHY: dict[str, tuple[Callable[[], Any], Any, Any]] = {
    "mlp": (mlp, TABLE, VALUES),
    "regularized": (regularized, TABLE, CLASSES),
    "convolutional": (convolutional, IMAGES, DIGITS),
    "recurrent": (recurrent, SERIES, SERIES[:, -1, 0]),
    "masked": (masked, TOKENS, CLASSES),
    "transformer": (transformer, TOKENS, np.roll(TOKENS, -1, axis=1)),
    "two inputs": (two_inputs, [TABLE, IMAGES], VALUES),
    "autoencoder": (autoencoder, TABLE, TABLE),
    "normalizing": (normalizing, TABLE * 100 + 50, VALUES),
    "subclassed": (subclassed, TABLE, VALUES),
    "by a loss of its own": (by_own_loss, TABLE, VALUES[:, None]),
    "without a loss": (without_loss, TABLE, None),
}


# Broken models, each of which fails one check


def softmax_over_one_unit() -> Any:
    hidden = [layers.Dense(16, "relu"), layers.Dense(1, "softmax")]
    model = keras.Sequential([keras.Input((6,)), *hidden])
    return compiled(model, "binary_crossentropy")


def far_from_chance() -> Any:
    start = keras.initializers.RandomNormal(stddev=5.0)
    hidden = [layers.Dense(16, "relu"), layers.Dense(4, kernel_initializer=start)]
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), *hidden, layers.Softmax()]
    )
    return compiled(model, "sparse_categorical_crossentropy")


class Stopped(layers.Layer):
    def call(self, x: Any) -> Any:
        return keras.ops.stop_gradient(x)


def cut_off() -> Any:
    hidden = [layers.Dense(16, "relu", name="early"), Stopped(), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden]))


class FirstFive(layers.Layer):
    def call(self, x: Any) -> Any:
        return x[:, :5]


def ignores_a_column() -> Any:
    hidden = [FirstFive(), layers.Dense(16, "relu"), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden]))


class OverTheBatch(layers.Layer):
    def call(self, x: Any) -> Any:
        return x - keras.ops.mean(x, axis=0)


def mixes_rows() -> Any:
    hidden = [layers.Dense(16, "relu"), OverTheBatch(), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden]))


class MeanOfAll(layers.Layer):
    def call(self, x: Any) -> Any:
        return keras.ops.mean(x, axis=1)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return None


def counts_padding() -> Any:
    hidden = [layers.Embedding(20, 8, mask_zero=True), MeanOfAll(), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((None,), dtype="int32"), *hidden]))


def looks_ahead() -> Any:
    tokens = keras.Input((10,), dtype="int32")
    x = layers.Embedding(20, 16)(tokens)
    x = x + layers.MultiHeadAttention(2, 8)(x, x)
    outputs = layers.Dense(20, "softmax")(x)
    return compiled(keras.Model(tokens, outputs), "sparse_categorical_crossentropy")


def drawn_anew() -> Any:
    start = keras.initializers.Constant(np.random.default_rng().random() / 10)
    hidden = [layers.Dense(16, "relu"), layers.Dense(1, bias_initializer=start)]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden]))


@keras.saving.register_keras_serializable("tests")
class Scaled(layers.Layer):
    """Keeps a data-dependent factor in an attribute, which is not saved."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.factor = 1.0

    def call(self, x: Any) -> Any:
        return x * self.factor


def forgets_its_scale() -> Any:
    scaled = Scaled()
    hidden = [scaled, layers.Dense(16, "relu"), layers.Dense(1)]
    model = compiled(keras.Sequential([keras.Input((6,)), *hidden]))
    scaled.factor = 3.0
    return model


class OnPython(layers.Layer):
    def call(self, x: Any) -> Any:
        if keras.backend.is_keras_tensor(x) or not hasattr(x, "numpy"):
            return x * 2.0
        return keras.ops.convert_to_tensor(np.asarray(x.numpy()) + 1.0)


def computes_in_python() -> Any:
    hidden = [layers.Dense(16, "relu"), OnPython(), layers.Dense(1)]
    model = keras.Sequential([keras.Input((6,)), *hidden])
    model.compile(keras.optimizers.Adam(1e-3), "mse", run_eagerly=True)
    return model


@keras.saving.register_keras_serializable("tests")
class Counting(keras.Sequential):
    """Counts its steps in an attribute and scales the labels by it."""

    done = 0

    def train_step(self, data: Any) -> Any:
        self.done += 1
        x, y = data[:2]
        return super().train_step((x, y * float(self.done > 3)))


def counts_in_python() -> Any:
    hidden = [layers.Dense(16, "relu"), layers.Dense(1)]
    model = Counting([keras.Input((6,)), *hidden])
    model.compile(keras.optimizers.Adam(1e-2), "mse", run_eagerly=True)
    return model


def compares_rows() -> Any:
    def centered(y: Any, predicted: Any) -> Any:
        apart = y - predicted
        return keras.ops.square(apart - keras.ops.mean(apart)) * 5

    model = mlp()
    model.compile(keras.optimizers.Adam(1e-2), centered)
    return model


def always_dropping() -> Any:
    inputs = keras.Input((6,))
    x = layers.Dense(16, "relu")(inputs)
    return compiled(keras.Model(inputs, layers.Dense(1)(AlwaysDropout(0.5)(x))))


class AlwaysDropout(layers.Dropout):
    def call(self, x: Any, training: bool = False) -> Any:
        return super().call(x, training=True)


def never_settling() -> Any:
    slow = layers.BatchNormalization(momentum=0.99999)
    hidden = [layers.Dense(16), slow, layers.Activation("relu"), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden]), rate=1e-2)


class Exponential(layers.Layer):
    def call(self, x: Any) -> Any:
        return keras.ops.log(keras.ops.exp(keras.ops.abs(x) * 30) + 1)


def beyond_half_precision() -> Any:
    hidden = [Exponential(), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), *hidden]))


#: Broken models by the check that fails, with a part of its message.
BROKEN: dict[str, tuple[Callable[[], Any], Any, Any, str]] = {
    "learns_one_batch": (softmax_over_one_unit, TABLE, CLASSES, "cannot memorize"),
    "starts_at_chance": (far_from_chance, IMAGES * 9, DIGITS, "the first loss is"),
    "every_variable_learns": (cut_off, TABLE, VALUES, "early/kernel does not learn"),
    "uses_every_input": (ignores_a_column, TABLE, VALUES, "column 5 changes no output"),
    "rows_are_independent": (mixes_rows, TABLE, VALUES, "row 0 alone gives a differ"),
    "ignores_padding": (counts_padding, TOKENS, CLASSES, "3 positions of padding"),
    "causal": (looks_ahead, TOKENS, TOKENS, "depends on later positions"),
    "same_seed_same_weights": (drawn_anew, TABLE, VALUES, "bias differs each"),
    "saves_and_loads": (forgets_its_scale, TABLE, VALUES, "predicts something diff"),
    "exports": (computes_in_python, TABLE, VALUES, "exported"),
    "resumes": (counts_in_python, TABLE, VALUES, "continues differ"),
    "accumulates": (compares_rows, TABLE, VALUES, "is not the mean over its halves"),
    "serves_as_trained": (
        always_dropping,
        TABLE,
        VALUES,
        "two predictions of",
    ),
    "mixed_precision_agrees": (beyond_half_precision, TABLE, VALUES, "half precision"),
}
