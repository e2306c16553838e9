"""Data sets: those shipped with scikit-learn, and generated ones."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .base import Data

__all__ = [
    "counts",
    "diabetes",
    "digits",
    "friedman",
    "images",
    "linear",
    "mixed",
    "moons",
    "one_hot",
    "orders",
    "pixels_scaled",
    "shipped",
    "split",
    "standardized",
    "tags",
    "tokens",
    "trends",
    "walks",
    "waves",
]


@functools.lru_cache(maxsize=8)
def shipped(name: str) -> tuple[Any, Any]:
    """Return a data set shipped with scikit-learn, as ``(x, y)``."""
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return x.astype("float32"), y


def split(x: Any, y: Any, seed: int, test: float = 0.3) -> Data:
    """Split rows at random into training and test rows."""
    order = np.random.default_rng(seed).permutation(len(x))
    cut = int(len(x) * (1 - test))
    one, other = order[:cut], order[cut:]
    return Data(x[one], y[one], x[other], y[other])


def standardized(data: Data) -> Data:
    """Scale features to mean 0 and deviation 1 of the training rows."""
    mean, deviation = data.x.mean(axis=0), data.x.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1)
    test_x = (data.test_x - mean) / deviation
    return data._replace(x=(data.x - mean) / deviation, test_x=test_x)


def pixels_scaled(data: Data) -> Data:
    """Scale gray levels from 0..255 to 0..1."""
    return data._replace(x=data.x / 255, test_x=data.test_x / 255)


def one_hot(data: Data) -> Data:
    """Encode classes as one-hot rows."""
    table = np.eye(int(max(data.y.max(), data.test_y.max())) + 1, dtype="float32")
    return data._replace(y=table[data.y], test_y=table[data.test_y])


def column(data: Data) -> Data:
    """Reshape labels to ``(n, 1)``."""
    y, test_y = (it.reshape(-1, 1).astype("float32") for it in (data.y, data.test_y))
    return data._replace(y=y, test_y=test_y)


def digits(seed: int) -> Data:
    """8x8 digits as 64 columns, gray levels from 0 to 255."""
    x, y = shipped("digits")
    return split(x / 16 * 255, y, seed)


def images(seed: int) -> Data:
    """8x8 digits with a channel axis, gray levels from 0 to 255."""
    data = digits(seed)
    x, test_x = (it.reshape(-1, 8, 8, 1) for it in (data.x, data.test_x))
    return data._replace(x=x, test_x=test_x)


def diabetes(seed: int) -> Data:
    """Ten measurements in different units; the target is standardized."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    data = split(x.astype("float32"), y, seed)
    mean, deviation = data.y.mean(), data.y.std()
    return column(
        data._replace(
            y=(data.y - mean) / deviation, test_y=(data.test_y - mean) / deviation
        )
    )


def _in_units(x: Any) -> Any:
    """Return standardized columns in units as different as those of real tables."""
    scales = np.logspace(-1, 3, x.shape[-1])
    return (x * scales + 2 * scales).astype("float32")


def linear(seed: int) -> Data:
    """A linear target of five features, with a little noise."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((500, 5))
    y = x @ np.array([1.0, -0.5, 0.25, 0.75, 0.0]) + 0.3 * generator.standard_normal(
        500
    )
    return column(split(_in_units(x), y, seed))


def friedman(seed: int) -> Data:
    """Friedman's first function of ten features, standardized."""
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(800, noise=1.0, random_state=seed)
    scales = np.logspace(-1, 3, 10)
    return column(split((x * scales).astype("float32"), (y - 14.4) / 4.9, seed))


