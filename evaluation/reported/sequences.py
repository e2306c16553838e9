"""Recurrent nets, attention, padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from .report import Report

__all__ = ["REPORTS"]


def _patterns(rows: int = 400, length: int = 12) -> Any:
    """Tokens from 1 to 7 that mostly follow from the two before them."""
    draw = np.random.default_rng(0)
    tokens = draw.integers(1, 8, (rows, length + 1))
    for at in range(2, length + 1):
        follows = (tokens[:, at - 1] + 2 * tokens[:, at - 2]) % 7 + 1
        certain = draw.random(rows) < 0.75
        tokens[:, at] = np.where(certain, follows, tokens[:, at])
    return tokens.astype("int32")


def _look_ahead(fixed: bool) -> float:
    """A mask of 1 where a position may not look, for a layer that means the reverse.
    Scored by the next token, given those before it and nothing after.
    """
    import keras
    import tensorflow as tf
    from keras import layers

    tokens = _patterns()
    x, y = tokens[:, :-1], tokens[:, 1:]
    length = x.shape[1]
    earlier = np.tril(np.ones((length, length), bool))
    mask = earlier if fixed else np.tril(~earlier | np.eye(length, dtype=bool), length)
    start = keras.Input((length,), dtype="int32")
    inner = layers.Embedding(8, 24)(start) + layers.Embedding(length, 24)(
        tf.range(length)
    )
    seen = layers.MultiHeadAttention(2, 12)(
        inner, inner, attention_mask=tf.constant(mask[None])
    )
    inner = layers.LayerNormalization()(inner + seen)
    inner = layers.Dense(48, "relu")(inner)
    model = keras.Model(start, layers.Dense(8)(inner))
    model.compile(
        keras.optimizers.Adam(0.005),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(x[:320], y[:320], epochs=30, verbose=0)
    hits = []
    for at in range(2, length):
        known = x[320:].copy()
        known[:, at + 1 :] = 0
        found = np.asarray(model(known))[:, at].argmax(-1)
        hits.append(np.mean(found == y[320:, at]))
    return float(np.mean(hits))


def _softmax_over_one(fixed: bool) -> float:
    """A stateful LSTM that ends in softmax over one unit, with labels -1 and 1."""
    import keras
    from keras import layers

    draw = np.random.default_rng(0)
    x = draw.standard_normal((320, 10, 2)).astype("float32")
    up = x[:, :, 0].sum(1) > x[:, :, 1].sum(1)
    y = np.where(up, 1.0, 0.0 if fixed else -1.0).astype("float32")
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(16, 10, 2)),
            layers.LSTM(12, stateful=True),
            layers.Dense(1, "sigmoid" if fixed else "softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(x[:256], y[:256], batch_size=16, epochs=12, shuffle=False, verbose=0)
    found = model.predict(x[256:], batch_size=16, verbose=0)[:, 0] > 0.5
    return float(np.mean(found == up[256:]))


REPORTS = (
    Report(
        name="look-ahead-mask-reversed",
        source="tensorflow/text#894",
        kind="attention",
        wrong="a mask of the wrong polarity: positions see the future",
        program=_look_ahead,
        causes=("not_causal",),
        unseen="model_checks(causal=True)",
    ),
    Report(
        name="softmax-over-one-unit",
        source="https://stackoverflow.com/questions/47241622",
        kind="recurrent",
        wrong="Dense(1, softmax), binary cross-entropy, labels -1 and 1",
        program=_softmax_over_one,
        causes=("loss_output_mismatch", "labels_out_of_range", "masked_loss"),
    ),
)
