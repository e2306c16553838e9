"""Images that were reshaped or transposed, in real trainings."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.core.test_image_axes import channels_reshaped, gray
from tests.support.fitting import train_once

X = gray(height=16).astype("float32")
Y = X.mean(axis=(1, 2, 3)) * 10


def model_of(*first):
    model = keras.Sequential([keras.Input((16, 16, 3)), *first])
    model.add(keras.layers.GlobalAveragePooling2D())
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def convolving():
    return model_of(keras.layers.Conv2D(4, 3))


def put_in_order():
    layers = keras.layers
    return model_of(
        layers.Reshape((3, 16, 16)), layers.Permute((2, 3, 1)), layers.Conv2D(4, 3)
    )


def found_by(way, make, x):
    if way == "fit":
        trace = train_once(Trainer(), make, x, Y, epochs=2)
    else:
        rows = tf.data.Dataset.from_tensor_slices((x, Y)).batch(32)
        with watching(seed=0) as watch:
            set_seed(0)
            given = (rows,) if way == "dataset" else (x, Y)
            make().fit(*given, epochs=2, verbose=0)
        (trace,) = watch.traces()
    return [it.kind for it in judge(trace, Policy()) if it.kind == "image_axes_mixed"]


@pytest.mark.parametrize("way", ["fit", "watch", "dataset"])
def test_convolutions_over_reshaped_images_fail(way):
    assert found_by(way, convolving, channels_reshaped(X)) == ["image_axes_mixed"]
    assert found_by(way, convolving, X) == []


@pytest.mark.parametrize("make", [put_in_order, model_of])
def test_a_model_that_orders_the_axes_or_mixes_no_pixels_is_fine(make):
    assert found_by("watch", make, channels_reshaped(X)) == []


def test_images_with_channels_first_are_fine():
    def make():
        model = keras.Sequential([keras.Input((3, 16, 16))])
        model.add(keras.layers.Permute((2, 3, 1)))
        model.add(keras.layers.Conv2D(4, 3))
        model.add(keras.layers.GlobalAveragePooling2D())
        model.add(keras.layers.Dense(1))
        model.compile("adam", "mse")
        return model

    assert found_by("watch", make, np.ascontiguousarray(X.transpose(0, 3, 1, 2))) == []
