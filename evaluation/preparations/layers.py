"""Keras' preprocessing layers and `tf.data` pipelines; TensorFlow is imported when one
is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .data import reviews, table
from .preparation import Healthy

__all__ = ["LAYERS"]


def _layer(name: str, data: str, **how: Any) -> Any:
    def arguments() -> dict[str, Any]:
        import keras

        x, y = table(data)
        layer = getattr(keras.layers, name)(**how)
        return {"prepare": layer, "x": x.astype("float32"), "y": y}

    return arguments


def _text_layer(**how: Any) -> Any:
    def arguments() -> dict[str, Any]:
        import keras

        x, _ = reviews()
        return {"prepare": keras.layers.TextVectorization(**how), "x": x}

    return arguments


def _lookup(name: str, **how: Any) -> Any:
    def arguments() -> dict[str, Any]:
        import keras

        draw = np.random.default_rng(0)
        if name == "StringLookup":
            x = draw.choice(["red", "green", "blue", "gray"], 120)
        else:
            x = draw.integers(3, 12, 120)
        return {"prepare": getattr(keras.layers, name)(**how), "x": x}

    return arguments


def _called(name: str, data: str, shape: tuple[int, ...] | None, **how: Any) -> Any:
    """A layer that learns nothing, in a function."""

    def arguments() -> dict[str, Any]:
        import keras

        x, _ = table(data)
        x = x[:100].astype("float32")
        x = x if shape is None else x.reshape(-1, *shape)
        layer = getattr(keras.layers, name)(**how)

        def prepare(x: Any) -> Any:
            return layer(x)

        return {"prepare": prepare, "x": x, "serve": prepare}

    return arguments


def _dataset(batched: bool, adapted: bool) -> Any:
    def arguments() -> dict[str, Any]:
        import keras
        import tensorflow as tf

        x, y = table("wine")
        layer = keras.layers.Normalization()

        def prepare(x: Any, y: Any) -> Any:
            x = x.astype("float32")
            if adapted:
                layer.adapt(x)
            made = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=0)
            made = made.batch(32) if batched else made
            return made.map(lambda a, b: (layer(a) if batched and adapted else a, b))

        def serve(x: Any) -> Any:
            x = x.astype("float32")
            return layer(x) if batched and adapted else x

        return {"prepare": prepare, "x": x, "y": y, "serve": serve}

    return arguments


LAYERS = (
    *(
        Healthy(name=f"Normalization of {it}", make=_layer("Normalization", it))
        for it in ("iris", "wine", "cancer", "diabetes")
    ),
    Healthy(
        name="Discretization of iris",
        make=_layer("Discretization", "iris", num_bins=4),
    ),
    Healthy(
        name="Discretization of diabetes",
        make=_layer("Discretization", "diabetes", num_bins=6),
    ),
    Healthy(name="TextVectorization", make=_text_layer(output_sequence_length=12)),
    Healthy(name="TextVectorization tf-idf", make=_text_layer(output_mode="tf_idf")),
    Healthy(
        name="TextVectorization multi-hot",
        make=_text_layer(output_mode="multi_hot", max_tokens=15),
    ),
    Healthy(
        name="TextVectorization of pairs",
        make=_text_layer(ngrams=2, output_mode="count"),
    ),
    Healthy(name="StringLookup", make=_lookup("StringLookup")),
    Healthy(
        name="StringLookup one-hot", make=_lookup("StringLookup", output_mode="one_hot")
    ),
    Healthy(name="IntegerLookup", make=_lookup("IntegerLookup")),
    Healthy(
        name="Rescaling",
        make=_called("Rescaling", "digits", (8, 8, 1), scale=1 / 16),
    ),
    Healthy(
        name="Resizing",
        make=_called("Resizing", "digits", (8, 8, 1), height=16, width=16),
    ),
    Healthy(
        name="CenterCrop",
        make=_called("CenterCrop", "digits", (8, 8, 1), height=4, width=4),
    ),
    Healthy(name="Hashing", make=_called("Hashing", "counts", None, num_bins=50)),
    Healthy(name="dataset", make=_dataset(False, False)),
    Healthy(name="dataset in batches", make=_dataset(True, False)),
    Healthy(name="dataset normalized", make=_dataset(True, True)),
)
