"""Data of the reported programs: generated, or shipped with scikit-learn."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Rows",
    "accuracy",
    "batches",
    "digits",
    "friedman",
    "images",
    "in_class_order",
    "r_squared",
    "wave",
]


class Rows(NamedTuple):
    """Training and held-out rows."""

    x: Any
    y: Any
    held_x: Any
    held_y: Any


@functools.lru_cache(maxsize=2)
def digits(rows: int = 640) -> Rows:
    """Return 8x8 digits as 64 numbers from 0 to 1, with classes as int32."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order].astype("float32") / 16, y[order].astype("int32")
    return Rows(x[:rows], y[:rows], x[-500:], y[-500:])


def images(rows: int = 640) -> Rows:
    """Return the same digits as images with one channel."""
    known = digits(rows)
    shaped = (it.reshape(-1, 8, 8, 1) for it in (known.x, known.held_x))
    x, held_x = shaped
    return Rows(x, known.y, held_x, known.held_y)


def friedman(rows: int = 640) -> Rows:
    """Return ten columns and a smooth, standardized target of shape (n, 1)."""
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(n_samples=rows + 300, noise=0.3, random_state=0)
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    y = ((y - y.mean()) / y.std()).astype("float32")[:, None]
    return Rows(x[:rows], y[:rows], x[rows:], y[rows:])


def wave(length: int = 900) -> Any:
    """Return a noisy float32 series with two periods."""
    at = np.arange(length)
    noise = 0.1 * np.random.default_rng(0).standard_normal(length)
    series = np.sin(at / 4) + 0.6 * np.sin(at / 1.7) + noise
    return series.astype("float32")


def in_class_order(rows: Rows) -> Rows:
    """Sort the training rows by class."""
    order = np.argsort(rows.y, kind="stable")
    return rows._replace(x=rows.x[order], y=rows.y[order])


def batches(
    rows: Rows, size: int = 32, epochs: int = 6, seed: int = 0
) -> Iterator[tuple[Any, Any]]:
    """Yield batches of NumPy arrays, in a new order each epoch."""
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(rows.x))
        for at in range(0, len(order) - size + 1, size):
            chosen = order[at : at + size]
            yield rows.x[chosen], rows.y[chosen]


def accuracy(model: Any, rows: Rows) -> float:
    """Return the share of held-out rows whose class has the largest output."""
    found = np.asarray(model(rows.held_x, training=False)).argmax(-1)
    return float(np.mean(found == np.asarray(rows.held_y).reshape(-1)))


def r_squared(model: Any, rows: Rows) -> float:
    """Return the share of the variance of the held-out targets that is explained."""
    found = np.asarray(model(rows.held_x, training=False), float).reshape(-1)
    y = np.asarray(rows.held_y, float).reshape(-1)
    return float(1 - np.mean((y - found) ** 2) / np.var(y))
