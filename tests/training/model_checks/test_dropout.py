"""Dropout that is left on in inference, and draws that are meant."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.model_checks import ModelCheckPolicy, check_of, subject_of
from pytest_lossguard.training.model_checks.dropout import drops_in_inference
from tests.support.checked_models import TABLE, VALUES, compiled

SEEDS = keras.random.SeedGenerator(1)


class Applied(layers.Layer):
    """A function of its inputs, in training and inference mode alike."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def uniform(x):
    return tf.random.uniform(tf.shape(x))


def served(function):
    def build():
        parts = [layers.Dense(8), Applied(function), layers.Dense(1)]
        return compiled(keras.Sequential([keras.Input((6,)), *parts]))

    subject = subject_of(build, TABLE, VALUES)
    return check_of(subject, "serves_as_trained", ModelCheckPolicy())


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x: tf.nn.dropout(x, 0.5), id="tf.nn.dropout"),
        pytest.param(
            lambda x: tf.cast(uniform(x) < 0.5, x.dtype) * x, id="a mask by hand"
        ),
        pytest.param(lambda x: x * tf.floor(0.8 + uniform(x)), id="a path dropped"),
        pytest.param(
            lambda x: keras.random.dropout(x, 0.5, seed=SEEDS),
            id="keras.random.dropout",
        ),
    ],
)
def test_dropout_by_hand_that_stays_on_fails(function):
    result = served(function)

    assert result.outcome == "failed"
    assert "two predictions of the same rows differ" in result.message


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(lambda x: x + 0.1 * uniform(x), id="noise"),
        pytest.param(
            lambda x: tf.cast(uniform(x) < tf.sigmoid(x), x.dtype) + 0 * x,
            id="a code of zeros and ones",
        ),
    ],
)
def test_draws_that_are_meant_are_no_dropout(function):
    assert served(function).outcome != "failed"


class Eager(keras.Model):
    def call(self, x):
        assert tf.executing_eagerly()
        return tf.nn.dropout(x, 0.5)


def test_of_a_model_that_runs_eagerly_only_nothing_is_known():
    assert not drops_in_inference(Eager(), TABLE)
