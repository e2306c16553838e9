"""Texts: counted, hashed, looked up."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfVectorizer,
)
from sklearn.pipeline import make_pipeline

from .data import reviews
from .preparation import Healthy

__all__ = ["TEXTS"]


def _vectorized(make: Any, as_array: bool = False) -> Any:
    def arguments() -> dict[str, Any]:
        x, y = reviews()
        return {"prepare": make(), "x": np.array(x) if as_array else x, "y": y}

    return arguments


def _looked_up(split: bool, reverse: bool = False) -> Any:
    """Numbers of words, padded; 1 stands for a word that training did not know."""

    def arguments() -> dict[str, Any]:
        x, y = reviews()
        places: dict[str, int] = {}

        def serve(texts: Any) -> Any:
            made = np.zeros((len(texts), 12), dtype=np.int32)
            for row, text in enumerate(texts):
                words = [places.get(it, 1) for it in text.lower().split()][:12]
                made[row, : len(words)] = words[::-1] if reverse else words
            return made

        def prepare(texts: Any, y: Any) -> Any:
            cut = len(texts) * 3 // 4 if split else len(texts)
            words = sorted({it for text in texts[:cut] for it in text.lower().split()})
            places.clear()
            places.update({it: index + 2 for index, it in enumerate(words)})
            if not split:
                return serve(texts), y
            return serve(texts[:cut]), y[:cut], serve(texts[cut:]), y[cut:]

        return {"prepare": prepare, "x": x, "y": y, "serve": serve}

    return arguments


def _hashed() -> dict[str, Any]:
    x, y = reviews()

    def serve(texts: Any) -> Any:
        made = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                made[row, zlib.crc32(word.encode()) % 64] += 1
        return made

    return {
        "prepare": lambda texts, y: (serve(texts), y),
        "x": x,
        "y": y,
        "serve": serve,
    }


def _lists() -> dict[str, Any]:
    """Lists of words of any length."""
    x, _ = reviews()

    def serve(texts: Any) -> Any:
        return [text.split() for text in texts]

    return {"prepare": serve, "x": x, "serve": serve}


TEXTS = (
    Healthy(name="texts counted", make=_vectorized(CountVectorizer)),
    Healthy(name="texts counted, array", make=_vectorized(CountVectorizer, True)),
    Healthy(name="texts tf-idf", make=_vectorized(TfidfVectorizer)),
    Healthy(
        name="texts pairs of words",
        make=_vectorized(lambda: TfidfVectorizer(ngram_range=(1, 2), min_df=2)),
    ),
    Healthy(
        name="texts letters",
        make=_vectorized(
            lambda: CountVectorizer(analyzer="char_wb", ngram_range=(2, 3))
        ),
    ),
    Healthy(
        name="texts hashed by scikit-learn",
        make=_vectorized(lambda: HashingVectorizer(n_features=256)),
    ),
    Healthy(
        name="texts topics",
        make=_vectorized(
            lambda: make_pipeline(TfidfVectorizer(), TruncatedSVD(5, random_state=0))
        ),
    ),
    Healthy(name="texts looked up", make=_looked_up(False)),
    Healthy(name="texts looked up, split", make=_looked_up(True)),
    Healthy(name="texts looked up, reversed", make=_looked_up(False, True)),
    Healthy(name="texts hashed", make=_hashed),
    Healthy(name="texts as lists", make=_lists),
)
