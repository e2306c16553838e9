"""One mistake each in the project's own training. Every test here fails."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from project.model import build_diabetes_model, build_tumour_model
from project.preprocess import prepare_diabetes, prepare_tumours
from project.train import train
from sklearn.datasets import load_breast_cancer, load_diabetes


@pytest.fixture(scope="module")
def tumours():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.mark.converges
def test_scaler_forgotten(tumours):
    """Raw features, up to 4254, under SGD: `diverging_loss`."""
    train(build_tumour_model(keras.optimizers.SGD(0.01)), *tumours)


@pytest.mark.converges
def test_missing_value_not_filled(tumours):
    """One NaN among 17,070 numbers: `nonfinite_loss`, `nonfinite_input`."""
    x, y = prepare_tumours(*tumours)
    x[42, 7] = np.nan
    train(build_tumour_model(), x, y)


@pytest.mark.converges
def test_softmax_over_one_unit(tumours):
    """Every prediction is 1.0 while the loss Keras shows falls: `masked_loss`."""
    x, y = prepare_tumours(*tumours)
    model = keras.Sequential(
        [keras.Input((30,)), layers.Dense(16, "relu"), layers.Dense(1, "softmax")]
    )
    model.compile("adam", "binary_crossentropy")
    train(model, x, y)


@pytest.mark.converges
def test_learning_rate_far_too_high(diabetes):
    """Adam(10.0) where 0.001 was meant: `diverging_loss`."""
    train(build_diabetes_model(learning_rate=10.0), *prepare_diabetes(*diabetes))


@pytest.mark.converges(min_drop=0.3)
def test_schedule_counts_steps_not_epochs(lossguard, diabetes):
    """The learning rate is 0 after 20 steps, not epochs: `loss_not_decreasing`."""
    schedule = keras.optimizers.schedules.CosineDecay(0.001, decay_steps=20)
    model = build_diabetes_model()
    model.compile(keras.optimizers.Adam(schedule), "mse")
    lossguard.fit(model, *prepare_diabetes(*diabetes), epochs=20)


@pytest.mark.converges
def test_every_layer_frozen(tumours):
    """Nothing is left to train, and the test says so."""
    model = build_tumour_model()
    model.trainable = False
    train(model, *prepare_tumours(*tumours))


@pytest.mark.converges
def test_update_never_applied(diabetes):
    """Gradients are computed and thrown away, and the test says so."""
    x, y = (tf.constant(it, tf.float32) for it in prepare_diabetes(*diabetes))
    model, loss = build_diabetes_model(), keras.losses.MeanSquaredError()
    for _ in range(20):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        tape.gradient(value, model.trainable_variables)
