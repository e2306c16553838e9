"""Small models and data for the tests of watch and fit."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf


def regression(rows: int = 100, columns: int = 4) -> tuple[Any, Any]:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((rows, columns)).astype("float32")
    y = x @ generator.standard_normal((columns, 1)).astype("float32")
    return x, y


def mlp(**compile_options: Any) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, "relu"),
            keras.layers.Dense(1),
        ]
    )
    options = {"optimizer": keras.optimizers.Adam(0.01), "loss": "mse"}
    model.compile(**{**options, **compile_options})
    return model


def busy_net() -> keras.Model:
    """Return a model with dropout, batch normalization, a penalty and metrics:
    everything that has state.
    """
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, "relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(1),
        ]
    )
    model.compile("adam", "mse", metrics=["mae"])
    return model


def tape_step(model: keras.Model, optimizer: Any) -> Any:
    """Return a hand-written training step."""
    loss = keras.losses.MeanSquaredError()

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
        return value

    return step


class StepLosses(keras.callbacks.Callback):
    """Records the loss of each step, as Keras would report it for a single batch."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.append(float(logs["loss"]))
