"""Losses that a model has of its own, and that the differentiated loss leaves out."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

import pytest_lossguard.training as training
from tests.support.fitting import train_once
from tests.support.steps import MSE, batches, findings_of, found_in

LAYERS = keras.layers


class Adds(LAYERS.Layer):
    """Adds a loss of its own, as the KL term of a VAE."""

    def call(self, x):
        self.add_loss(0.1 * tf.reduce_mean(x**2))
        return x


def net(*hidden, **output):
    return keras.Sequential([keras.Input((4,)), *hidden, LAYERS.Dense(1, **output)])


MODELS = {
    "regularizer": lambda: net(kernel_regularizer=keras.regularizers.L2(0.01)),
    "activity": lambda: net(activity_regularizer=keras.regularizers.L2(0.01)),
    "add_loss": lambda: net(Adds()),
}


def loop(model, adds, wrap=tf.function):
    optimizer = keras.optimizers.SGD(0.01)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = MSE(y, model(x, training=True))
            if adds:
                loss += sum(model.losses)
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)

    step = wrap(step)
    for x, y in batches(4):
        step(x, y)


def _is_left_out(finding):
    return finding.kind == "penalty_left_out"


@pytest.mark.parametrize("wrap", [tf.function, lambda it: it], ids=["graph", "eager"])
@pytest.mark.parametrize("name", MODELS)
def test_what_the_loss_leaves_out_fails_and_what_it_contains_does_not(name, wrap):
    (it,) = filter(_is_left_out, findings_of(lambda: loop(MODELS[name](), False, wrap)))
    assert (it.severity, it.limit) == ("error", 0)
    assert it.value > 0
    assert not any(
        map(_is_left_out, findings_of(lambda: loop(MODELS[name](), True, wrap)))
    )


def taught(of_weights):
    """Train on labels, and on a teacher's output or on a penalty of the weights."""
    rule, teacher, model = keras.optimizers.Adam(0.01), net(), net()

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            given = model(x, training=True)
            added = tf.reduce_mean((given - teacher(x)) ** 2)
            if of_weights:
                added = tf.reduce_sum(model.layers[-1].kernel ** 2)
            loss = MSE(y, given) + added
        moved = model.trainable_variables
        rule.apply(tape.gradient(loss, moved), moved)

    for x, y in batches(60):
        step(x, y)


def test_a_teacher_is_no_penalty_and_the_weights_are():
    def dominates(of_weights):
        found = findings_of(lambda: taught(of_weights))
        return "penalty_dominates" in {it.kind for it in found}

    assert not dominates(of_weights=False)
    assert dominates(of_weights=True)


class OwnStep(keras.Model):
    """Its own training step forgets them."""

    def __init__(self):
        super().__init__()
        self.out = LAYERS.Dense(1, kernel_regularizer="l2")
        self.of = keras.losses.MeanSquaredError()

    def call(self, x, training=False):
        return self.out(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.of(y, self(x, training=True))
        moved = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, moved), moved)
        return {"loss": loss}


def test_lossguard_fit_sees_it_in_a_step_of_the_models_own():
    model = OwnStep()
    model.compile("sgd")
    x, y = next(batches(1))
    trace = train_once(training.Trainer(), model, x, y, steps=3)
    assert any(map(_is_left_out, found_in([trace])))


def by_fit():
    model = MODELS["regularizer"]()
    model.compile("sgd", "mse")
    x, y = next(batches(1))
    model.fit(x, y, verbose=0)


def frozen_part():
    """A penalty on weights that are not trained is in no loss of Keras'."""
    fixed = LAYERS.Dense(4, kernel_regularizer="l2")
    fixed.trainable = False
    loop(net(fixed), False)


def slopes(of, variables):
    """Gradients of what a function gives, None where there is none."""
    with tf.GradientTape() as tape:
        value = of()
    return tape.gradient(value, variables)


def penalty_of(model, x):
    model(x, training=True)
    return sum(model.losses)


def by_a_gradient_of_its_own(wrap=tf.function):
    """The penalty has a tape of its own; both gradients are applied in one update."""
    model, optimizer = MODELS["regularizer"](), keras.optimizers.SGD(0.01)

    def step(x, y):
        moved = model.trainable_variables
        penalty = slopes(lambda: penalty_of(model, x), moved)
        data = slopes(lambda: MSE(y, model(x, training=True)), moved)
        kernel, bias = data
        optimizer.apply([kernel + penalty[0], bias], moved)

    step = wrap(step)
    for x, y in batches(4):
        step(x, y)


def by_a_second_optimizer(wrap=tf.function):
    """One optimizer has the data loss, another the penalty."""
    model = MODELS["regularizer"]()
    fits, shrinks = keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)
    moved = model.trainable_variables
    fits.build(moved)
    shrinks.build(moved[:1])

    def step(x, y):
        fits.apply(slopes(lambda: MSE(y, model(x, training=True)), moved), moved)
        shrinks.apply(slopes(lambda: penalty_of(model, x), moved[:1]), moved[:1])

    step = wrap(step)
    for x, y in batches(4):
        step(x, y)


@pytest.mark.parametrize("wrap", [tf.function, lambda it: it], ids=["graph", "eager"])
@pytest.mark.parametrize("body", [by_a_gradient_of_its_own, by_a_second_optimizer])
def test_a_penalty_whose_gradient_is_taken_apart_is_not_left_out(body, wrap):
    assert not any(map(_is_left_out, findings_of(lambda: body(wrap))))


@pytest.mark.parametrize(
    "body",
    [
        by_fit,
        frozen_part,
        lambda: loop(net(), False),
        lambda: loop(net(kernel_regularizer=keras.regularizers.L2(0.0)), False),
    ],
    ids=["fit", "frozen", "none", "of 0"],
)
def test_where_there_is_nothing_to_add_it_is_silent(body):
    assert not any(map(_is_left_out, findings_of(body)))
