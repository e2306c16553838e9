"""A program to train, in a healthy and in a broken version, and its data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

ROWS, COLUMNS, BATCH = 128, 4, 32

Data = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One program.

    Attributes:
        build: Returns the compiled model, given a learning rate.
        data: ``(x,)``, ``(x, y)``, ``(x, y, sample_weight)`` or ``(dataset,)``.
        rate: A learning rate at which the training converges.
        broken_rate: A learning rate at which the training does not converge.
        epochs: Passes over the data.
        fit: Further arguments of ``model.fit``.
        callbacks: Factories of callbacks, called for each training because some
            callbacks keep state.
        only_watched: Whether `lossguard.fit` lacks such an argument or such data.
        scored: Whether predictions can be compared with a constant.
        in_graph: Whether `lossguard.fit` runs the program as a graph loop.
        tolerance: Relative tolerance between the losses of both ways of training.
        slow: Whether the case runs only with ``pytest -m slow``.
    """

    build: Callable[[float], keras.Model]
    data: Callable[[], Data]
    rate: float = 0.03
    broken_rate: float = 100.0
    epochs: int = 10
    fit: Mapping[str, Any] = field(default_factory=dict)
    callbacks: tuple[Callable[[], Any], ...] = ()
    only_watched: bool = False
    scored: bool = True
    in_graph: bool = True
    tolerance: float = 1e-4
    slow: bool = False

    def train(self, model: keras.Model) -> None:
        """Train by ``model.fit``, without shuffling the rows."""
        given: dict[str, Any] = dict(
            zip(("x", "y", "sample_weight"), self.data(), strict=False)
        )
        if isinstance(given["x"], np.ndarray | list | dict):
            given |= {"batch_size": BATCH, "shuffle": False}
        callbacks = [make() for make in self.callbacks]
        how = {"epochs": self.epochs, "verbose": 0, "callbacks": callbacks}
        model.fit(**given, **how, **self.fit)


def adam(rate: float) -> Any:
    return keras.optimizers.Adam(rate)


def table() -> Data:
    """Return a linear target of four standard normal columns."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, COLUMNS)).astype("float32")
    y = x @ np.array([[1.0], [-2.0], [0.5], [1.5]], "float32")
    return x, y


def classes() -> Data:
    """Return three columns and the index of the largest."""
    x, _ = table()
    return x, x[:, :3].argmax(axis=1)


def weighted() -> Data:
    return *table(), np.linspace(0.1, 2.0, ROWS).astype("float32")


def images() -> Data:
    """Return noisy images of 8x8 pixels that are brighter on the left or right."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, 8, 8, 3)).astype("float32")
    y = np.arange(ROWS) % 2
    x[y == 1, :, :4] += 1.0
    return x, y


def series() -> Data:
    """Return sequences of twelve steps; the target sums the last three values."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, 12, 2)).astype("float32")
    return x, x[:, -3:, :1].sum(axis=1)


def tokens() -> Data:
    """Return sentences of up to ten words padded by zeros; the target says whether the
    first word is in the lower half.
    """
    generator = np.random.default_rng(0)
    x = generator.integers(1, 20, (ROWS, 10))
    lengths = generator.integers(3, 11, ROWS)
    x[np.arange(10) >= lengths[:, None]] = 0
    return x, (x[:, :1] < 10).astype("float32")


def as_dataset(data: Data) -> Data:
    return batches(tf.data.Dataset.from_tensor_slices(data))


def compiled(model: keras.Model, rate: float, loss: Any = "mse", **how: Any) -> Any:
    """Return the model, compiled with Adam."""
    model.compile(adam(rate), loss, **how)
    return model


def stack(*layers: Any, shape: tuple[Any, ...] = (COLUMNS,), **how: Any) -> Any:
    """Return a builder of a `Sequential` model, given factories of its layers."""

    def build(rate: float) -> keras.Model:
        made = [layer() for layer in layers]
        dtype = how.get("dtype", "float32")
        return compiled(
            keras.Sequential([keras.Input(shape, dtype=dtype), *made]),
            rate,
            how.get("loss", "mse"),
            **how.get("compile", {}),
        )

    return build


def batches(rows: Any, **how: Any) -> Data:
    """Return a dataset of four batches with known cardinality."""
    data = rows.apply(tf.data.experimental.assert_cardinality(ROWS))
    return (data.padded_batch(BATCH, **how) if how else data.batch(BATCH),)


def dense(units: int = 1, activation: str | None = None, **how: Any) -> Any:
    return lambda: keras.layers.Dense(units, activation, **how)
