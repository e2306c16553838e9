"""Bases on images, sequences and tokens."""

from __future__ import annotations

from typing import Any

from . import datasets
from .base import Base, Data, Knobs, bounded_accuracy, bounded_r_squared
from .model_parts import ModelParts

__all__ = ["DEEP"]


def _standardized_all(data: Data) -> Data:
    """Scale sequences to mean 0 and deviation 1 over all rows and times."""
    mean, deviation = data.x.mean(), data.x.std()
    return data._replace(
        x=(data.x - mean) / deviation, test_x=(data.test_x - mean) / deviation
    )


def _copied(data: Data) -> Data:
    """Use the scaled inputs as targets."""
    scaled = datasets.pixels_scaled(data)
    return scaled._replace(y=scaled.x, test_y=scaled.test_x)


def _digits_one_hot(seed: int) -> Data:
    return datasets.one_hot(datasets.digits(seed))


def _cnn(knobs: Knobs) -> Any:
    import keras
    from keras import layers

    parts = ModelParts(knobs)
    inputs = keras.Input((8, 8, 1))
    filters, relu = knobs.units or 8, parts.activation("relu")
    x = parts.after(
        layers.Conv2D(filters, 3, activation=relu, **parts.options())(inputs)
    )
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    outputs = parts.output(parts.hidden(x, 32), 10, "softmax")
    loss = "sparse_categorical_crossentropy"
    return parts.model(inputs, outputs, ("adam", 0.005), loss)


def _resnet(knobs: Knobs) -> Any:
    import keras
    from keras import layers

    parts = ModelParts(knobs)
    inputs = keras.Input((64,))
    units = knobs.units or 32
    x = parts.after(layers.Dense(units, **parts.options())(inputs))
    for _ in range(knobs.depth or 2):
        inner = layers.Dense(units, use_bias=False, **parts.options())(x)
        inner = layers.BatchNormalization()(inner)
        inner = layers.Activation(parts.activation("relu"))(inner)
        inner = layers.Dense(units, **parts.options())(inner)
        x = layers.Add()([x, parts.after(inner)])
    x = layers.BatchNormalization()(x)
    x = layers.Activation(parts.activation("relu"))(x)
    outputs = parts.output(x, 10)
    loss = "categorical_crossentropy"
    return parts.model(inputs, outputs, ("adam", 0.003), loss, logits=True)


def _autoencoder(knobs: Knobs) -> Any:
    import keras

    parts = ModelParts(knobs)
    inputs = keras.Input((64,))
    code = parts.hidden(parts.hidden(inputs, 48), 16)
    outputs = parts.output(parts.hidden(code, 48), 64, "sigmoid")
    return parts.model(inputs, outputs, ("adam", 0.005), "mse")


def _lstm(knobs: Knobs) -> Any:
    import keras
    from keras import layers

    parts = ModelParts(knobs)
    inputs = keras.Input((8, 2))
    lstm = layers.LSTM(
        knobs.units or 16, activation=parts.activation("tanh"), **parts.options()
    )
    outputs = parts.output(parts.after(lstm(inputs)), 1)
    return parts.model(inputs, outputs, ("adam", 0.01), "mse")


def _gru(knobs: Knobs) -> Any:
    import keras
    from keras import layers

    parts = ModelParts(knobs)
    inputs = keras.Input((9, 1))
    gru = layers.GRU(
        knobs.units or 12, activation=parts.activation("tanh"), **parts.options()
    )
    outputs = parts.output(parts.after(gru(inputs)), 1, "sigmoid")
    return parts.model(inputs, outputs, ("adam", 0.01), "binary_crossentropy")


def _conv_1d(knobs: Knobs) -> Any:
    import keras
    from keras import layers

    parts = ModelParts(knobs)
    inputs, x = keras.Input((32, 1)), None
    for _ in range(2):
        conv = layers.Conv1D(
            knobs.units or 12,
            5,
            strides=2,
            activation=parts.activation("relu"),
            **parts.options(),
        )
        x = parts.after(conv(inputs if x is None else x))
    outputs = parts.output(layers.GlobalAveragePooling1D()(x), 3, "softmax")
    return parts.model(inputs, outputs, ("adam", 0.01), "categorical_crossentropy")


