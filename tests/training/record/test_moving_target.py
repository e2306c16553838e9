"""Trainings whose targets or rows a model makes that changes with them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching
from tests.support.programs import mlp, regression

STEPS = 24
X, Y = (tf.constant(it) for it in regression())
X, Y = X[:32], Y[:32]
LATER = X[::-1]


def traces_of(body):
    set_seed(0)
    with watching(seed=0) as watch:
        body()
    return watch.traces()


def learner():
    model, optimizer = mlp(), keras.optimizers.SGD(0.02)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def descend(model, optimizer, loss_of):
    with tf.GradientTape() as tape:
        loss = loss_of()
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)


def squared(goal, found):
    return tf.reduce_mean((goal - found) ** 2)


def bootstrapped(wrap, renew):
    """Values from a copy that is renewed, and grow: each is 1 more than the next."""

    def body():
        model, optimizer = learner()
        other = mlp()
        other.set_weights(model.get_weights())

        @wrap
        def step():
            goal = 1 + other(LATER)
            descend(model, optimizer, lambda: squared(goal, model(X, training=True)))

        for at in range(STEPS):
            step()
            renew(at, model, other)

    return body


def copied_at_times(at, model, other):
    if at % 8 == 7:
        other.set_weights(model.get_weights())


def averaged(at, model, other):
    for mine, its in zip(other.variables, model.variables, strict=True):
        mine.assign(0.9 * mine + 0.1 * its)


def never(at, model, other):
    """A teacher."""


def self_targeted(wrap):
    def body():
        model, optimizer = learner()

        @wrap
        def step():
            goal = 1 + 0.9 * model(LATER)
            descend(model, optimizer, lambda: squared(goal, model(X, training=True)))

        for _ in range(STEPS):
            step()

    return body


def acting(act):
    """Rows that the net itself chooses before each update."""

    def body():
        model, optimizer = learner()
        made = act(model)

        @tf.function
        def step(x, y):
            descend(model, optimizer, lambda: squared(y, model(x, training=True)))

        for at in range(STEPS):
            made(LATER[at : at + 1])
            step(X, Y)

    return body


def by_predict(model):
    return lambda x: model.predict(np.asarray(x), verbose=0)


def drawing():
    """A policy gradient: actions are drawn in the step, from the net's own chances."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    optimizer = keras.optimizers.SGD(0.02)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        def loss():
            scores = model(X, training=True)
            actions = tf.random.categorical(scores, 1)[:, 0]
            chances = tf.gather(tf.nn.log_softmax(scores), actions, batch_dims=1)
            return -tf.reduce_mean(chances * tf.gather(Y[:, 0], actions))

        descend(model, optimizer, loss)

    for _ in range(STEPS):
        step()


MOVING = {
    "target network, eager": bootstrapped(lambda step: step, copied_at_times),
    "target network, graph": bootstrapped(tf.function, copied_at_times),
    "average of the weights": bootstrapped(tf.function, averaged),
    "its own values, eager": self_targeted(lambda step: step),
    "its own values, graph": self_targeted(tf.function),
    "actions are drawn": drawing,
    "it acts": acting(lambda model: model),
    "it acts in a tf.function": acting(tf.function),
    "it acts by predict": acting(by_predict),
}


@pytest.mark.parametrize("case", MOVING)
def test_what_a_moving_model_makes_is_known_as_such(case):
    (trace,) = traces_of(MOVING[case])

    assert trace.moving_target
    assert "a model that changes during the training" in trace.notes[0]


def supervised(between):
    """A loss of the user's own on fixed rows, and what goes on beside it."""

    def body():
        model, optimizer = learner()

        @tf.function
        def step():
            descend(model, optimizer, lambda: squared(Y, model(X, training=True)))

        for at in range(STEPS):
            step()
            between(at, model)

    return body


def nothing(at, model):
    """Only the step."""


def evaluated(at, model):
    if at % 6 == 5:
        for rows in range(4):
            model(LATER[8 * rows : 8 * rows + 8], training=False)
        model.predict(np.asarray(LATER), batch_size=4, verbose=0)


def measured_in_the_step():
    """How well it did on the rows at hand, in the step itself."""
    model, optimizer = learner()

    @tf.function
    def step():
        descend(model, optimizer, lambda: squared(Y, model(X, training=True)))
        return squared(Y, model(X, training=False))

    for _ in range(STEPS):
        step()


def measured_elsewhere_in_the_step():
    """On held-out rows in the step: no loss depends on it."""
    model, optimizer = learner()

    @tf.function
    def step():
        held_out = squared(Y, model(LATER, training=False))
        descend(model, optimizer, lambda: squared(Y, model(X, training=True)))
        return held_out

    for _ in range(STEPS):
        step()