def counts(seed: int) -> Data:
    """Counts whose logarithm is linear in six features."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((700, 6))
    mean = np.exp(0.7 + x @ np.array([0.5, -0.4, 0.3, 0.2, 0.0, 0.3]))
    return column(split(_in_units(x), generator.poisson(mean), seed))


def moons(seed: int) -> Data:
    """Two half moons."""
    from sklearn.datasets import make_moons

    x, y = make_moons(600, noise=0.15, random_state=seed)
    return column(split((x * [1, 100] + [5, 300]).astype("float32"), y, seed))


def tags(seed: int) -> Data:
    """Five tags that do not exclude each other, from 12 features."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((800, 12))
    weights = np.random.default_rng(12345).standard_normal((12, 5))
    scores = x @ weights + 0.5 * generator.standard_normal((800, 5))
    return split(_in_units(x), (scores > 1).astype("float32"), seed)


def walks(seed: int) -> Data:
    """Sequences whose target is an exponentially discounted sum, standardized."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((700, 8, 2))
    fading = 0.8 ** np.arange(8)[::-1]
    y = (np.tanh(x[:, :, 0]) * fading).sum(axis=1) + 0.3 * x[:, -1, 1]
    return column(split((40 + 25 * x).astype("float32"), y / 1.25, seed))


def trends(seed: int) -> Data:
    """Noisy sequences that rise or fall."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 2, 600)
    slope = (2 * y - 1)[:, None] * generator.uniform(0.1, 0.4, (600, 1))
    x = slope * np.arange(-4, 5) + generator.standard_normal((600, 9))
    return column(split((100 + 30 * x[..., None]).astype("float32"), y, seed))


def waves(seed: int) -> Data:
    """Sine, square and sawtooth of 32 samples, one-hot."""
    generator = np.random.default_rng(seed)
    kinds = generator.integers(0, 3, 600)
    turns = generator.uniform(0, 1, (600, 1)) + np.linspace(0, 3, 32)
    shapes = np.stack(
        [
            np.sin(2 * np.pi * turns),
            np.sign(np.sin(2 * np.pi * turns)),
            2 * (turns % 1) - 1,
        ]
    )
    x = shapes[kinds, np.arange(600)] + 0.4 * generator.standard_normal((600, 32))
    return one_hot(split((500 * x[..., None]).astype("float32"), kinds, seed))


def tokens(seed: int) -> Data:
    """Sentences of 16 words from a vocabulary of 60; some words are good, some bad."""
    generator = np.random.default_rng(seed)
    x = generator.integers(0, 60, (900, 16))
    worth = np.random.default_rng(54321).standard_normal(60)
    scores = worth[x].mean(axis=1)
    return column(split(x.astype("int32"), scores > np.median(scores), seed))


def orders(seed: int) -> Data:
    """Sequences of 10 tokens; the class depends on the token after the marker 0."""
    generator = np.random.default_rng(seed)
    x = generator.integers(1, 12, (1000, 10))
    place = generator.integers(0, 9, 1000)
    rows = np.arange(1000)
    x[rows, place] = 0
    y = (x[rows, place + 1] - 1) // 3
    return split(x.astype("int32"), y.astype("int32"), seed)


def mixed(seed: int) -> Data:
    """A table and a category that together determine an amount and a kind."""
    generator = np.random.default_rng(seed)
    table = generator.standard_normal((800, 6))
    category = generator.integers(0, 20, (800, 1))
    effect = np.random.default_rng(999).standard_normal(20)[category[:, 0]]
    score = table @ np.array([0.8, -0.6, 0.4, 0.0, 0.3, 0.2]) + effect
    amount = (score + 0.3 * generator.standard_normal(800)) / 1.6
    kind = np.digitize(score + table[:, 3], [-1.0, 1.0])
    x = {"table": _in_units(table), "category": category.astype("int32")}
    y = {"amount": amount.reshape(-1, 1).astype("float32"), "kind": kind}
    one, other = slice(0, 560), slice(560, None)

    def rows(group: dict[str, Any], part: slice) -> dict[str, Any]:
        return {name: it[part] for name, it in group.items()}

    return Data(rows(x, one), rows(y, one), rows(x, other), rows(y, other))