def _embedding(knobs: Knobs) -> Any:
    import keras
    from keras import layers

    parts = ModelParts(knobs)
    inputs = keras.Input((16,), dtype="int32")
    x = parts.after(layers.Embedding(60, 8)(inputs))
    x = parts.hidden(layers.GlobalAveragePooling1D()(x), 16)
    outputs = parts.output(x, 1, "sigmoid")
    return parts.model(inputs, outputs, ("adam", 0.01), "binary_crossentropy")


def _transformer(knobs: Knobs) -> Any:
    import keras
    from keras import layers

    parts = ModelParts(knobs)
    inputs = keras.Input((10,), dtype="int32")
    x = parts.after(layers.Embedding(12, 16)(inputs))
    # Each position sees the one before it, so that order matters.
    before = layers.Cropping1D((0, 1))(layers.ZeroPadding1D((1, 0))(x))
    x = layers.Dense(16, **parts.options())(layers.Concatenate()([x, before]))
    attention = layers.MultiHeadAttention(2, 8, **parts.options())
    x = layers.LayerNormalization()(layers.Add()([x, attention(x, x)]))
    inner = layers.Dense(32, parts.activation("relu"), **parts.options())(x)
    inner = parts.after(layers.Dense(16, **parts.options())(inner))
    x = layers.LayerNormalization()(layers.Add()([x, inner]))
    x = layers.GlobalMaxPooling1D()(x)
    outputs = parts.output(x, 4, "softmax")
    loss = "sparse_categorical_crossentropy"
    return parts.model(inputs, outputs, ("adam", 0.003), loss)


def _traits(words: str) -> frozenset[str]:
    return frozenset(words.split())


DEEP = (
    Base(
        name="digits-cnn",
        raw=datasets.images,
        scale=datasets.pixels_scaled,
        build=_cnn,
        epochs=8,
        quality=bounded_accuracy,
        floor=0.88,
        traits=_traits("raw pixels deep classes sparse probability"),
    ),
    Base(
        name="digits-resnet",
        raw=_digits_one_hot,
        scale=datasets.pixels_scaled,
        build=_resnet,
        epochs=6,
        quality=bounded_accuracy,
        floor=0.88,
        traits=_traits("raw table pixels deep normalized classes one-hot logits"),
    ),
    Base(
        name="autoencoder",
        raw=datasets.digits,
        scale=_copied,
        build=_autoencoder,
        epochs=8,
        quality=bounded_r_squared,
        floor=0.7,
        traits=_traits("deep dense copy"),
    ),
    Base(
        name="lstm",
        raw=datasets.walks,
        scale=_standardized_all,
        build=_lstm,
        epochs=15,
        quality=bounded_r_squared,
        floor=0.75,
        traits=_traits("raw sequence regression recurrent"),
    ),
    Base(
        name="gru",
        raw=datasets.trends,
        scale=_standardized_all,
        build=_gru,
        epochs=12,
        quality=bounded_accuracy,
        floor=0.85,
        traits=_traits("raw sequence binary probability recurrent"),
    ),
    Base(
        name="waves",
        raw=datasets.waves,
        scale=_standardized_all,
        build=_conv_1d,
        epochs=15,
        quality=bounded_accuracy,
        floor=0.75,
        traits=_traits("raw sequence deep classes one-hot probability"),
    ),
    Base(
        name="embedding",
        raw=datasets.tokens,
        build=_embedding,
        epochs=12,
        quality=bounded_accuracy,
        floor=0.75,
        traits=_traits("tokens dense binary probability"),
    ),
    Base(
        name="transformer",
        raw=datasets.orders,
        build=_transformer,
        epochs=12,
        quality=bounded_accuracy,
        floor=0.75,
        traits=_traits("tokens deep classes sparse probability"),
    ),
)
