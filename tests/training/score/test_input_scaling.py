"""Models that scale their inputs themselves are known by their first layers."""

from __future__ import annotations

import keras
import pytest

from pytest_lossguard.training.score.input_scaling import normalizes_inputs, rescaled_by
from tests.support.programs import regression

X, _ = regression()


@pytest.mark.parametrize(
    ("layer", "scale"),
    [
        (keras.layers.Rescaling(1 / 255), 1 / 255),
        (keras.layers.Rescaling([0.1] * 4), None),
        (keras.layers.Dense(4), None),
    ],
    ids=["number", "per column", "none"],
)
def test_a_model_that_starts_by_scaling_is_known(layer, scale):
    model = keras.Sequential([keras.Input((4,)), layer, keras.layers.Dense(1)])
    found = rescaled_by(model)
    assert (found and found.scale) == (scale and pytest.approx(scale))


@pytest.mark.parametrize(
    ("layer", "how", "scales"),
    [
        (keras.layers.Normalization, {"mean": [1.0] * 4, "variance": [4.0] * 4}, True),
        (keras.layers.Normalization, {"mean": [0.0] * 4, "variance": [4.0] * 4}, True),
        (keras.layers.Normalization, {}, False),
        (keras.layers.LayerNormalization, {}, True),
        (keras.layers.Dense, {"units": 4}, False),
    ],
    ids=["given", "centered", "never adapted", "by row", "none"],
)
def test_a_model_that_starts_by_normalizing_is_known(layer, how, scales):
    model = keras.Sequential([keras.Input((4,)), layer(**how), keras.layers.Dense(1)])
    assert normalizes_inputs(model) is scales


def test_a_layer_that_was_adapted_normalizes():
    layer = keras.layers.Normalization()
    layer.adapt(X)
    model = keras.Sequential([keras.Input(X.shape[1:]), layer])
    assert normalizes_inputs(model)
