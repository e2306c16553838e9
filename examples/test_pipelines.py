"""Eight pipelines on real data, each as it should be and with one mistake.

A test that asks for `corruption` is a search: its body runs on the sample as it is
and on hostile versions of it. The broken pipelines train on the sample as it is, all
but the last; only the search finds them. The smallest case that it finds is in the
message, and `xfail` pins it: who mends the pipeline is asked to remove the mark.
Where two kinds of corruption break a pipeline, it depends on the seed of the search
which one the message names.
"""

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from sklearn.compose import make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import shuffle

import pytest_lossguard
from pytest_lossguard import Corruption, Lossguard

pytestmark = pytest.mark.converges(steps=80)


def broken(case: str) -> pytest.MarkDecorator:
    """The search must fail, and shrink to this case."""
    expected = pytest.RaisesExc(
        pytest_lossguard.NotConverged, match=rf"corrupted by Corruption\({case}\)\n"
    )
    return pytest.mark.xfail(strict=True, raises=expected)


def classifier(features: int, classes: int, optimizer: keras.Optimizer) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((features,)),
            layers.Dense(16, "relu"),
            layers.Dense(classes, "softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


# A scikit-learn pipeline, with and without its scaler. A scaler promises any unit and
# any zero; outliers it does not promise, so they are left out.


def tumour_shapes() -> tuple[np.ndarray, np.ndarray]:
    """Twelve features of 285 tumours, such as their smoothness: from 0 to 1.3."""
    x, y = load_breast_cancer(return_X_y=True)
    return x[::2, [*range(4, 10), *range(24, 30)]], y[::2]


def build_tumour_model() -> keras.Model:
    return classifier(12, 2, keras.optimizers.SGD(0.1, momentum=0.9))


@pytest.mark.corruptions(outliers=False)
def test_pipeline_with_scaler(lossguard: Lossguard, corruption: Corruption) -> None:
    x, y = corruption(*tumour_shapes())
    pipeline = make_pipeline(SimpleImputer(), StandardScaler())
    lossguard.fit(build_tumour_model, pipeline.fit_transform(x), y)


@broken(r"(Scale\(100\.0|Offset\(-?1000?\.0), features=\d+\)")
@pytest.mark.corruptions(outliers=False)
def test_pipeline_without_scaler(lossguard: Lossguard, corruption: Corruption) -> None:
    """Shares became percentages, and nothing scales them back."""
    x, y = corruption(*tumour_shapes())
    pipeline = make_pipeline(SimpleImputer())
    lossguard.fit(build_tumour_model, pipeline.fit_transform(x), y)


# A Normalization layer, adapted and never adapted. It too promises no outliers.


def irises() -> tuple[np.ndarray, np.ndarray]:
    """Four lengths of 150 flowers, in centimeters."""
    x, y = load_iris(return_X_y=True)
    return x, y


def build_iris_model() -> keras.Model:
    return classifier(4, 3, keras.optimizers.SGD(0.1))


@pytest.mark.corruptions(outliers=False)
def test_normalization_adapted(lossguard: Lossguard, corruption: Corruption) -> None:
    x, y = corruption(*irises())
    normalize = layers.Normalization()
    normalize.adapt(x)
    lossguard.fit(build_iris_model, normalize(x), y)


@broken(r"(Scale\(10\.0|Offset\(-?10+\.0), features=\d+\)")
@pytest.mark.corruptions(outliers=False)
def test_normalization_never_adapted(
    lossguard: Lossguard, corruption: Corruption
) -> None:
    """Without `adapt` the layer hands on what comes in, millimeters too."""
    x, y = corruption(*irises())
    normalize = layers.Normalization()
    lossguard.fit(build_iris_model, normalize(x), y)


# A frame of which one column switches from meters to millimeters.

PETAL_LENGTH = "petal length (m)"


def iris_frame() -> tuple[pd.DataFrame, pd.Series]:
    """The same flowers with named columns, in meters."""
    bunch = load_iris(as_frame=True)
    named = bunch.data.rename(columns=lambda it: it.replace("(cm)", "(m)"))
    return named / 100, bunch.target


def build_frame_model() -> keras.Model:
    return classifier(4, 3, keras.optimizers.SGD(0.1, momentum=0.9))


meters_to_millimeters = pytest.mark.corruptions(
    scales=(1, 1e3), offsets=False, outliers=False, features=(PETAL_LENGTH,)
)


@meters_to_millimeters
def test_every_column_is_scaled(lossguard: Lossguard, corruption: Corruption) -> None:
    frame, y = corruption(*iris_frame())
    prepare = make_column_transformer((StandardScaler(), list(frame)))
    lossguard.fit(build_frame_model, prepare.fit_transform(frame), y)


@broken(r"Scale\(1000\.0, features='petal length \(m\)'\)")
@meters_to_millimeters
def test_one_column_is_forgotten(lossguard: Lossguard, corruption: Corruption) -> None:
    """The column that is not listed passes through, in whatever unit it comes."""
    frame, y = corruption(*iris_frame())
    listed = [name for name in frame if name != PETAL_LENGTH]
    prepare = make_column_transformer(
        (StandardScaler(), listed), remainder="passthrough"
    )
    lossguard.fit(build_frame_model, prepare.fit_transform(frame), y)


# Gray levels, divided by 16 and not. Dividing by a constant promises no unit, only
# room: the next scanner gives up to 16 times as much, 0 to 255 and not 0 to 16.


def digits() -> tuple[np.ndarray, np.ndarray]:
    """300 images of 64 gray levels, from 0 to 16."""
    x, y = load_digits(return_X_y=True)
    return x[:300], y[:300]


def build_digit_model() -> keras.Model:
    return classifier(64, 10, keras.optimizers.SGD(0.03))


next_scanner = pytest.mark.corruptions(scales=(1, 16), offsets=False, outliers=False)


@next_scanner
def test_grey_levels_divided_by_16(
    lossguard: Lossguard, corruption: Corruption
) -> None:
    x, y = corruption(*digits())
    lossguard.fit(build_digit_model, x / 16, y)


@broken(r"Scale\(10\.0(, features=\d+)?\)")
@next_scanner
def test_grey_levels_as_they_come(lossguard: Lossguard, corruption: Corruption) -> None:
    """Levels up to 16 still train; one pixel up to 160 can be too much."""
    x, y = corruption(*digits())
    lossguard.fit(build_digit_model, x, y)


# A regression, its target scaled and not. Only the target is corrupted.


def diabetes() -> tuple[np.ndarray, np.ndarray]:
    """Ten scaled features of 221 patients; the target goes from 25 to 346."""
    x, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(x)[::2], y[::2, np.newaxis]


def build_diabetes_model() -> keras.Model:
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(16, "relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(0.03), "mse")
    return model


only_targets = pytest.mark.corruptions(
    targets=(1e-3, 1e3), scales=False, offsets=False, outliers=False
)


@pytest.mark.converges(min_drop=0.3)
@only_targets
def test_target_scaled(lossguard: Lossguard, corruption: Corruption) -> None:
    x, y = corruption(*diabetes())
    lossguard.fit(build_diabetes_model, x, StandardScaler().fit_transform(y))


@broken(r"TargetScale\(10\.0\)")
@pytest.mark.converges(min_drop=0.3)
@only_targets
def test_target_not_scaled(lossguard: Lossguard, corruption: Corruption) -> None:
    """80 steps take the predictions to some hundreds, and the target is beyond."""
    x, y = corruption(*diabetes())
    lossguard.fit(build_diabetes_model, x, y)


# Robust and plain scaling, before rows far out.


def tumours() -> tuple[np.ndarray, np.ndarray]:
    """All thirty features of 285 tumours, up to 4254."""
    x, y = load_breast_cancer(return_X_y=True)
    return x[::2], y[::2]


def build_wide_tumour_model() -> keras.Model:
    return classifier(30, 2, keras.optimizers.Adam(0.01))


only_outliers = pytest.mark.corruptions(outliers=1e3, scales=False, offsets=False)


@pytest.mark.converges(max_loss=0.3)
@only_outliers
def test_scaled_by_quartiles_and_clipped(
    lossguard: Lossguard, corruption: Corruption
) -> None:
    x, y = corruption(*tumours())
    clip = FunctionTransformer(np.clip, kw_args={"a_min": -3, "a_max": 3})
    pipeline = make_pipeline(RobustScaler(), clip)
    lossguard.fit(build_wide_tumour_model, pipeline.fit_transform(x), y)


@broken(r"Outliers\(100\.0\)")
@pytest.mark.converges(max_loss=0.3)
@only_outliers
def test_scaled_by_smallest_and_largest(
    lossguard: Lossguard, corruption: Corruption
) -> None:
    """One row far out is the new largest, and presses all others against 0."""
    x, y = corruption(*tumours())
    pipeline = make_pipeline(MinMaxScaler())
    lossguard.fit(build_wide_tumour_model, pipeline.fit_transform(x), y)


# An imputer, and none.

only_missing = pytest.mark.corruptions(
    missing=0.1, scales=False, offsets=False, outliers=False
)


@only_missing
def test_missing_values_filled(lossguard: Lossguard, corruption: Corruption) -> None:
    x, y = corruption(*tumours())
    pipeline = make_pipeline(SimpleImputer(), StandardScaler())
    lossguard.fit(build_wide_tumour_model, pipeline.fit_transform(x), y)


@broken(r"MissingValues\(0\.0125, features=\d+\)")
@only_missing
def test_missing_values_not_filled(
    lossguard: Lossguard, corruption: Corruption
) -> None:
    """StandardScaler hands NaN on, and one is enough to make every weight NaN."""
    x, y = corruption(*tumours())
    pipeline = make_pipeline(StandardScaler())
    lossguard.fit(build_wide_tumour_model, pipeline.fit_transform(x), y)


# Rows of x and y, shuffled together and apart. No outliers: the scaler promises none.


def wines() -> tuple[np.ndarray, np.ndarray]:
    """Thirteen features of 178 wines, from three growers."""
    x, y = load_wine(return_X_y=True)
    return x, y


def build_wine_model() -> keras.Model:
    return classifier(13, 3, keras.optimizers.Adam(0.01))


@pytest.mark.converges(max_loss=0.3)
@pytest.mark.corruptions(outliers=False)
def test_rows_shuffled_together(lossguard: Lossguard, corruption: Corruption) -> None:
    x, y = shuffle(*corruption(*wines()), random_state=0)
    lossguard.fit(build_wine_model, StandardScaler().fit_transform(x), y)


@broken("")
@pytest.mark.converges(max_loss=0.3)
@pytest.mark.corruptions(outliers=False)
def test_rows_shuffled_apart(lossguard: Lossguard, corruption: Corruption) -> None:
    """The labels belong to other rows: broken on the sample as it is."""
    x, y = corruption(*wines())
    x, y = shuffle(x, random_state=0), shuffle(y, random_state=1)
    lossguard.fit(build_wine_model, StandardScaler().fit_transform(x), y)
