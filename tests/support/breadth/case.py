"""A program to train, in a healthy and in a broken form, and data for it."""

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
        build: Makes the compiled model, given a learning rate.
        data: ``(x,)``, ``(x, y)``, ``(x, y, sample_weight)`` or ``(dataset,)``.
        rate: A learning rate at which it converges.
        broken_rate: One at which it does not.
        epochs: Passes over the data.
        fit: Further arguments of ``model.fit``.
        callbacks: Each makes one for every training anew: some keep what the last
            one left.
        only_watched: Whether `lossguard.fit` has no such argument or data.
        scored: Whether predictions can be held against a constant.
        in_graph: Whether `lossguard.fit` runs it as a graph loop.
        tolerance: Relative, of the losses of both ways of training.
        slow: Whether it is of the long tail that ``pytest -m slow`` runs.
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
        """By ``model.fit``, in the order of the rows."""
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
    """A linear target of four standard normal columns."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, COLUMNS)).astype("float32")
    y = x @ np.array([[1.0], [-2.0], [0.5], [1.5]], "float32")
    return x, y


def classes() -> Data:
    """Which of three columns is the largest."""
    x, _ = table()
    return x, x[:, :3].argmax(axis=1)


def weighted() -> Data:
    return *table(), np.linspace(0.1, 2.0, ROWS).astype("float32")


def images() -> Data:
    """Noise of 8x8 pixels that is brighter on the left or on the right."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, 8, 8, 3)).astype("float32")
    y = np.arange(ROWS) % 2
    x[y == 1, :, :4] += 1.0
    return x, y


def series() -> Data:
    """Sequences of twelve steps whose last three values add up to the target."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, 12, 2)).astype("float32")
    return x, x[:, -3:, :1].sum(axis=1)


def tokens() -> Data:
    """Sentences of up to ten words padded by zeros; the target tells whether the
    first word is one of the lower half.
    """
    generator = np.random.default_rng(0)
    x = generator.integers(1, 20, (ROWS, 10))
    lengths = generator.integers(3, 11, ROWS)
    x[np.arange(10) >= lengths[:, None]] = 0
    return x, (x[:, :1] < 10).astype("float32")


def as_dataset(data: Data) -> Data:
    return batches(tf.data.Dataset.from_tensor_slices(data))


def compiled(model: keras.Model, rate: float, loss: Any = "mse", **how: Any) -> Any:
    """The model, compiled with Adam."""
    model.compile(adam(rate), loss, **how)
    return model


def stack(*layers: Any, shape: tuple[Any, ...] = (COLUMNS,), **how: Any) -> Any:
    """A builder of a `Sequential` model of layers that are made anew each time."""

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
    """A dataset of four batches that says so."""
    data = rows.apply(tf.data.experimental.assert_cardinality(ROWS))
    return (data.padded_batch(BATCH, **how) if how else data.batch(BATCH),)


def dense(units: int = 1, activation: str | None = None, **how: Any) -> Any:
    return lambda: keras.layers.Dense(units, activation, **how)
