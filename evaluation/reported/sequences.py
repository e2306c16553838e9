"""Bugs of recurrent networks, attention and padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_lossguard import check_model

from .report import Report

__all__ = ["REPORTS"]


def _patterns(rows: int = 400, length: int = 12) -> Any:
    """Return tokens from 1 to 7 that mostly follow from the two before them."""
    draw = np.random.default_rng(0)
    tokens = draw.integers(1, 8, (rows, length + 1))
    for at in range(2, length + 1):
        follows = (tokens[:, at - 1] + 2 * tokens[:, at - 2]) % 7 + 1
        certain = draw.random(rows) < 0.75
        tokens[:, at] = np.where(certain, follows, tokens[:, at])
    return tokens.astype("int32")


def _attentive(fixed: bool, length: int = 12) -> Any:
    """Return a model with causal attention; the broken one inverts the mask."""
    import keras
    import tensorflow as tf
    from keras import layers

    earlier = np.tril(np.ones((length, length), bool))
    mask = earlier if fixed else np.tril(~earlier | np.eye(length, dtype=bool), length)
    start = keras.Input((length,), dtype="int32")
    places = keras.ops.cumsum(keras.ops.ones_like(start), axis=1) - 1
    inner = layers.Embedding(8, 24)(start) + layers.Embedding(length, 24)(places)
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
    return model


def _look_ahead(fixed: bool) -> float:
    """An inverted attention mask; scored by predictions of the next token without the
    tokens after it.
    """
    tokens = _patterns()
    x, y = tokens[:, :-1], tokens[:, 1:]
    length, model = x.shape[1], _attentive(fixed)
    model.fit(x[:320], y[:320], epochs=30, verbose=0)
    hits = []
    for at in range(2, length):
        known = x[320:].copy()
        known[:, at + 1 :] = 0
        found = np.asarray(model(known))[:, at].argmax(-1)
        hits.append(np.mean(found == y[320:, at]))
    return float(np.mean(hits))


def _look_ahead_checked(fixed: bool) -> None:
    tokens = _patterns()
    check_model(
        lambda: _attentive(fixed), tokens[:64, :-1], tokens[:64, 1:], causal=True
    )


def _softmax_over_one(fixed: bool) -> float:
    """A stateful LSTM with softmax over one unit and labels -1 and 1."""
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


def _padded(rows: int = 400, length: int = 40) -> Any:
    """Return short texts padded with 0 at the end, and whether their last token is
    even.
    """
    draw = np.random.default_rng(0)
    tokens = np.zeros((rows, length), "int32")
    sizes = draw.integers(3, 8, rows)
    for row, size in zip(tokens, sizes, strict=True):
        row[:size] = draw.integers(1, 20, size)
    last = tokens[np.arange(rows), sizes - 1]
    return tokens, (last % 2 == 0).astype("float32")


def _reader(fixed: bool) -> Any:
    """Return an LSTM classifier; the broken one reads the padding after each text."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((40,), dtype="int32"),
            layers.Embedding(20, 12, mask_zero=fixed),
            layers.LSTM(12),
            layers.Dense(1),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    return model


def _padding_unmasked(fixed: bool) -> float:
    """An LSTM that reads padding; scored by the accuracy on held-out texts."""
    (x, y), model = _padded(), _reader(fixed)
    model.fit(x[:300], y[:300], epochs=12, verbose=0)
    found = np.asarray(model(x[300:]))[:, 0] > 0
    return float(np.mean(found == (y[300:] > 0)))


def _averaging(fixed: bool) -> Any:
    """Return a model with a custom mean layer; the broken one averages over padding,
    too.
    """
    import keras
    from keras import layers

    @keras.saving.register_keras_serializable(package=f"reported_{fixed}")
    class Mean(layers.Layer):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            if mask is None or not fixed:
                return keras.ops.mean(x, axis=1)
            kept = keras.ops.cast(mask, x.dtype)[:, :, None]
            return keras.ops.sum(x * kept, 1) / (keras.ops.sum(kept, 1) + 1e-6)

        def compute_mask(self, *_: Any) -> None:
            return None

    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(20, 12, mask_zero=True),
            Mean(),
            layers.Dense(16, "relu"),
            layers.Dense(1),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    return model


def _above_15() -> Any:
    x, _ = _padded(length=16)
    return x, (x.max(1) > 15).astype("float32")


def _mean_over_padding(fixed: bool) -> float:
    """A mean over padding; scored by how little more padding changes predictions."""
    (x, y), model = _above_15(), _averaging(fixed)
    model.fit(x[:300], y[:300], epochs=16, verbose=0)
    more = np.pad(x[300:], ((0, 0), (0, 24)))
    apart = np.asarray(model(x[300:])) - np.asarray(model(more))
    return -float(np.abs(apart).max())


