"""Raw samples for training on the preprocessing bugs.

Contracts do not train, so the pairs in ``tests/support/preprocessing_bugs.py`` may have
labels that cannot be learned, or none. For these pairs, this module has a sample of the
same kind with a signal; the preparations are those of the pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

__all__ = ["SAMPLES", "weights_of"]

Sample = tuple[Any, Any]


def _standard(values: Any) -> Any:
    values = np.asarray(values, dtype="float64")
    return (values - values.mean()) / values.std()


def _by_word(words: Any, draw: Any) -> Any:
    """Return one number per word, with noise."""
    known = {it: place for place, it in enumerate(sorted(set(words)))}
    effect = draw.permutation(len(known)).astype(float)
    places = [known[it] for it in words]
    return _standard(effect[places] + draw.normal(0, 0.2, len(words)))


def tinted_images(_: Any) -> Sample:
    """Images with three channels; the class is the brightest channel."""
    draw = np.random.default_rng(0)
    y = draw.integers(0, 3, 320)
    x = draw.integers(0, 160, (320, 6, 6, 3))
    x[np.arange(320), ..., y] += 60
    return x.astype(np.uint8), y


def coded_numbers(_: Any) -> Sample:
    """Integer codes from 0 to 7; the target depends on the code, not on its order."""
    draw = np.random.default_rng(1)
    x = draw.integers(0, 8, (400, 1))
    effect = np.array([2.0, -1.0, 3.0, 0.0, -3.0, 1.0, -2.0, 0.5])
    return x, _standard(effect[x[:, 0]] + draw.normal(0, 0.2, 400))


def prices(given: Any) -> Sample:
    """The houses of the pair, with standardized prices."""
    return given["x"], _standard(given["y"])


def hours_of_day(_: Any) -> Sample:
    """Hourly timestamps; the target is a sine wave with a period of a day."""
    x = 1_700_000_000 + 3600.0 * np.arange(1200).reshape(-1, 1)
    noise = np.random.default_rng(2).normal(0, 0.15, 1200)
    return x, np.sin(2 * np.pi * x[:, 0] / 86_400) + noise


def far_from_zero(_: Any) -> Sample:
    """Four columns around 20,000; the target is their sum."""
    draw = np.random.default_rng(3)
    x = 20_000 + draw.normal(0, 3, (400, 4))
    return x, _standard(x.sum(axis=1) + draw.normal(0, 0.3, 400))


def neighboring_ids(given: Any) -> Sample:
    """The ids of the pair; the target is a sine wave over the ids."""
    x = np.concatenate([given["x"]] * 4)
    place = (x[:, 0] - x.min()).astype(float)
    noise = np.random.default_rng(4).normal(0, 0.15, len(x))
    return x, np.sin(2 * np.pi * place / 100) + noise


def noisy_series(_: Any) -> Sample:
    """A series that wanders slowly, with measurement noise."""
    draw = np.random.default_rng(5)
    level = np.zeros(600)
    for at in range(1, 600):
        level[at] = 0.95 * level[at - 1] + draw.normal(0, 0.3)
    return _standard(level + draw.normal(0, 0.7, 600)), None


def handwriting(most: float, flat: bool) -> Callable[[Any], Sample]:
    """Return a sample of digit images with pixel values from 0 to ``most``."""

    def make(_: Any) -> Sample:
        x, y = load_digits(return_X_y=True)
        x = x[:1200] if flat else x[:1200].reshape(-1, 8, 8)
        scaled = np.round(x * most / 16)
        return (scaled.astype(np.uint8) if most > 16 else scaled), y[:1200]

    return make


def cities(given: Any) -> Sample:
    """The cities of the pair; the target depends on the city."""
    x = given["x"]
    return x, _by_word(list(x["city"]), np.random.default_rng(6))


def striped_images(_: Any) -> Sample:
    """Channels-first images; the class is the striped channel and the direction."""
    draw = np.random.default_rng(7)
    y = draw.integers(0, 6, 480)
    x = draw.normal(0, 1.5, (480, 3, 8, 8))
    stripes = np.tile([1.0, -1.0], (8, 4))
    for row, kind in enumerate(y):
        x[row, kind // 2] += stripes if kind % 2 else stripes.T
    return x.astype("float32"), y


def mostly_noise(_: Any) -> Sample:
    """Two hundred columns, of which three are informative."""
    draw = np.random.default_rng(8)
    x = draw.normal(0, 1, (240, 200))
    signal = x[:, :3].sum(axis=1) + draw.normal(0, 1.5, 240)
    return x, (signal > 0).astype(int)


def shops(given: Any) -> Sample:
    """The shops of the pair; the target depends on the size and weakly on the shop."""
    draw, x = np.random.default_rng(9), given["x"]
    effect = _by_word(list(x["shop"]), draw)
    noise = draw.normal(0, 1, len(x))
    return x, _standard(x["size"].to_numpy() + 0.5 * effect + noise)


def endings(_: Any) -> Sample:
    """Long texts; the class depends on the last two words."""
    draw = np.random.default_rng(10)
    fill = ["we", "saw", "the", "film", "with", "them", "on", "friday"]
    y = draw.integers(0, 2, 400)
    ends = (("rather", "bad"), ("very", "good"))
    texts = [" ".join([*draw.choice(fill, 6), *ends[it]]) for it in y]
    return texts, y


def words(_: Any) -> Sample:
    """Texts in the vocabulary of the pair; the class depends on the first word."""
    draw = np.random.default_rng(11)
    kinds = ("good", "bad", "fine", "poor")
    y = draw.integers(0, 4, 400)
    things, ends = ("film", "book", "song"), ("today", "again", "indeed", "never")
    texts = [f"{kinds[it]} {draw.choice(things)} {draw.choice(ends)}" for it in y]
    return texts, y


def rare_class(_: Any) -> Sample:
    """Two overlapping classes; one row in twelve belongs to the second."""
    draw = np.random.default_rng(12)
    y = (draw.random(600) < 1 / 12).astype(int)
    x = draw.normal(0, 1, (600, 6))
    x[y == 1, :2] += 1.2
    return x, y


def weights_of(y: Any, *, inverted: bool) -> Any:
    """Return sample weights that balance the classes, or, inverted, unbalance them
    more.
    """
    shares = np.bincount(y) / len(y)
    weights = shares if inverted else 1 / shares
    return (weights / (weights * shares).sum())[y].astype("float32")


def as_frame(given: Any) -> Sample:
    """The cities of the pair as the only column; the target depends on the city."""
    frame = pd.DataFrame({"city": given["x"]["city"]})
    return cities({"x": frame})


SAMPLES: dict[str, Callable[[Any], Sample]] = {
    "bgr_at_serving": tinted_images,
    "codes_as_numbers": coded_numbers,
    "dummies_of_request": prices,
    "epoch_seconds": hours_of_day,
    "float16_resolution": far_from_zero,
    "float32_ids": neighboring_ids,
    "future_rolling_mean": noisy_series,
    "integer_division": handwriting(250, flat=True),
    "python_hash": cities,
    "rescaled_twice": handwriting(16, flat=False),
    "reshape_not_transpose": striped_images,
    "selection_on_all_rows": mostly_noise,
    "target_encoding_own_row": shops,
    "truncation": endings,
    "unseen_category": as_frame,
    "vocabulary_case": words,
    "weights_inverted": rare_class,
}
