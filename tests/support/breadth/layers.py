"""Layers with other state than weights, or with special gradients; precisions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .case import Case, adam, compiled, dense, images, series, stack, table, tokens

_CLASSES = {"loss": "sparse_categorical_crossentropy"}


def bag_of_words(rate: float) -> keras.Model:
    """Return a model with a large embedding, whose gradients are `tf.IndexedSlices`."""
    return compiled(
        keras.Sequential(
            [
                keras.Input((10,)),
                keras.layers.Embedding(5000, 8),
                keras.layers.Flatten(),
                keras.layers.Dense(1, "sigmoid"),
            ]
        ),
        rate,
        "binary_crossentropy",
    )


def attention(rate: float) -> keras.Model:
    given = keras.Input((12, 2))
    inner = keras.layers.Dense(8)(given)
    seen = keras.layers.MultiHeadAttention(2, 4)(inner, inner, use_causal_mask=True)
    inner = keras.layers.LayerNormalization()(keras.layers.Add()([inner, seen]))
    out = keras.layers.Dense(1)(keras.layers.Flatten()(inner))
    return compiled(keras.Model(given, out), rate)


def normalized(rate: float) -> keras.Model:
    layer = keras.layers.Normalization()
    layer.adapt(far_table()[0])
    return stack(lambda: layer, dense(16, "relu"), dense())(rate)


def far_table() -> Any:
    x, y = table()
    return x * 1e3 + 5e3, y


def rescaled() -> Any:
    x, y = images()
    return np.clip(x * 40 + 100, 0, 255).astype("uint8"), y


WORDS = np.array(["ant", "bee", "cat", "dog", "eel", "fox"])
WORTH = np.array([1.0, -1.0, 2.0, -2.0, 0.5, 0.0], "float32")


def words() -> Any:
    index = np.random.default_rng(0).integers(0, len(WORDS), (128, 1))
    return index, WORTH[index]


def spelt() -> Any:
    """Return a dataset of strings, which is not a NumPy array that `lossguard.fit`
    takes.
    """
    index, y = words()
    data = tf.data.Dataset.from_tensor_slices((WORDS[index], y))
    return (data.batch(32),)


def strings(rate: float) -> keras.Model:
    layer = keras.layers.StringLookup(vocabulary=WORDS.tolist(), output_mode="one_hot")
    given = keras.Input((1,), dtype="string")
    return compiled(keras.Model(given, keras.layers.Dense(1)(layer(given))), rate)


def phrases() -> Any:
    generator = np.random.default_rng(0)
    index = generator.integers(0, len(WORDS), (128, 3))
    x = np.array([[" ".join(row)] for row in WORDS[index]])
    y = WORTH[index].sum(axis=1, keepdims=True)
    return (tf.data.Dataset.from_tensor_slices((x, y)).batch(32),)


def text(rate: float) -> keras.Model:
    layer = keras.layers.TextVectorization(
        vocabulary=WORDS.tolist(), output_mode="multi_hot"
    )
    given = keras.Input((1,), dtype="string")
    return compiled(keras.Model(given, keras.layers.Dense(1)(layer(given))), rate)


def integers(rate: float) -> keras.Model:
    layers = [
        keras.layers.IntegerLookup(vocabulary=list(range(6)), output_mode="int"),
        keras.layers.CategoryEncoding(7, output_mode="one_hot"),
        keras.layers.Dense(1),
    ]
    return compiled(keras.Sequential([keras.Input((1,), dtype="int64"), *layers]), rate)


def recurrent(layer: Any, *, slow: bool = True) -> Case:
    return Case(build=stack(layer, dense(), shape=(12, 2)), data=series, slow=slow)


def in_precision(name: str, optimizer: Any = adam) -> Any:
    """Return a builder of a dense network with layer normalization in one precision."""

    def build(rate: float) -> keras.Model:
        how = {"dtype": name}
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(16, "relu", **how),
                keras.layers.LayerNormalization(**how),
                keras.layers.Dense(1, **how),
            ]
        )
        model.compile(optimizer(rate), "mse")
        return model

    return build


def double_table() -> Any:
    return tuple(it.astype("float64") for it in table())


convolution = lambda: keras.layers.Conv2D(8, 3, activation="relu")  # noqa: E731
pooled = keras.layers.GlobalAveragePooling2D

LAYERS = {
    "BatchNormalization": Case(
        build=stack(
            dense(16), keras.layers.BatchNormalization, keras.layers.ReLU, dense()
        ),
        data=table,
        rate=0.1,
    ),
    "Dropout": Case(
        build=stack(dense(16, "relu"), lambda: keras.layers.Dropout(0.3), dense()),
        data=table,
    ),
    "SpectralNormalization": Case(
        build=stack(
            lambda: keras.layers.SpectralNormalization(keras.layers.Dense(16)), dense()
        ),
        data=table,
    ),
    "convolutions": Case(
        build=stack(
            convolution,
            keras.layers.MaxPooling2D,
            keras.layers.Flatten,
            dense(2, "softmax"),
            shape=(8, 8, 3),
            **_CLASSES,
        ),
        data=images,
    ),
    "SimpleRNN": recurrent(lambda: keras.layers.SimpleRNN(8)),
    "LSTM": recurrent(lambda: keras.layers.LSTM(8), slow=False),
    "GRU": recurrent(lambda: keras.layers.GRU(8)),
    "Bidirectional": recurrent(
        lambda: keras.layers.Bidirectional(keras.layers.LSTM(4))
    ),
    "MultiHeadAttention": Case(build=attention, data=series),
    "Embedding with sparse gradients": Case(build=bag_of_words, data=tokens),
    "Normalization": Case(build=normalized, data=far_table),
    "Rescaling of bytes": Case(
        build=stack(
            lambda: keras.layers.Rescaling(1 / 255),
            convolution,
            pooled,
            dense(2, "softmax"),
            shape=(8, 8, 3),
            **_CLASSES,
        ),
        data=rescaled,
        epochs=20,
        slow=True,
    ),
    "random augmentation": Case(
        build=stack(
            lambda: keras.layers.RandomFlip("vertical", seed=0),
            lambda: keras.layers.RandomTranslation(0.1, 0.0, seed=0),
            keras.layers.Flatten,
            dense(2, "softmax"),
            shape=(8, 8, 3),
            **_CLASSES,
        ),
        data=images,
    ),
    "StringLookup": Case(build=strings, data=spelt),
    "TextVectorization": Case(build=text, data=phrases, slow=True),
    "IntegerLookup and CategoryEncoding": Case(build=integers, data=words),
    "float64": Case(build=in_precision("float64"), data=double_table, rate=0.1),
    "bfloat16": Case(
        build=in_precision("mixed_bfloat16"), data=table, rate=0.1, tolerance=0.1
    ),
    "bfloat16 throughout": Case(
        build=in_precision("bfloat16", keras.optimizers.SGD),
        data=table,
        broken_rate=10.0,
        tolerance=0.1,
        slow=True,
    ),
}
