"""Texts and series: embeddings, recurrent networks, convolutions, transformers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..keras_parts import Layer, Optimizer
from . import data as of
from .case import Case, Split, net
from .scores import accuracy, predicted, r_squared

__all__ = ["CASES"]

_SPARSE = "sparse_categorical_crossentropy"
_BINARY = "binary_crossentropy"
_WORDS, _LENGTH = 80, 16


def _tokens(texts: Any, mode: str = "int") -> of.Make:
    """Texts as word indices, by a layer adapted to the training texts."""

    def make(seed: int) -> Split:
        import keras

        rows, labels = texts(seed)
        split = of.halves(np.array(rows), labels, seed)
        length = {"output_sequence_length": _LENGTH} if mode == "int" else {}
        layer = keras.layers.TextVectorization(
            max_tokens=_WORDS, output_mode=mode, **length
        )
        layer.adapt(split.x)
        x, held_x = (np.asarray(layer(it)) for it in (split.x, split.held_x))
        return replace(split, x=x, held_x=held_x)

    return make


_REVIEWS = of.columns(_tokens(of.reviews))
_TOPICS = _tokens(of.topics)


def _transformer(split: Split) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input((_LENGTH,), dtype="int32")
    x = layers.Embedding(_WORDS, 16)(inputs)
    x = x + layers.Embedding(_LENGTH, 16)(keras.ops.arange(_LENGTH))
    y = layers.MultiHeadAttention(2, 8)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.1)(y))
    y = layers.Dense(16)(layers.Dense(32, "relu")(x))
    x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.1)(y))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, layers.Dense(4, "softmax")(x))
    model.compile("adam", _SPARSE, metrics=["accuracy"])
    return model


def _next_letters(seed: int) -> Split:
    """The letter that follows eight others, in a text of eight different words."""
    generator = np.random.default_rng(seed)
    text = " ".join(
        generator.choice(
            ["to", "be", "or", "not", "that", "is", "the", "question"], 400
        )
    )
    letters = sorted(set(text))
    codes = np.array([letters.index(it) for it in text], "int32")
    seen = np.lib.stride_tricks.sliding_window_view(codes, 9)[:1400]
    cut = 1000
    return Split(
        x=seen[:cut, :8].copy(),
        y=seen[:cut, 8].copy(),
        held_x=seen[cut:, :8].copy(),
        held_y=seen[cut:, 8].copy(),
    )


def _tagged(seed: int) -> Split:
    """A tag for each word, which depends on the word and on the word before it."""
    generator = np.random.default_rng(seed)
    x = generator.integers(1, 30, (600, 10))
    before = np.concatenate([np.zeros((600, 1), int), x[:, :-1]], axis=1)
    y = np.where(before % 5 == 0, 3, x % 3)
    return of.halves(x.astype("int32"), y.astype("int32"), seed)


def _copied(seed: int) -> Split:
    """A short sequence of digits, to be output in reverse order."""
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 6, (1500, 4)).astype("int32")
    return of.halves(x, x[:, ::-1].copy(), seed, test_size=0.2)


def _heartbeats(seed: int) -> Split:
    """Noisy series of three kinds: sine, square wave, chirp."""
    generator = np.random.default_rng(seed)
    at = np.arange(48) / 48
    kind = generator.integers(0, 3, 600)
    phase = generator.uniform(0, 1, (600, 1))
    wave = np.stack(
        [
            np.sin(6.28 * (3 * at + phase)),
            np.sign(np.sin(6.28 * (3 * at + phase))),
            np.sin(6.28 * (1 + 4 * at) * at + 6.28 * phase),
        ]
    )[kind, np.arange(600)]
    x = wave + 0.3 * generator.standard_normal(wave.shape)
    return of.halves(x.astype("float32")[..., None], kind, seed)


def _weather(seed: int) -> Split:
    """Five measurements over a day; one of them is predicted three hours ahead."""
    generator = np.random.default_rng(seed)
    steps = 1000
    sun = np.sin(np.arange(steps) * 2 * np.pi / 24)
    drift = np.cumsum(0.1 * generator.standard_normal(steps))
    drift -= np.linspace(drift[0], drift[-1], steps)
    warm = sun + 0.5 * drift + 0.1 * generator.standard_normal(steps)
    others = [
        sun,
        np.roll(warm, 2) + 0.2 * generator.standard_normal(steps),
        -warm + 0.3 * generator.standard_normal(steps),
        generator.standard_normal(steps),
    ]
    values = np.stack([warm, *others], axis=1)
    cut = 750
    values = (values - values[:cut].mean(axis=0)) / values[:cut].std(axis=0)
    seen = np.lib.stride_tricks.sliding_window_view(values, 12, axis=0)
    x = seen[:-3].transpose(0, 2, 1).astype("float32")
    y = values[14:, :1].astype("float32")
    return Split(x=x[: cut - 14], y=y[: cut - 14], held_x=x[cut:], held_y=y[cut:])


def _as_dataset(split: Split) -> Any:
    import tensorflow as tf

    rows = tf.data.Dataset.from_tensor_slices((split.x, split.y))
    return rows.shuffle(500, seed=1).batch(32).prefetch(2)


def _piped(make: of.Make) -> of.Make:
    def changed(seed: int) -> Split:
        split = make(seed)
        return replace(split, x=_as_dataset(split), y=None)

    return changed


def _embedded(units: int, outputs: int, last: str) -> Any:
    return [
        Layer.Embedding(_WORDS, units),
        Layer.GlobalAveragePooling1D(),
        Layer.Dense(outputs, last),
    ]


def _recalled(model: Any, split: Split) -> float:
    found = predicted(model, split.held_x).argmax(axis=-1)
    return float(np.mean(found == split.held_y))


_reviews_case = partial(Case, data=_REVIEWS, score=accuracy, floor=0.75)
_topics_case = partial(Case, data=_TOPICS, score=accuracy, floor=0.75)
_window_case = partial(Case, data=of.windows(24), score=r_squared, floor=0.5)
_series_case = partial(Case, score=r_squared, floor=0.5)
_far_case = partial(Case, score=r_squared, floor=0.4)

CASES = (
    _reviews_case(
        name="reviews-averaged-embedding",
        model=net(
            [
                Layer.Embedding(_WORDS, 16),
                Layer.Dropout(0.2),
                Layer.GlobalAveragePooling1D(),
                Layer.Dropout(0.2),
                "1 sigmoid",
            ],
            Optimizer.Adam(0.01),
            _BINARY,
        ),
        fit={"epochs": 15},
    ),
    _reviews_case(
        name="reviews-embedding-sgd",
        model=net(_embedded(8, 1, "sigmoid"), Optimizer.SGD(0.5), _BINARY),
        fit={"epochs": 25, "batch_size": 16},
    ),
    _reviews_case(
        name="reviews-convolution",
        model=net(
            [
                Layer.Embedding(_WORDS, 16),
                Layer.Conv1D(24, 3, activation="relu"),
                Layer.GlobalMaxPooling1D(),
                "1 sigmoid",
            ],
            "adam",
            _BINARY,
        ),
        fit={"epochs": 15},
    ),
    _reviews_case(
        name="reviews-lstm-masked",
        model=net(
            [Layer.Embedding(_WORDS, 12, mask_zero=True), Layer.LSTM(12), "1 sigmoid"],
            Optimizer.Adam(0.01),
            _BINARY,
        ),
        fit={"epochs": 8},
    ),
    Case(
        name="reviews-bag-of-words",
        data=of.columns(_tokens(of.reviews, "multi_hot")),
        model=net(["16 relu", "1 sigmoid"], "rmsprop", _BINARY, dtype="float32"),
        fit={"epochs": 20},
        score=accuracy,
        floor=0.75,
    ),
    _topics_case(
        name="topics-averaged-embedding",
        model=net(_embedded(16, 4, "softmax"), Optimizer.Adam(0.02), _SPARSE),
        fit={"epochs": 12},
    ),
    _topics_case(
        name="topics-embedding-sgd",
        model=net(_embedded(16, 4, "softmax"), Optimizer.SGD(1.0), _SPARSE),
        fit={"epochs": 25},
    ),
    _topics_case(
        name="topics-bidirectional-gru",
        model=net(
            [
                Layer.Embedding(_WORDS, 12),
                Layer.Bidirectional(Layer.GRU(10)),
                "4 softmax",
            ],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 6},
    ),
    _topics_case(name="topics-transformer", model=_transformer, fit={"epochs": 10}),
    Case(
        name="topics-tf-idf",
        data=_tokens(of.topics, "tf_idf"),
        model=net(["4 softmax"], Optimizer.Adam(0.01), _SPARSE),
        fit={"epochs": 12},
        score=accuracy,
        floor=0.75,
    ),
    Case(
        name="letters-lstm",
        data=_next_letters,
        model=net(
            [Layer.Embedding(20, 12), Layer.LSTM(32), "20 softmax"],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 8},
        score=accuracy,
        floor=0.55,
    ),
    Case(
        name="tags-bidirectional-lstm",
        data=_tagged,
        model=net(
            [
                Layer.Embedding(30, 12),
                Layer.Bidirectional(Layer.LSTM(16, return_sequences=True)),
                "4 softmax",
            ],
            Optimizer.Adam(0.02),
            _SPARSE,
        ),
        fit={"epochs": 10},
        score=_recalled,
        floor=0.7,
    ),
    Case(
        name="digits-reversed-encoder-decoder",
        data=_copied,
        model=net(
            [
                Layer.Embedding(6, 8),
                Layer.GRU(48),
                Layer.RepeatVector(4),
                Layer.GRU(48, return_sequences=True),
                "6 softmax",
            ],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 10},
        score=_recalled,
        floor=0.6,
    ),
    _window_case(
        name="series-dense-window",
        model=net(["32 relu", "1 linear"], Optimizer.Adam(0.003), "mse"),
        fit={"epochs": 10},
    ),
    _series_case(
        name="series-lstm",
        data=of.windows(16, channel=True),
        model=net([Layer.LSTM(16), "1 linear"], Optimizer.Adam(0.01), "mse"),
        fit={"epochs": 8},
    ),
    _series_case(
        name="series-causal-convolution",
        data=of.windows(24, channel=True),
        model=net(
            [
                Layer.Conv1D(16, 3, padding="causal", activation="relu"),
                Layer.Conv1D(
                    16, 3, padding="causal", dilation_rate=2, activation="relu"
                ),
                Layer.Flatten(),
                "1 linear",
            ],
            Optimizer.Adam(0.003),
            "mae",
        ),
        fit={"epochs": 8},
    ),
    _far_case(
        name="series-six-ahead-gru",
        data=of.windows(24, ahead=6, channel=True),
        model=net([Layer.GRU(20), "6 linear"], Optimizer.Adam(0.01), "huber"),
        fit={"epochs": 8},
    ),
    _window_case(
        name="series-linear-sgd",
        model=net(["1 linear"], Optimizer.SGD(0.01), "mse"),
        fit={"epochs": 10},
    ),
    _far_case(
        name="weather-lstm",
        data=_weather,
        model=net([Layer.LSTM(16), "1 linear"], Optimizer.Adam(0.005), "mse"),
        fit={"epochs": 8},
    ),
    _far_case(
        name="weather-dataset",
        data=_piped(_weather),
        model=net([Layer.Flatten(), "16 relu", "1 linear"], "rmsprop", "mae"),
        fit={"epochs": 10},
    ),
    Case(
        name="heartbeats-convolution",
        data=_heartbeats,
        model=net(
            [
                Layer.Conv1D(16, 3, padding="same"),
                Layer.BatchNormalization(),
                Layer.ReLU(),
                Layer.Conv1D(16, 3, padding="same"),
                Layer.BatchNormalization(),
                Layer.ReLU(),
                Layer.GlobalAveragePooling1D(),
                "3 softmax",
            ],
            Optimizer.Adam(0.01),
            _SPARSE,
        ),
        fit={"epochs": 25},
        score=accuracy,
        floor=0.75,
    ),
)
