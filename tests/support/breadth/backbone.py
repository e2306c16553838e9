"""A transformer encoder like those of libraries of pretrained models, without
pretraining.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from .case import adam

_WORDS, _LENGTH, _WIDTH, _HEADS, _BLOCKS = 16000, 8, 192, 4, 2


def sentences() -> Any:
    """Return padded words; the label tells whether the first word is 1 or 2."""
    generator = np.random.default_rng(0)
    x = generator.integers(1, _WORDS, (64, _LENGTH))
    x[::2, -4:] = 0
    x[:, 0] = np.arange(64) % 2 + 1
    return {"token_ids": x, "padding_mask": (x > 0).astype("int32")}, x[:, 0] - 1


class Embedded(keras.layers.Layer):
    """Word and position embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.words = keras.layers.Embedding(_WORDS, _WIDTH)
        self.places = keras.layers.Embedding(_LENGTH, _WIDTH)
        self.norm = keras.layers.LayerNormalization()

    def call(self, words: Any) -> Any:
        places = self.places(keras.ops.arange(_LENGTH))
        return self.norm(self.words(words) + places)


class Block(keras.layers.Layer):
    """Attention and a feed-forward network, each with a residual connection."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = keras.layers.MultiHeadAttention(_HEADS, _WIDTH // _HEADS)
        self.inner = keras.layers.Dense(4 * _WIDTH, "gelu")
        self.outer = keras.layers.Dense(_WIDTH)
        self.norms = [keras.layers.LayerNormalization() for _ in range(2)]
        self.dropout = keras.layers.Dropout(0.1, seed=0)

    def build(self, shape: Any) -> None:
        self.attention.build(shape, shape)
        self.inner.build(shape)
        self.outer.build((*shape[:-1], 4 * _WIDTH))
        for norm in self.norms:
            norm.build(shape)

    def call(self, given: Any, padding_mask: Any, training: bool = False) -> Any:
        mask = keras.ops.cast(padding_mask[:, None, :], "bool")
        seen = self.attention(given, given, attention_mask=mask, training=training)
        given = self.norms[0](given + self.dropout(seen, training=training))
        return self.norms[1](given + self.outer(self.inner(given)))


def encoder(rate: float) -> keras.Model:
    """Return a classifier on the first position of an encoder, compiled with Adam."""
    words = keras.Input((_LENGTH,), dtype="int32", name="token_ids")
    mask = keras.Input((_LENGTH,), dtype="int32", name="padding_mask")
    inner = Embedded()(words)
    for _ in range(_BLOCKS):
        inner = Block()(inner, mask)
    out = keras.layers.Dense(2)(inner[:, 0])
    model = keras.Model({"token_ids": words, "padding_mask": mask}, out)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(adam(rate), loss)
    return model
