"""What proves nothing is skipped with the reason, and is no fault."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.model_checks import ModelCheckPolicy, check_of, subject_of
from tests.support.checked_models import TABLE, VALUES, compiled

SERIES = TABLE.reshape(-1, 2, 3)


def made(name, build, x=TABLE, y=VALUES):
    return check_of(subject_of(build, x, y), name, ModelCheckPolicy())


class Plain(keras.Model):
    """Registered nowhere, and without a configuration."""

    def __init__(self):
        super().__init__()
        self.last = layers.Dense(1)

    def call(self, x):
        return self.last(x)


class OwnStep(Plain):
    """Its step takes inputs and targets, and no weights."""

    def train_step(self, data):
        x, y = data
        return super().train_step((x, y))


class Noisy(Plain):
    """Its step draws from no variable."""

    def train_step(self, data):
        x, y = data
        return super().train_step((x + tf.random.normal(tf.shape(x)), y))


@keras.saving.register_keras_serializable("tests")
class Drawn(layers.Layer):
    """As of a VAE that draws its code in inference too."""

    def __init__(self, **how):
        super().__init__(**how)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, x):
        noise = keras.random.normal(keras.ops.shape(x), seed=self.seeds)
        return x + 0.1 * noise


def drawing():
    parts = [layers.Dense(4), Drawn(), layers.Dense(1)]
    return compiled(keras.Sequential([keras.Input((6,)), *parts]))


def stateful():
    x = keras.Input((2, 3), batch_size=16)
    return compiled(
        keras.Model(x, layers.Dense(1)(layers.LSTM(2, stateful=True)(x))), rate=1e-2
    )


def starting_at_zero():
    last = layers.Dense(1, kernel_initializer="zeros")
    parts = [layers.Dense(16, "relu"), last]
    return compiled(keras.Sequential([keras.Input((6,)), *parts]))


def too_slow():
    parts = [layers.Dense(16, "relu"), layers.Dense(1)]
    model = keras.Sequential([keras.Input((6,)), *parts])
    model.compile(keras.optimizers.SGD(1e-6), "mse")
    return model


def frozen():
    base = layers.Dense(1, kernel_initializer="zeros", trainable=False)
    return compiled(keras.Sequential([keras.Input((6,)), base, layers.Dense(1)]))


def two_outputs():
    x = keras.Input((6,))
    model = keras.Model(x, {it: layers.Dense(1, name=it)(x) for it in ("a", "b")})
    model.compile("adam", {"a": "mse"})
    return model


@pytest.mark.parametrize(
    "name", ["saves_and_loads", "exports", "resumes", "serves_as_trained"]
)
def test_a_step_of_its_own_takes_what_fit_gives(name):
    assert made(name, lambda: compiled(OwnStep())).outcome != "failed"


@pytest.mark.parametrize(
    "name",
    [
        "rows_are_independent",
        "saves_and_loads",
        "exports",
        "accumulates",
        "uses_every_input",
        "serves_as_trained",
        "mixed_precision_agrees",
    ],
)
def test_what_draws_on_purpose_is_not_compared(name):
    result = made(name, drawing)

    assert result.outcome == "skipped"
    assert "is random" in result.message


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("rows_are_independent", "skipped"),
        ("accumulates", "skipped"),
        ("resumes", "passed"),
        ("uses_every_input", "skipped"),
    ],
)
def test_a_batch_of_one_size_is_no_error(name, outcome):
    assert made(name, stateful, SERIES, SERIES[:, 0, 0]).outcome == outcome


def test_weights_that_start_at_0_hide_no_input():
    assert made("uses_every_input", starting_at_zero).outcome == "passed"


def test_a_learning_rate_that_is_far_too_low_is_another_fault():
    assert made("learns_one_batch", too_slow).outcome == "passed"


def likelihood(y, predicted):
    """Of a normal distribution: the more certain, the lower, without end."""
    mean, log = predicted[:, :1], predicted[:, 1:]
    return tf.reduce_mean(log - 3 + 0.5 * tf.square(y - mean) * tf.exp(-2 * log))


def test_a_loss_without_a_lowest_value_is_no_measure_of_what_is_learned():
    def build():
        model = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
        model.compile(keras.optimizers.SGD(1e-9), likelihood)
        return model

    result = made("learns_one_batch", build, TABLE, VALUES[:, None] / 100)

    assert result.outcome == "skipped"
    assert "reference loss" in result.message


def test_what_frozen_layers_hide_is_no_fault():
    result = made("learns_one_batch", frozen)

    assert result.outcome == "skipped"
    assert "frozen layers" in result.message


def test_what_makes_an_output_without_a_loss_need_not_learn():
    result = made("every_variable_learns", two_outputs, TABLE, {"a": VALUES})

    assert result.outcome == "skipped"


def test_a_class_that_keeps_its_weights_only_is_skipped_with_the_reason():
    result = made("saves_and_loads", lambda: compiled(Plain()))

    assert result.outcome == "skipped"
    assert "its weights can be saved and loaded" in result.message


def test_a_step_that_draws_is_not_compared():
    assert made("resumes", lambda: compiled(Noisy())).outcome != "failed"


@keras.saving.register_keras_serializable(package="silences")
class DrawsByTheGraph(layers.Layer):
    """Dropout by TensorFlow, whose draws belong to a traced step and to no variable."""

    def call(self, x, training=False):
        return tf.nn.dropout(x, 0.5) if training else x


def test_draws_that_belong_to_a_traced_step_are_no_state():
    def build():
        parts = keras.Input((6,)), DrawsByTheGraph(), layers.Dense(1)
        model = keras.Sequential(list(parts))
        model.compile("adam", "mse")
        return model

    assert made("resumes", build).outcome == "passed"
