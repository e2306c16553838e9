"""Pipelines drawn at random: steps, data, split and form, by numbered seeds.

The first 140 were looked at when rules were set; no rule was changed for one of the
others, which measure what all the rest helped to set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectPercentile
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import SkewedChi2Sampler
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.random_projection import SparseRandomProjection

from .preparation import Healthy

__all__ = ["DRAWN"]

_COUNT = 220
_SCALERS: tuple[Callable[[], Any], ...] = (
    StandardScaler,
    RobustScaler,
    lambda: MinMaxScaler((-1, 1)),
    lambda: QuantileTransformer(n_quantiles=40),
    lambda: make_pipeline(FunctionTransformer(np.arcsinh), StandardScaler()),
)
_STEPS: tuple[Callable[[], Any], ...] = (
    lambda: PCA(0.9, svd_solver="full"),
    lambda: TruncatedSVD(2, random_state=1),
    lambda: SelectPercentile(percentile=50),
    lambda: PolynomialFeatures(interaction_only=True, include_bias=False),
    lambda: KBinsDiscretizer(5, encode="onehot"),
    lambda: SparseRandomProjection(6, random_state=2, dense_output=True),
    lambda: make_pipeline(
        MinMaxScaler(), SkewedChi2Sampler(n_components=9, random_state=3)
    ),
)


def _data(draw: Any, as_frame: bool) -> tuple[Any, Any]:
    rows, width = int(draw.integers(80, 400)), int(draw.integers(3, 12))
    x = draw.normal(0, 1, (rows, width)) * 10.0 ** draw.integers(-2, 4, width)
    kind = draw.integers(4)
    x = (np.abs(x), np.round(x, 1), x + 50, x)[kind]
    y = (x[:, 0] / (np.abs(x[:, 0]).max()) + draw.normal(0, 0.2, rows) > 0).astype(int)
    y[:4] = [0, 1, 0, 1]
    if draw.random() < 0.3:
        x[draw.random(x.shape) < 0.03] = np.nan
    if not as_frame:
        return x.astype("float32") if draw.random() < 0.3 else x, y
    frame = pd.DataFrame(x, columns=[f"n{it}" for it in range(width)])
    frame["kind"] = draw.choice(["a", "b", "c", "d"], rows)
    return frame, y


def _pipeline(draw: Any, x: Any) -> Any:
    steps = [SimpleImputer(), _SCALERS[draw.integers(len(_SCALERS))]()]
    if draw.random() < 0.6:
        steps.append(_STEPS[draw.integers(len(_STEPS))]())
    made = make_pipeline(*steps)
    if not hasattr(x, "columns"):
        return made
    numbers = [it for it in x.columns if it != "kind"]
    one_hot = OneHotEncoder(handle_unknown="ignore", drop=None)
    return make_column_transformer((made, numbers), (one_hot, ["kind"]))


def _made(seed: int) -> Callable[[], dict[str, Any]]:
    def arguments() -> dict[str, Any]:
        draw = np.random.default_rng(1000 + seed)
        x, y = _data(draw, as_frame=seed % 3 == 0)
        made, form = _pipeline(draw, x), int(draw.integers(4))
        if form == 0:
            return {"prepare": made, "x": x, "y": y}
        if form == 1:

            def whole(x: Any, y: Any) -> Any:
                return made.fit(x, y).transform(x), y

            return {"prepare": whole, "x": x, "y": y, "serve": made.transform}

        def split(x: Any, y: Any) -> Any:
            by = y if form == 2 else None
            a, b, c, d = train_test_split(x, y, random_state=seed, stratify=by)
            made.fit(a, c)
            return made.transform(a), c, made.transform(b), d

        paths = {"serve": made.transform} if draw.random() < 0.7 else {}
        return {"prepare": split, "x": x, "y": y, **paths}

    return arguments


DRAWN = tuple(Healthy(name=f"drawn {it}", make=_made(it)) for it in range(_COUNT))
