"""Published trainings that go wrong, on synthetic data. Every test here fails."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers


def noise(rows: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Ten features and a target, uniform from 0 to 1."""
    random = np.random.default_rng(0)
    return random.random((rows, 10)), random.random((rows, 1))


def images() -> tuple[np.ndarray, np.ndarray]:
    """A thousand images of 784 gray levels from 0 to 1, in ten classes."""
    random = np.random.default_rng(0)
    x = random.random((1000, 784))
    return x, (x @ random.normal(size=(784, 10))).argmax(axis=1)


def regressor(learning_rate: float) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((10,)), layers.Dense(64, "relu"), layers.Dense(1)]
    )
    model.compile(keras.optimizers.Adam(learning_rate), "mse")
    return model


def classifier(learning_rate: float) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((784,)), layers.Dense(64, "relu"), layers.Dense(10, "softmax")]
    )
    model.compile(
        keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy"
    )
    return model


@pytest.mark.converges
def test_learning_rate_too_high():
    """Adam(10.0) where 0.001 was meant: `diverging_loss`."""
    regressor(10.0).fit(*noise(), epochs=10, verbose=0)


@pytest.mark.converges
def test_one_feature_in_another_unit():
    """Feature 0 in millimeters, not meters: `worse_than_constant`."""
    x, y = noise()
    x[:, 0] *= 1000
    regressor(0.01).fit(x, y, epochs=10, verbose=0)


@pytest.mark.converges
def test_weights_that_start_all_positive():
    """Weights from U(0, 1) saturate the output: `unchanged_weights`."""
    uniform = keras.initializers.RandomUniform(0, 1)
    start = {"kernel_initializer": uniform, "bias_initializer": uniform}
    model = keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(64, "sigmoid", **start),
            layers.Dense(1, "sigmoid", **start),
        ]
    )
    optimizer = keras.optimizers.SGD(1.0)
    loss = keras.losses.MeanSquaredError()
    x, y = (tf.constant(values, tf.float32) for values in noise(1000))
    for _ in range(50):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)


@pytest.mark.converges
def test_classifier_that_jumps_and_never_comes_back():
    """Adam(1.0) where 0.001 was meant: `diverging_loss`."""
    classifier(1.0).fit(*images(), epochs=10, verbose=0)


@pytest.mark.converges
def test_pixels_not_scaled():
    """Gray levels from 0 to 100: `worse_than_constant`."""
    x, labels = images()
    classifier(0.001).fit(x * 100, labels, epochs=10, verbose=0)


@pytest.mark.converges
def test_one_row_far_out():
    """A 100 typed for a 1.00 in one row: `worse_than_constant`, `input_outliers`."""
    x, y = noise()
    x[0, 7] = 100
    model = keras.Sequential([keras.Input((10,)), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, y, epochs=100, verbose=0)
