"""Bases on tables: dense networks for every kind of target."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import datasets
from .base import (
    Base,
    Data,
    Knobs,
    bounded_accuracy,
    bounded_r_squared,
    deviance_explained,
    logit_accuracy,
)
from .model_parts import ModelParts

__all__ = ["TABULAR"]


def _net(
    inputs: int,
    units: int,
    depth: int,
    outputs: int,
    *,
    optimizer: Any,
    loss: str,
    activation: str = "relu",
    last: str = "linear",
    logits: bool = False,
) -> Any:
    """Return a builder of a plain dense network."""

    def build(knobs: Knobs) -> Any:
        import keras

        parts = ModelParts(knobs)
        x = keras.Input((inputs,))
        hidden = parts.hidden(x, units, activation, depth) if depth else x
        return parts.model(
            x, parts.output(hidden, outputs, last), optimizer, loss, logits=logits
        )

    return build


def _tumours(seed: int) -> Data:
    return datasets.column(datasets.split(*datasets.shipped("breast_cancer"), seed))


def _wines(seed: int) -> Data:
    return datasets.one_hot(datasets.split(*datasets.shipped("wine"), seed))


def _irises(seed: int) -> Data:
    return datasets.split(*datasets.shipped("iris"), seed)


def _only_table(data: Data) -> Data:
    """Use the table without the category, and the amount as the only target."""
    return data._replace(y=data.y["amount"], test_y=data.test_y["amount"])


def _mixed_amount(seed: int) -> Data:
    return _only_table(datasets.mixed(seed))


def _table_scaled(data: Data) -> Data:
    """Scale the table only, as the categories are indices."""
    plain = data._replace(x=data.x["table"], test_x=data.test_x["table"])
    scaled = datasets.standardized(plain)
    return data._replace(
        x={**data.x, "table": scaled.x}, test_x={**data.test_x, "table": scaled.test_x}
    )


def _joined(parts: ModelParts) -> tuple[dict[str, Any], Any]:
    """Return inputs of table and category, and a hidden layer over both."""
    import keras
    from keras import layers

    inputs = {
        "table": keras.Input((6,), name="table"),
        "category": keras.Input((1,), dtype="int32", name="category"),
    }
    embedded = layers.Flatten()(layers.Embedding(20, 4)(inputs["category"]))
    side = parts.hidden(inputs["table"], 16)
    return inputs, parts.hidden(layers.Concatenate()([side, embedded]), 16)


def _multi_input(knobs: Knobs) -> Any:
    parts = ModelParts(knobs)
    inputs, hidden = _joined(parts)
    return parts.model(inputs, parts.output(hidden, 1), ("adam", 0.01), "mse")


def _multi_output(knobs: Knobs) -> Any:
    parts = ModelParts(knobs)
    inputs, hidden = _joined(parts)
    outputs = {
        "amount": parts.output(hidden, 1, name="amount"),
        "kind": parts.output(hidden, 3, "softmax", name="kind"),
    }
    losses = {"amount": "mse", "kind": "sparse_categorical_crossentropy"}
    return parts.model(inputs, outputs, ("adam", 0.01), losses)


def _both(y: Any, predictions: Any) -> float:
    """Return the mean of the amount's R squared and the kind's accuracy."""
    amount = bounded_r_squared(y["amount"], predictions["amount"])
    return float(np.mean([amount, bounded_accuracy(y["kind"], predictions["kind"])]))


def _traits(words: str) -> frozenset[str]:
    return frozenset(words.split())


TABULAR = (
    Base(
        name="tumour-probability",
        raw=_tumours,
        scale=datasets.standardized,
        build=_net(
            *(30, 16, 1, 1),
            optimizer=("adam", 0.01),
            loss="binary_crossentropy",
            last="sigmoid",
        ),
        epochs=8,
        quality=bounded_accuracy,
        floor=0.9,
        traits=_traits("raw table dense binary probability"),
    ),
    Base(
        name="tumour-logit",
        raw=_tumours,
        scale=datasets.standardized,
        build=_net(
            *(30, 24, 2, 1),
            optimizer=("sgd", 0.05, 0.9),
            loss="binary_crossentropy",
            activation="tanh",
            logits=True,
        ),
        epochs=8,
        quality=logit_accuracy,
        floor=0.9,
        traits=_traits("raw table dense binary logits sgd"),
    ),
    Base(
        name="wine-one-hot",
        raw=_wines,
        scale=datasets.standardized,
        build=_net(
            *(13, 16, 1, 3),
            optimizer=("adam", 0.01),
            loss="categorical_crossentropy",
            last="softmax",
        ),
        epochs=20,
        batch_size=16,
        quality=bounded_accuracy,
        floor=0.88,
        traits=_traits("raw table dense classes one-hot probability"),
    ),
    Base(
        name="iris-sparse",
        raw=_irises,
        scale=datasets.standardized,
        build=_net(
            *(4, 16, 2, 3),
            optimizer=("adam", 0.005),
            loss="sparse_categorical_crossentropy",
            last="softmax",
        ),
        epochs=40,
        batch_size=16,
        quality=bounded_accuracy,
        floor=0.82,
        traits=_traits("raw table dense classes sparse probability"),
    ),
    Base(
        name="digits-logits",
        raw=datasets.digits,
        scale=datasets.pixels_scaled,
        build=_net(
            *(64, 48, 2, 10),
            optimizer=("adam", 0.003),
            loss="sparse_categorical_crossentropy",
            logits=True,
        ),
        epochs=8,
        quality=bounded_accuracy,
        floor=0.88,
        traits=_traits("raw table pixels dense classes sparse logits"),
    ),
    Base(
        name="diabetes",
        raw=datasets.diabetes,
        scale=datasets.standardized,
        build=_net(*(10, 32, 1, 1), optimizer=("adam", 0.003), loss="mse"),
        epochs=12,
        quality=bounded_r_squared,
        floor=0.25,
        traits=_traits("raw table dense regression"),
    ),
    Base(
        name="friedman",
        raw=datasets.friedman,
        scale=datasets.standardized,
        build=_net(*(10, 32, 2, 1), optimizer=("adam", 0.005), loss="mse"),
        epochs=18,
        quality=bounded_r_squared,
        floor=0.75,
        traits=_traits("raw table dense regression"),
    ),
    Base(
        name="linear",
        raw=datasets.linear,
        scale=datasets.standardized,
        build=_net(*(5, 0, 0, 1), optimizer=("sgd", 0.01, 0.9), loss="mse"),
        epochs=15,
        quality=bounded_r_squared,
        floor=0.85,
        traits=_traits("raw table regression sgd"),
    ),
    Base(
        name="counts",
        raw=datasets.counts,
        scale=datasets.standardized,
        build=_net(
            *(6, 16, 1, 1),
            optimizer=("adam", 0.005),
            loss="poisson",
            last="exponential",
        ),
        epochs=15,
        quality=deviance_explained,
        floor=0.3,
        traits=_traits("raw table dense counts"),
    ),
    Base(
        name="moons",
        raw=datasets.moons,
        scale=datasets.standardized,
        build=_net(
            *(2, 16, 2, 1),
            optimizer=("sgd", 0.1, 0.9),
            loss="binary_crossentropy",
            activation="tanh",
            last="sigmoid",
        ),
        epochs=20,
        quality=bounded_accuracy,
        floor=0.9,
        traits=_traits("raw table dense binary probability sgd"),
    ),
    Base(
        name="tags",
        raw=datasets.tags,
        scale=datasets.standardized,
        build=_net(
            *(12, 32, 1, 5),
            optimizer=("adam", 0.01),
            loss="binary_crossentropy",
            last="sigmoid",
        ),
        epochs=12,
        quality=lambda y, p: bounded_accuracy(
            np.reshape(y, (-1, 1)), np.reshape(p, (-1, 1))
        ),
        floor=0.8,
        traits=_traits("raw table dense several probability"),
    ),
    Base(
        name="multi-input",
        raw=_mixed_amount,
        scale=_table_scaled,
        build=_multi_input,
        epochs=15,
        quality=bounded_r_squared,
        floor=0.7,
        traits=_traits("raw regression dense inputs"),
    ),
    Base(
        name="multi-output",
        raw=datasets.mixed,
        scale=_table_scaled,
        build=_multi_output,
        epochs=15,
        quality=_both,
        floor=0.65,
        traits=_traits("raw dense inputs outputs"),
    ),
)
