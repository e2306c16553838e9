"""Samples of data: those that scikit-learn brings, and generated ones."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets

__all__ = ["POSITIVE", "TABLES", "customers", "houses", "reviews", "table", "walk"]


def _some(x: Any, y: Any, rows: int = 500) -> tuple[Any, Any]:
    order = np.random.default_rng(0).permutation(len(x))[:rows]
    return x[order], y[order]


@cache
def table(name: str) -> tuple[Any, Any]:
    """Inputs and labels of a table of numbers."""
    return TABLES[name]()


def _counts() -> tuple[Any, Any]:
    draw = np.random.default_rng(1)
    x = draw.poisson(3, (400, 12))
    return x, (x[:, 0] > x[:, 1]).astype(int)


def _dependent() -> tuple[Any, Any]:
    draw = np.random.default_rng(2)
    x = draw.normal(0, 1, (300, 4))
    return np.hstack([x, x @ draw.normal(0, 1, (4, 4)), x * 1e4]), x[:, 0]


def _mixed_scales() -> tuple[Any, Any]:
    draw = np.random.default_rng(3)
    x = draw.normal(0, 1, (350, 8)) * 10.0 ** np.arange(-3, 5) + np.arange(8) * 100
    return x, (draw.random(350) > 0.5).astype(int)


def _floats32() -> tuple[Any, Any]:
    x, y = datasets.make_regression(300, 10, noise=3.0, random_state=4)
    return x.astype(np.float32), y.astype(np.float32)


def _digits() -> tuple[Any, Any]:
    x, y = datasets.load_digits(return_X_y=True)
    return _some(x, y, 300)


TABLES = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: _some(*datasets.load_wine(return_X_y=True)),
    "cancer": lambda: _some(*datasets.load_breast_cancer(return_X_y=True)),
    "diabetes": lambda: _some(*datasets.load_diabetes(return_X_y=True)),
    "digits": _digits,
    "made": lambda: datasets.make_classification(500, 30, random_state=5),
    "friedman": lambda: datasets.make_friedman1(300, 8, random_state=6),
    "moons": lambda: datasets.make_moons(250, noise=0.2, random_state=7),
    "counts": _counts,
    "dependent": _dependent,
    "scales": _mixed_scales,
    "float32": _floats32,
}
#: Tables without a number below 0.
POSITIVE = ("iris", "wine", "cancer", "digits", "counts", "friedman")


@cache
def houses() -> tuple[Any, Any]:
    """A frame of numbers, whole numbers, flags and categories."""
    draw = np.random.default_rng(8)
    rows = 300
    frame = pd.DataFrame(
        {
            "area": draw.gamma(9, 10, rows).round(1) + 20,
            "rooms": draw.integers(1, 8, rows),
            "built": draw.integers(1900, 2020, rows),
            "garden": draw.random(rows) < 0.4,
            "city": draw.choice(["Rome", "Oslo", "Lima", "Bonn"], rows),
            "state": draw.choice(["new", "good", "poor"], rows, p=[0.2, 0.6, 0.2]),
        }
    )
    price = frame["area"] * 3 + frame["rooms"] * 10 + draw.normal(0, 5, rows)
    return frame, price.to_numpy()


@cache
def customers() -> tuple[Any, Any]:
    """A frame with holes, a category type and dates; classes as words."""
    draw = np.random.default_rng(9)
    rows = 260
    frame = pd.DataFrame(
        {
            "age": np.where(
                draw.random(rows) < 0.1, np.nan, draw.integers(18, 90, rows)
            ),
            "income": draw.lognormal(10, 0.6, rows).round(2),
            "visits": draw.poisson(4, rows),
            "plan": pd.Categorical(draw.choice(["free", "plus", "pro"], rows)),
            "country": draw.choice(["IT", "NO", "PE", "DE", "IE", "FR"], rows),
            "since": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(draw.integers(0, 1500, rows), unit="D"),
        }
    )
    stays = np.where(draw.random(rows) < 0.7, "stays", "leaves")
    return frame, stays


@cache
def reviews() -> tuple[Any, Any]:
    """Short texts and whether they are friendly."""
    draw = np.random.default_rng(10)
    good = ["great", "lovely", "fine", "brilliant", "warm"]
    bad = ["awful", "dull", "poor", "cold", "broken"]
    rest = ["the", "film", "book", "was", "a", "very", "story", "with", "and", "actor"]
    texts, labels = [], []
    for _ in range(160):
        label = int(draw.random() < 0.5)
        words = list(draw.choice(rest, draw.integers(3, 9)))
        words.insert(
            int(draw.integers(len(words))), str(draw.choice([bad, good][label]))
        )
        texts.append(" ".join(map(str, words)))
        labels.append(label)
    return texts, np.array(labels)


@cache
def walk(rows: int = 320, columns: int = 1) -> Any:
    """A series in order of time."""
    draw = np.random.default_rng(11)
    steps = draw.normal(0, 1, (rows, columns))
    season = np.sin(np.arange(rows) / 7)[:, None] * 3
    made = np.cumsum(steps, axis=0) * 0.3 + season + 20
    return made[:, 0] if columns == 1 else made
