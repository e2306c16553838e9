"""The data: what scikit-learn ships and generates, and generated texts and series."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .case import Split

__all__ = [
    "columns",
    "digits",
    "encoded",
    "generated",
    "halves",
    "one_hot",
    "patches",
    "reviews",
    "series",
    "shipped",
    "standard",
    "standard_targets",
    "topics",
    "windows",
]

Make = Callable[[int], Split]


@functools.lru_cache(maxsize=8)
def _loaded(name: str, **how: Any) -> tuple[Any, Any]:
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True, **how)
    return x.astype("float32"), y


def halves(x: Any, y: Any, seed: int, test_size: float = 0.3, **how: Any) -> Split:
    """Rows drawn apart as ``train_test_split`` does."""
    from sklearn.model_selection import train_test_split

    kept = train_test_split(x, y, test_size=test_size, random_state=seed, **how)
    return Split(x=kept[0], held_x=kept[1], y=kept[2], held_y=kept[3])


def standard(make: Make) -> Make:
    """With features scaled as ``StandardScaler`` does."""

    def scaled(seed: int) -> Split:
        from sklearn.preprocessing import StandardScaler

        split = make(seed)
        scaler = StandardScaler().fit(split.x)
        x, held_x = scaler.transform(split.x), scaler.transform(split.held_x)
        return replace(split, x=x.astype("float32"), held_x=held_x.astype("float32"))

    return scaled


def standard_targets(make: Make) -> Make:
    """With targets of mean 0 and deviation 1."""

    def scaled(seed: int) -> Split:
        split = make(seed)
        mean, deviation = split.y.mean(axis=0), split.y.std(axis=0)
        y, held_y = ((it - mean) / deviation for it in (split.y, split.held_y))
        return replace(split, y=y.astype("float32"), held_y=held_y.astype("float32"))

    return scaled


def one_hot(make: Make) -> Make:
    """With classes as one-hot rows."""

    def changed(seed: int) -> Split:
        split = make(seed)
        rows = np.eye(int(max(split.y.max(), split.held_y.max())) + 1, dtype="float32")
        return replace(split, y=rows[split.y], held_y=rows[split.held_y])

    return changed


def columns(make: Make) -> Make:
    """With targets as a column of floats."""

    def changed(seed: int) -> Split:
        split = make(seed)
        y, held_y = (
            np.asarray(it, "float32").reshape(len(it), -1)
            for it in (split.y, split.held_y)
        )
        return replace(split, y=y, held_y=held_y)

    return changed


def encoded(make: Make) -> Make:
    """With the inputs as targets, for an autoencoder."""

    def changed(seed: int) -> Split:
        split = make(seed)
        return replace(split, y=split.x, held_y=split.held_x)

    return changed


def shipped(name: str, **how: Any) -> Make:
    """A data set that scikit-learn ships."""

    def make(seed: int) -> Split:
        x, y = _loaded(name, **how)
        stratify = y if y.dtype.kind == "i" else None
        return halves(x, y, seed, stratify=stratify)

    return make


def generated(name: str, **how: Any) -> Make:
    """Data from one of scikit-learn's generators."""

    def make(seed: int) -> Split:
        from sklearn import datasets

        x, y = getattr(datasets, f"make_{name}")(random_state=seed, **how)[:2]
        return halves(x.astype("float32"), y, seed)

    return make


def digits(shape: tuple[int, ...] = (64,), rows: int | None = None) -> Make:
    """The 8x8 digits, pixels from 0 to 1."""

    def make(seed: int) -> Split:
        x, y = _loaded("digits")
        split = halves((x / 16).reshape(-1, *shape), y, seed, stratify=y)
        return replace(split, x=split.x[:rows], y=split.y[:rows])

    return make


@functools.lru_cache(maxsize=2)
def _photo(name: str) -> Any:
    from sklearn.datasets import load_sample_image

    return load_sample_image(name).astype("float32")[::2, ::2] / 255


def patches(size: int = 8, rows: int = 1200) -> Make:
    """Patches of a photograph, without labels."""

    def make(seed: int) -> Split:
        from sklearn.feature_extraction.image import extract_patches_2d

        image = _photo("china.jpg")
        x = extract_patches_2d(image, (size, size), max_patches=rows, random_state=seed)
        held = extract_patches_2d(
            image[:, ::-1], (size, size), max_patches=300, random_state=seed + 1
        )
        return Split(x=x.astype("float32"), held_x=held.astype("float32"))

    return make


def _words(text: str) -> list[str]:
    return text.split()


_GOOD = _words("great wonderful superb moving brilliant charming funny fine")
_BAD = _words("awful boring dull terrible clumsy weak tedious bad")
_PLAIN = _words(
    "the a movie film plot actor scene story was is it and with of music ending "
    "camera this that director script very quite rather whole first last part "
    "time"
)
_TOPICS = {
    "sport": _words("match team goal coach league player score win season ball"),
    "space": _words("orbit rocket planet launch star lunar probe crew telescope moon"),
    "money": _words("market bank price trade profit share rate loan stock tax"),
    "food": _words("recipe oven flour butter sauce garlic soup taste salt bake"),
}


def reviews(seed: int, rows: int = 700) -> tuple[list[str], Any]:
    """Short generated reviews and whether each is a good one."""
    generator = np.random.default_rng(seed)
    texts, labels = [], generator.integers(0, 2, rows)
    for label in labels:
        words = list(generator.choice(_PLAIN, generator.integers(6, 14)))
        own, other = (_GOOD, _BAD) if label else (_BAD, _GOOD)
        words += [*generator.choice(own, 2), *generator.choice(other, 1)][
            : generator.integers(1, 4)
        ]
        texts.append(" ".join(generator.permutation(words)))
    return texts, labels


def topics(seed: int, rows: int = 800) -> tuple[list[str], Any]:
    """Short generated news and the topic of each, four of them."""
    generator = np.random.default_rng(seed)
    pools = list(_TOPICS.values())
    texts, labels = [], generator.integers(0, len(pools), rows)
    for label in labels:
        words = list(generator.choice(_PLAIN, generator.integers(5, 10)))
        words += list(generator.choice(pools[label], 2))
        words += list(generator.choice(pools[generator.integers(len(pools))], 1))
        texts.append(" ".join(generator.permutation(words)))
    return texts, labels


def series(seed: int, length: int = 900, noise: float = 0.15) -> Any:
    """A daily and a weekly rhythm, a slow trend and noise, standardized."""
    generator = np.random.default_rng(seed)
    at = np.arange(length)
    phase = generator.uniform(0, 6.28, 2)
    values = np.sin(at * 2 * np.pi / 24 + phase[0])
    values += 0.5 * np.sin(at * 2 * np.pi / 60 + phase[1]) + at / length
    values += noise * generator.standard_normal(length)
    return ((values - values.mean()) / values.std()).astype("float32")


def windows(width: int = 24, ahead: int = 1, channel: bool = False) -> Make:
    """Windows of such a series and what follows each, split in time."""

    def make(seed: int) -> Split:
        values = series(seed)
        seen = np.lib.stride_tricks.sliding_window_view(values, width + ahead)
        x, y = seen[:, :width].copy(), seen[:, width:].copy()
        x = x[..., None] if channel else x
        cut = int(len(x) * 0.75)
        return Split(x=x[:cut], y=y[:cut], held_x=x[cut:], held_y=y[cut:])

    return make
