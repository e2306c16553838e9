"""Forecasts of their own windows, and labels left in a table, as real trainings."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.fitting import train_once

SERIES = np.sin(np.arange(240) / 7)[:, None].astype("float32")


def forecast():
    model = keras.Sequential([keras.Input((6, 1)), keras.layers.Flatten()])
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model


def windows(targets, data=SERIES):
    return keras.utils.timeseries_dataset_from_array(
        data, targets, sequence_length=6, batch_size=32
    )


def watched(train):
    with watching(seed=0) as watch:
        set_seed(0)
        train()
    (trace,) = watch.traces()
    return trace


def kinds(trace):
    return [it.kind for it in judge(trace, Policy()) if it.severity == "error"]


@pytest.mark.parametrize("way", ["watch", "fit"])
@pytest.mark.parametrize(
    ("data", "expected"),
    [(windows(SERIES), ["target_in_inputs"]), (windows(SERIES[6:], SERIES[:-6]), [])],
    ids=["its own first value", "the value after it"],
)
def test_a_forecast_of_a_value_in_its_window_fails(way, data, expected):
    if way == "fit":
        trace = train_once(Trainer(), forecast, data, epochs=6)
    else:
        trace = watched(lambda: forecast().fit(data, epochs=6, verbose=0))
    assert kinds(trace) == expected


def test_an_autoencoder_is_no_leak():
    x = np.repeat(SERIES[:60], 4, axis=1) * [1, 2, -1, 0.5]
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.Adam(0.05), "mse")
    assert kinds(watched(lambda: model.fit(x, x, epochs=20, verbose=0))) == []