def _rarely_tagged(rows: int = 320, length: int = 40) -> Any:
    """Return short texts padded with 0 at the end, and tags: 1 for a token that repeats
    one of the two before it, else 0.
    """
    draw = np.random.default_rng(0)
    tokens, tags = np.zeros((2, rows, length), "int32")
    for row, tag, size in zip(tokens, tags, draw.integers(4, 9, rows), strict=True):
        row[:size] = draw.integers(1, 8, size)
        for at in range(1, size):
            tag[at] = row[at] in row[max(0, at - 2) : at]
    return tokens, tags


def _tagger(kind: Any = None) -> Any:
    import keras
    from keras import layers

    start = keras.Input((None,), dtype="int32")
    inner = layers.Embedding(8, 16, mask_zero=True)(start)
    inner = layers.GRU(24, return_sequences=True)(inner)
    return (kind or keras.Model)(start, layers.Dense(2)(inner))


def _f1(model: Any, tokens: Any, tags: Any) -> float:
    """Return the F1 score of the rare tag, without padding."""
    found = np.asarray(model(tokens)).argmax(-1)[tokens > 0] == 1
    true = tags[tokens > 0] == 1
    return float(2 * (found & true).sum() / max(1, found.sum() + true.sum()))


def _padding_by_hand(fixed: bool) -> float:
    """A hand-written cross-entropy in a loop that averages over padding, too."""
    import keras
    import tensorflow as tf

    (tokens, tags), model = _rarely_tagged(), _tagger()
    optimizer = keras.optimizers.Adam(0.01)

    @tf.function
    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            counts = tf.cast(x != 0, tf.float32) if fixed else tf.ones_like(each)
            loss = tf.reduce_sum(each * counts) / tf.reduce_sum(counts)
        slopes = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)

    for _ in range(30):
        for at in range(0, 240, 24):
            step(tf.constant(tokens[at : at + 24]), tf.constant(tags[at : at + 24]))
    return _f1(model, tokens[240:], tags[240:])


def _mask_reshaped_away(fixed: bool) -> float:
    """A loss that flattens logits and labels, so that the Keras mask is lost."""
    import keras
    import tensorflow as tf

    each = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    class Flat(keras.Model):
        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
            del x
            if fixed:
                return each(y, y_pred)
            return each(tf.reshape(y, [-1]), tf.reshape(y_pred, [-1, 2]))

    (tokens, tags), model = _rarely_tagged(), _tagger(Flat)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(tokens[:240], tags[:240], batch_size=24, epochs=30, verbose=0)
    return _f1(model, tokens[240:], tags[240:])


REPORTS = (
    Report(
        name="look-ahead-mask-reversed",
        source="tensorflow/text#894",
        kind="attention",
        wrong="a mask of the wrong polarity: positions see the future",
        program=_look_ahead,
        causes=("target_in_inputs",),
        check=_look_ahead_checked,
        seen_as="check_causal",
    ),
    Report(
        name="softmax-over-one-unit",
        source="https://stackoverflow.com/questions/47241622",
        kind="recurrent",
        wrong="Dense(1, softmax), binary cross-entropy, labels -1 and 1",
        program=_softmax_over_one,
        causes=("loss_output_mismatch", "labels_out_of_range", "masked_loss"),
    ),
    Report(
        name="padding-read-by-an-lstm",
        source="keras-team/keras-io#2044",
        kind="recurrent",
        wrong="texts padded behind, no mask_zero",
        program=_padding_unmasked,
        causes=("ignores_padding", "labels_carry_no_signal"),
        unseen="a test of more padding: without a mask no check applies",
    ),
    Report(
        name="mask-lost-in-a-layer",
        source="ageron/handson-ml2#369",
        kind="sequences",
        wrong="a layer of one's own averages over padding too",
        program=_mean_over_padding,
        causes=("ignores_padding",),
        unseen="model_checks: ignores_padding",
        check=lambda fixed: check_model(lambda: _averaging(fixed), *_above_15()),
        seen_as="check_ignores_padding",
    ),
    Report(
        name="cross-entropy-over-padding",
        source="tensorflow/tensorflow#563",
        kind="sequences",
        wrong="cross-entropy by hand, its mean over padding too",
        program=_padding_by_hand,
        causes=("padding_not_masked",),
        only_warned=True,
    ),
    Report(
        name="mask-lost-by-a-reshape",
        source="d2l-ai/d2l-en#2693",
        kind="sequences",
        wrong="logits reshaped to (-1, classes) before the loss: the mask is lost",
        program=_mask_reshaped_away,
        causes=("padding_not_masked",),
        only_warned=True,
    ),
)
