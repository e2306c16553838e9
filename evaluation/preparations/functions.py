"""Functions that split, fit, augment, and the paths that serve: numbers and images."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectFromModel, SelectKBest
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    LabelBinarizer,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from .data import TABLES, table
from .preparation import Healthy

__all__ = ["FUNCTIONS"]


class Split:
    """Splits at random, fits on one part, keeps what it fitted."""

    def __init__(self, scaler: Any, stratified: bool, shuffled: bool = True) -> None:
        self.scaler, self.stratified, self.shuffled = scaler, stratified, shuffled

    def prepare(self, x: Any, y: Any) -> Any:
        by = y if self.stratified else None
        parts = train_test_split(
            x, y, random_state=0, stratify=by, shuffle=self.shuffled, test_size=0.25
        )
        train, held, labels, held_labels = parts
        self.scaler.fit(train, labels)
        return self.serve(train), labels, self.serve(held), held_labels

    def serve(self, x: Any) -> Any:
        made = self.scaler.transform(x)
        return made.astype("float32") if hasattr(made, "astype") else made


def _split(data: str, scaler: Any, stratified: bool, shuffled: bool = True) -> Any:
    def arguments() -> dict[str, Any]:
        made = Split(scaler(), stratified, shuffled)
        x, y = table(data)
        return {"prepare": made.prepare, "x": x, "y": y, "serve": made.serve}

    return arguments


def _unserved(data: str) -> Any:
    def arguments() -> dict[str, Any]:
        x, y = table(data)
        made = Split(StandardScaler(), stratified=False)
        return {"prepare": made.prepare, "x": x, "y": y}

    return arguments


def _last_rows(data: str) -> Any:
    """The last rows are held out, statistics by hand."""

    def prepare(x: Any, y: Any) -> Any:
        cut = len(x) * 4 // 5
        state["mean"], state["std"] = x[:cut].mean(0), x[:cut].std(0) + 1e-9
        return serve(x[:cut]), y[:cut], serve(x[cut:]), y[cut:]

    def serve(x: Any) -> Any:
        return (x - state["mean"]) / state["std"]

    state: dict[str, Any] = {}

    def arguments() -> dict[str, Any]:
        x, y = table(data)
        return {"prepare": prepare, "x": x, "y": y, "serve": serve}

    return arguments


def _labels_too(data: str) -> Any:
    """Classes become one column each."""

    def arguments() -> dict[str, Any]:
        x, y = table(data)
        scaler, classes = MinMaxScaler(), LabelBinarizer()

        def prepare(x: Any, y: Any) -> Any:
            return scaler.fit_transform(x), classes.fit_transform(y)

        return {
            "prepare": prepare,
            "x": x,
            "y": y,
            "serve": scaler.transform,
            "labels": classes.transform,
        }

    return arguments


def _scaled_targets(data: str) -> Any:
    def arguments() -> dict[str, Any]:
        x, y = table(data)
        scaler, of_targets = StandardScaler(), StandardScaler()

        def prepare(x: Any, y: Any) -> Any:
            return scaler.fit_transform(x), of_targets.fit_transform(y[:, None])

        return {"prepare": prepare, "x": x, "y": y, "serve": scaler.transform}

    return arguments


def _noisy(data: str, in_place: bool) -> Any:
    """Noise is added: to copies, or to a third of the rows."""

    def arguments() -> dict[str, Any]:
        x, y = table(data)
        scaler = StandardScaler()

        def prepare(x: Any, y: Any) -> Any:
            made, draw = scaler.fit_transform(x), np.random.default_rng(1)
            noise = draw.normal(0, 0.05, made.shape)
            if in_place:
                noise[draw.random(len(made)) > 0.33] = 0
                return made + noise, y
            return np.concatenate([made, made + noise]), np.concatenate([y, y])

        return {"prepare": prepare, "x": x, "y": y, "serve": scaler.transform}

    return arguments


def _without_outliers(data: str) -> Any:
    """Rows far off are dropped in training, with their labels."""

    def arguments() -> dict[str, Any]:
        x, y = table(data)
        scaler = StandardScaler()

        def prepare(x: Any, y: Any) -> Any:
            made = scaler.fit_transform(x)
            near = (np.abs(made) < 3).all(axis=1)
            return made[near], y[near]

        return {"prepare": prepare, "x": x, "y": y, "serve": scaler.transform}

    return arguments


def _oversampled(data: str) -> Any:
    """Rare classes are drawn more than once, after the split."""

    def arguments() -> dict[str, Any]:
        x, y = table(data)
        scaler = StandardScaler()

        def prepare(x: Any, y: Any) -> Any:
            a, b, c, d = train_test_split(x, y, random_state=3)
            counts = np.bincount(c)
            draw = np.random.default_rng(0)
            rows = np.concatenate(
                [draw.choice(np.flatnonzero(c == k), max(counts)) for k in np.unique(c)]
            )
            scaler.fit(a)
            return scaler.transform(a[rows]), c[rows], scaler.transform(b), d

        return {"prepare": prepare, "x": x, "y": y, "serve": scaler.transform}

    return arguments


def _images(kind: str) -> Any:
    def arguments() -> dict[str, Any]:
        x, y = table("digits")
        pixels = np.round(x[:160].reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)

        def serve(x: Any) -> Any:
            if kind == "centered":
                return x.astype("float32") / 127.5 - 1
            if kind == "flat":
                return x.reshape(len(x), -1) / 255.0
            if kind == "halved":
                x = x.astype("float32")
                return (x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2]) / 765
            if kind == "by-image":
                x = x.astype("float32")
                spread = x.std(axis=(1, 2), keepdims=True) + 1e-6
                return (x - x.mean(axis=(1, 2), keepdims=True)) / spread
            return x[..., None].astype("float32") / 255

        def prepare(x: Any, y: Any) -> Any:
            made = serve(x)
            if kind == "flipped":
                made = np.concatenate([made, made[:, :, ::-1]])
                y = np.concatenate([y, y])
            return made, y

        return {"prepare": prepare, "x": pixels, "y": y[:160], "serve": serve}

    return arguments


def _colors(serve_is_bgr: bool) -> Any:
    def arguments() -> dict[str, Any]:
        draw = np.random.default_rng(4)
        x = draw.integers(0, 256, (70, 6, 6, 3)).astype(np.uint8)

        def prepare(x: Any, y: Any) -> Any:
            return x.astype("float32") / 255, y

        def serve(x: Any) -> Any:
            x = x[..., ::-1] if serve_is_bgr else x
            return x.astype("float32") / 255

        made = {"prepare": prepare, "x": x, "y": np.arange(70) % 3, "serve": serve}
        return made | ({"served": lambda x: x[..., ::-1]} if serve_is_bgr else {})

    return arguments


def _two_inputs() -> dict[str, Any]:
    x, y = table("wine")
    parts = {"first": x[:, :6], "second": x[:, 6:]}
    mean = {key: it.mean(0) for key, it in parts.items()}

    def serve(x: Any) -> Any:
        return {key: (it - mean[key]) / 10 for key, it in x.items()}

    def prepare(x: Any, y: Any) -> Any:
        return serve(x), y

    return {"prepare": prepare, "x": parts, "y": y, "serve": serve}


#: Fitted to the labels, to other rows, or to draws.
_FITTED = {
    "chosen": lambda: SelectKBest(k=4),
    "chosen by trees": lambda: SelectFromModel(
        DecisionTreeClassifier(random_state=0, max_depth=4)
    ),
    "lda": LinearDiscriminantAnalysis,
    "pca": lambda: PCA(3),
    "whole pca": PCA,
    "power": PowerTransformer,
    "quantiles": lambda: QuantileTransformer(n_quantiles=50),
    "bins": lambda: KBinsDiscretizer(4, encode="ordinal"),
    "splines": lambda: SplineTransformer(4),
    "products": lambda: PolynomialFeatures(2),
    "unit length": Normalizer,
    "neighbors": lambda: NeighborhoodComponentsAnalysis(2, random_state=0, max_iter=20),
    "distances": lambda: KMeans(3, n_init=1),
    "signs": lambda: make_pipeline(StandardScaler(), Binarizer()),
}
_TABLES = tuple(TABLES)
FUNCTIONS = (
    *(
        Healthy(name=f"split of {it}", make=_split(it, StandardScaler, False))
        for it in _TABLES
    ),
    *(
        Healthy(name=f"stratified of {it}", make=_split(it, MinMaxScaler, True))
        for it in ("iris", "wine", "cancer", "made", "counts", "digits")
    ),
    *(
        Healthy(name=f"{name} in a function of {it}", make=_split(it, make, False))
        for name, make in _FITTED.items()
        for it in ("iris", "wine", "cancer")
        if (name, it) != ("neighbors", "cancer")
    ),
    *(
        Healthy(name=f"in order of {it}", make=_split(it, StandardScaler, False, False))
        for it in ("made", "friedman", "float32")
    ),
    *(Healthy(name=f"unserved of {it}", make=_unserved(it)) for it in _TABLES[:6]),
    *(Healthy(name=f"last rows of {it}", make=_last_rows(it)) for it in _TABLES[:8]),
    *(
        Healthy(name=f"labels of {it}", make=_labels_too(it))
        for it in ("iris", "wine", "digits")
    ),
    *(
        Healthy(name=f"targets of {it}", make=_scaled_targets(it))
        for it in ("diabetes", "friedman", "float32")
    ),
    *(
        Healthy(name=f"noise {how} of {it}", make=_noisy(it, how == "in place"))
        for it in ("wine", "moons", "diabetes")
        for how in ("added", "in place")
    ),
    *(
        Healthy(name=f"no outliers of {it}", make=_without_outliers(it))
        for it in ("wine", "cancer", "diabetes")
    ),
    *(
        Healthy(name=f"oversampled {it}", make=_oversampled(it))
        for it in ("cancer", "wine", "made")
    ),
    *(
        Healthy(name=f"images {it}", make=_images(it))
        for it in ("scaled", "centered", "flat", "halved", "by-image", "flipped")
    ),
    Healthy(name="colors", make=_colors(False)),
    Healthy(name="colors as the service reads them", make=_colors(True)),
    Healthy(name="two inputs", make=_two_inputs),
)