def two_views():
    model, optimizer = learner()

    @tf.function
    def step():
        def loss():
            return squared(model(X), 0.9 * model(LATER)) + squared(Y, model(X))

        descend(model, optimizer, loss)

    for _ in range(STEPS):
        step()


FIXED = {
    "plain": supervised(nothing),
    "evaluated each epoch": supervised(evaluated),
    "measured in the step": measured_in_the_step,
    "held-out rows in the step": measured_elsewhere_in_the_step,
    "a teacher": bootstrapped(tf.function, never),
    "two views": two_views,
    "fit": lambda: mlp().fit(
        np.asarray(X), np.asarray(Y), validation_split=0.2, epochs=3, verbose=0
    ),
}


@pytest.mark.parametrize("case", FIXED)
def test_what_stays_as_it_is_is_no_moving_target(case):
    (trace,) = traces_of(FIXED[case])

    assert not trace.moving_target


def test_values_that_grow_with_their_targets_do_not_fail():
    """Each target is 1 more than the next value: so are the values, in the end."""

    def body():
        model, other = mlp(), mlp()
        other.set_weights(model.get_weights())
        optimizer = keras.optimizers.Adam(0.01)

        @tf.function
        def step():
            goal = 1 + 1.2 * other(LATER)
            descend(model, optimizer, lambda: squared(goal, model(X, training=True)))

        for at in range(120):
            step()
            copied_at_times(at, model, other)

    (trace,) = traces_of(body)

    assert trace.steps.loss[-1] > 2 * trace.steps.loss[0]
    assert [it for it in judge(trace, Policy()) if it.severity == "error"] == []


# Labels that the net itself makes


def followed(labels_of, wrap=tf.function, loss=None, also=None):
    """What a loss object of Keras, or another, is given as labels."""

    def body():
        model, optimizer = learner()
        loss_of = loss or keras.losses.MeanSquaredError()

        @wrap
        def step():
            def total():
                found = loss_of(labels_of(model), model(X, training=True))
                return found if also is None else found + also(Y, model(X))

            descend(model, optimizer, total)

        for _ in range(3):
            step()

    return body


class Apart(keras.losses.Loss):
    """Keeps embeddings of two views alike, and those of others apart."""

    def call(self, y_true, y_pred):
        return tf.reduce_mean((y_true - y_pred) ** 2) - tf.math.reduce_std(y_pred)


@pytest.mark.parametrize("wrap", [lambda step: step, tf.function])
def test_labels_that_the_net_makes_and_moves_are_seen(wrap):
    (trace,) = traces_of(followed(lambda model: 1 + 0.9 * model(LATER), wrap))

    assert trace.labels_follow == "mean_squared_error"
    assert "loss_output_mismatch" in [it.kind for it in judge(trace, Policy())]


OWN_LABELS = {
    "given": followed(lambda _: Y),
    "stopped": followed(lambda model: tf.stop_gradient(1 + model(LATER))),
    "of the same rows": followed(lambda model: 0.9 * model(X)),
    "a loss of one's own": followed(lambda model: model(LATER), loss=Apart()),
    "beside true labels": followed(
        lambda model: model(LATER), also=keras.losses.MeanAbsoluteError()
    ),
    "of what it made": followed(
        lambda model: model(model(X) * tf.ones((1, X.shape[1])))
    ),
}


@pytest.mark.parametrize("case", OWN_LABELS)
def test_other_labels_are_not(case):
    (trace,) = traces_of(OWN_LABELS[case])

    assert trace.labels_follow is None


def agent(rest):
    """Values of two actions, of which one was taken; the others are ``rest``'s."""

    def body():
        start = keras.Input((3,))
        model = keras.Model(start, keras.layers.Dense(2)(start))
        model.compile(keras.optimizers.Adam(0.01), "mse")
        draw = np.random.default_rng(0)
        for _ in range(20):
            x = draw.standard_normal((16, 3)).astype("float32")
            values = np.array(model(x)) if rest == "kept" else np.zeros((16, 2))
            best = np.asarray(model(x + 0.1)).max(axis=1)
            values[np.arange(16), draw.integers(0, 2, 16)] = 1 + 0.9 * best
            model.train_on_batch(x, values.astype("float32"))

    return body


def test_targets_left_at_zero_fail_an_agent_and_kept_ones_do_not():
    (broken,), (fixed,) = traces_of(agent("zero")), traces_of(agent("kept"))

    assert "loss_output_mismatch" in errors_of(broken)
    assert errors_of(fixed) == []


def errors_of(trace):
    return [it.kind for it in judge(trace, Policy()) if it.severity == "error"]
