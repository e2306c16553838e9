"""Ways to build a model, and kinds of inputs and outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .case import (
    COLUMNS,
    Case,
    adam,
    as_dataset,
    classes,
    compiled,
    dense,
    stack,
    table,
    weighted,
)

hidden = dense(16, "relu")


def functional(rate: float) -> keras.Model:
    given = keras.Input((COLUMNS,))
    inner = keras.layers.Dense(16, "relu")(given)
    joined = keras.layers.Concatenate()([given, inner])
    return compiled(keras.Model(given, keras.layers.Dense(1)(joined)), rate)


class Regressor(keras.Model):
    """A subclassed model with inputs as an array or as a dict of columns."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = keras.layers.Dense(16, "relu")
        self.out = keras.layers.Dense(1)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if isinstance(inputs, dict):
            inputs = tf.concat([inputs["left"], inputs["right"]], axis=1)
        return self.out(self.inner(inputs))


def subclassed(rate: float) -> keras.Model:
    return compiled(Regressor(), rate)


def column_dict() -> Any:
    x, y = table()
    return {"left": x[:, :2], "right": x[:, 2:]}, y


def column_pair() -> Any:
    x, y = column_dict()
    return [x["left"], x["right"]], [y, (y > 0).astype("float32")]


def labeled_dict() -> Any:
    x, y = column_dict()
    return x, {"value": y, "sign": (y > 0).astype("float32")}


def two_sided(rate: float, *, by_name: bool) -> keras.Model:
    left, right = keras.Input((2,), name="left"), keras.Input((2,), name="right")
    inner = keras.layers.Dense(16, "relu")(keras.layers.Concatenate()([left, right]))
    value = keras.layers.Dense(1, name="value")(inner)
    sign = keras.layers.Dense(1, "sigmoid", name="sign")(inner)
    if by_name:
        model = keras.Model(
            {"left": left, "right": right}, {"value": value, "sign": sign}
        )
        loss: Any = {"value": "mse", "sign": "binary_crossentropy"}
        weights: Any = {"value": 1.0, "sign": 2.0}
    else:
        model = keras.Model([left, right], [value, sign])
        loss, weights = ["mse", "binary_crossentropy"], [0.5, 1.0]
    return compiled(model, rate, loss, loss_weights=weights)


class TwoHeads(keras.Model):
    """A subclassed model with a dict of outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = keras.layers.Dense(16, "relu")
        self.value = keras.layers.Dense(1)
        self.sign = keras.layers.Dense(1, "sigmoid")

    def call(self, inputs: Any) -> Any:
        inner = self.inner(tf.concat([inputs["left"], inputs["right"]], axis=1))
        return {"value": self.value(inner), "sign": self.sign(inner)}


def two_heads(rate: float) -> keras.Model:
    loss = {"value": "mse", "sign": "binary_crossentropy"}
    return compiled(TwoHeads(), rate, loss)


def one_loss_of_two(rate: float) -> keras.Model:
    """Return a model of two outputs, of which only the first has a loss."""
    given = keras.Input((COLUMNS,))
    inner = keras.layers.Dense(16, "relu")(given)
    outputs = [keras.layers.Dense(1)(inner), keras.layers.Dense(3)(inner)]
    return compiled(keras.Model(given, outputs), rate, ["mse", None])


def half_labeled() -> Any:
    x, y = table()
    return x, [y, np.zeros((len(x), 3), "float32")]


def shared(rate: float) -> keras.Model:
    """Return a model that uses one layer twice."""
    left, right = keras.Input((2,)), keras.Input((2,))
    encoder = keras.Sequential([keras.layers.Dense(16, "relu")])
    apart = keras.layers.Subtract()([encoder(left), encoder(right)])
    return compiled(keras.Model([left, right], keras.layers.Dense(1)(apart)), rate)


def apart() -> Any:
    x, _ = table()
    left, right = x[:, :2], x[:, 2:]
    return [left, right], left.sum(1, keepdims=True) - right.sum(1, keepdims=True)


class OwnStep(Regressor):
    """A ``train_step`` as in the guides, with the compiled loss."""

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
        return {it.name: it.result() for it in self.metrics}


class OwnLoss(Regressor):
    """A ``train_step`` with its own loss object and metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = keras.metrics.Mean(name="loss")
        self.scorer = keras.losses.MeanSquaredError()

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.scorer(y, self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(
            zip(gradients, self.trainable_weights, strict=True)
        )
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

    @property
    def metrics(self) -> list[Any]:
        return [self.tracker]


class PlainLoss(OwnLoss):
    """A ``train_step`` whose loss is plain arithmetic."""

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((y - self(x, training=True)) ** 2)
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply(gradients, self.trainable_weights)
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}


def with_step(kind: type[keras.Model], loss: Any = "mse") -> Any:
    def build(rate: float) -> keras.Model:
        model = kind()
        model.compile(adam(rate), loss)
        return model

    return build


def frozen(rate: float) -> keras.Model:
    backbone = keras.Sequential(
        [keras.Input((COLUMNS,)), keras.layers.Dense(32, "tanh")]
    )
    backbone.trainable = False
    given = keras.Input((COLUMNS,))
    out = keras.layers.Dense(1)(backbone(given, training=False))
    return compiled(keras.Model(given, out), rate)


mlp = stack(hidden, dense())
classifier = stack(hidden, dense(3, "softmax"), loss="sparse_categorical_crossentropy")

STRUCTURES = {
    "Sequential": Case(build=mlp, data=table),
    "Functional": Case(build=functional, data=table),
    "subclassed": Case(build=subclassed, data=table),
    "dict inputs": Case(build=subclassed, data=column_dict),
    "several inputs, outputs, losses and loss weights": Case(
        build=lambda rate: two_sided(rate, by_name=False), data=column_pair
    ),
    "dict inputs and outputs": Case(
        build=lambda rate: two_sided(rate, by_name=True), data=labeled_dict
    ),
    "dict outputs, subclassed": Case(build=two_heads, data=labeled_dict),
    "dict inputs and outputs of a dataset": Case(
        build=lambda rate: two_sided(rate, by_name=True),
        data=lambda: as_dataset(labeled_dict()),
        slow=True,
    ),
    "an output without a loss": Case(build=one_loss_of_two, data=half_labeled),
    "shared layers": Case(build=shared, data=apart),
    "frozen backbone": Case(build=frozen, data=table),
    "sample_weight": Case(build=mlp, data=weighted),
    "sample_weight of a dataset": Case(
        build=mlp, data=lambda: as_dataset(weighted()), slow=True
    ),
    "class_weight": Case(
        build=classifier,
        data=classes,
        fit={"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
        only_watched=True,
    ),
    "custom train_step on the compiled loss": Case(
        build=with_step(OwnStep), data=table
    ),
    "custom train_step with a loss object of its own": Case(
        build=with_step(OwnLoss, None), data=table
    ),
    "custom train_step with a loss in plain arithmetic": Case(
        build=with_step(PlainLoss, None), data=table, scored=False
    ),
}
