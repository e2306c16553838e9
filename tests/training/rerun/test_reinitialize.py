"""Weights drawn anew: those that were drawn, not those that were learned."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from pytest_lossguard.core.errors import CannotChange
from pytest_lossguard.training.rerun.reinitialize import redraw_weights


def built():
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, "relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(3, kernel_initializer="he_normal"),
        ]
    )
    model.compile("adam", "mse")
    return model


def test_a_fresh_model_gets_other_weights_of_the_same_kind():
    model = built()
    before = model.get_weights()

    redraw_weights(model, seed=5)

    kernel, bias, gamma, *_ = (np.asarray(it) for it in model.get_weights())
    assert not np.array_equal(kernel, before[0])
    assert np.std(kernel) == pytest.approx(np.std(before[0]), rel=0.5)
    assert np.array_equal(bias, before[1])
    assert np.array_equal(gamma, before[2])


def test_the_same_seed_draws_the_same():
    one, other = built(), built()
    redraw_weights(one, seed=5)
    redraw_weights(other, seed=5)

    assert all(map(np.array_equal, one.get_weights(), other.get_weights()))


def test_what_was_learned_stays():
    model = built()
    learned = 20.0 * np.asarray(model.layers[0].kernel)
    model.layers[0].kernel.assign(learned)
    model.layers[0].bias.assign(np.full(8, 0.3))
    head = np.asarray(model.layers[2].kernel)

    redraw_weights(model, seed=5)

    assert np.array_equal(model.layers[0].kernel, learned)
    assert np.array_equal(model.layers[0].bias, np.full(8, 0.3, "float32"))
    assert not np.array_equal(model.layers[2].kernel, head)


def test_models_in_models_and_layers_of_layers_are_drawn():
    inner = keras.Sequential([keras.Input((4, 6)), keras.layers.Dense(6)])
    x = keras.Input((4, 6))
    attended = keras.layers.MultiHeadAttention(2, 3)(inner(x), inner(x))
    outer = keras.layers.Bidirectional(keras.layers.LSTM(3))(attended)
    model = keras.Model(x, outer)
    kernels = [it for it in model.weights if "kernel" in it.path]
    before = [np.asarray(it) for it in kernels]

    redraw_weights(model, seed=5)

    assert not any(map(np.array_equal, kernels, before))


@keras.saving.register_keras_serializable()
class Secretive(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)

    def call(self, x):
        return self.dense(x)

    def get_config(self):
        return {}


def test_a_layer_that_cannot_be_made_anew_is_named():
    model = keras.Sequential([keras.Input((3,)), Secretive(2)])

    with pytest.raises(CannotChange, match="layer 'secretive' cannot be rebuilt"):
        redraw_weights(model, seed=0)
