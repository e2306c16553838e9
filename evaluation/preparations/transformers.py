"""scikit-learn's transformers, over tables of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cluster import FeatureAgglomeration, KMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import (
    NMF,
    PCA,
    FactorAnalysis,
    FastICA,
    IncrementalPCA,
    KernelPCA,
    TruncatedSVD,
)
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.random_projection import GaussianRandomProjection

from .data import POSITIVE, TABLES, table
from .preparation import Healthy

__all__ = ["TRANSFORMERS"]

_EVERYWHERE: dict[str, Callable[[], Any]] = {
    "standard": StandardScaler,
    "min-max": MinMaxScaler,
    "max-abs": MaxAbsScaler,
    "robust": RobustScaler,
    "quantile": lambda: QuantileTransformer(n_quantiles=60),
    "gaussian": lambda: QuantileTransformer(
        n_quantiles=60, output_distribution="normal"
    ),
    "power": lambda: make_pipeline(StandardScaler(), PowerTransformer()),
    "unit-length": lambda: make_pipeline(StandardScaler(), Normalizer()),
    "bins": lambda: KBinsDiscretizer(4, encode="onehot-dense"),
    "splines": lambda: make_pipeline(StandardScaler(), SplineTransformer(4)),
    "pca": lambda: make_pipeline(StandardScaler(), PCA()),
    "whitened": lambda: make_pipeline(StandardScaler(), PCA(2, whiten=True)),
    "imputed": lambda: make_pipeline(SimpleImputer(), StandardScaler()),
    "scaled-clipped": lambda: make_pipeline(
        StandardScaler(), FunctionTransformer(_clipped)
    ),
    "kernel": lambda: make_pipeline(
        StandardScaler(), Nystroem(n_components=12, random_state=0)
    ),
    "distances": lambda: make_pipeline(
        StandardScaler(), KMeans(4, n_init=1, random_state=0)
    ),
}
_SOMEWHERE: dict[str, tuple[tuple[str, ...], Callable[[], Any]]] = {
    "products": (
        ("iris", "moons", "friedman", "diabetes"),
        lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2)),
    ),
    "chosen": (
        ("wine", "cancer", "made"),
        lambda: SelectKBest(k=5),
    ),
    "chosen-by-value": (
        ("diabetes", "friedman", "float32"),
        lambda: SelectKBest(f_regression, k=4),
    ),
    "varying": (("cancer", "digits", "counts"), lambda: VarianceThreshold(0.01)),
    "neighbors": (("iris", "wine", "diabetes"), KNNImputer),
    "sines": (
        ("wine", "made", "dependent"),
        lambda: make_pipeline(StandardScaler(), RBFSampler(random_state=0)),
    ),
    "lda": (("iris", "wine", "cancer", "made"), LinearDiscriminantAnalysis),
    "pls": (("diabetes", "friedman"), lambda: PLSRegression(2)),
    "svd": (("digits", "counts", "made"), lambda: TruncatedSVD(3, random_state=0)),
    "factors": (
        ("wine", "diabetes"),
        lambda: make_pipeline(StandardScaler(), FactorAnalysis(3, random_state=0)),
    ),
    "ica": (
        ("wine", "iris"),
        lambda: make_pipeline(StandardScaler(), FastICA(3, random_state=0)),
    ),
    "nmf": (("counts", "digits"), lambda: NMF(4, random_state=0, max_iter=400)),
    "kernel-pca": (
        ("wine", "moons"),
        lambda: make_pipeline(StandardScaler(), KernelPCA(4, kernel="rbf")),
    ),
    "in-batches": (("digits", "cancer"), lambda: IncrementalPCA(5)),
    "agglomerated": (("digits", "cancer"), lambda: FeatureAgglomeration(6)),
    "projected": (
        ("digits", "made"),
        lambda: GaussianRandomProjection(8, random_state=0),
    ),
    "trees": (("wine", "made"), lambda: RandomTreesEmbedding(5, random_state=0)),
    "union": (
        ("wine", "cancer", "diabetes"),
        lambda: make_union(StandardScaler(), PCA(2)),
    ),
    "logged": (
        POSITIVE,
        lambda: make_pipeline(FunctionTransformer(np.log1p), StandardScaler()),
    ),
    "roots": (
        POSITIVE,
        lambda: make_pipeline(FunctionTransformer(np.sqrt), MinMaxScaler()),
    ),
    "box-cox": (("wine",), lambda: PowerTransformer("box-cox")),
}


def _clipped(x: Any) -> Any:
    return np.clip(x, -3, 3)


def _healthy(name: str, data: str, make: Callable[[], Any]) -> Healthy:
    def arguments() -> dict[str, Any]:
        x, y = table(data)
        return {"prepare": make(), "x": x, "y": y}

    return Healthy(name=f"{name} of {data}", make=arguments)


TRANSFORMERS = (
    *(
        _healthy(name, data, make)
        for name, make in _EVERYWHERE.items()
        for data in TABLES
    ),
    *(
        _healthy(name, data, make)
        for name, (several, make) in _SOMEWHERE.items()
        for data in several
    ),
)
