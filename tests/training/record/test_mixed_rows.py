"""A hand-written loss that pairs each row with every other, wherever it is written."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.fitting import train_once
from tests.support.steps import traces_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(128, 4)).astype("float32")
Y = X @ np.float32([1, -1, 0.5, 2]) + 0.1 * RNG.normal(size=128).astype("float32")
ROWS = [(X[it : it + 32], Y[it : it + 32]) for it in range(0, 128, 32)]


def net():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])


def squared(y, predictions):
    return tf.reduce_mean(tf.square(y - predictions))


def update(model, optimizer, loss_of, x, y):
    with tf.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    slopes = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(slopes, model.trainable_variables)
    return loss


def loop(wrap=lambda it: it, of=lambda it: it, loss=squared, data=ROWS, times=8):
    """A hand-written loop; ``of`` brings predictions into a shape."""
    model, optimizer = net(), keras.optimizers.Adam(0.05)
    optimizer.build(model.trainable_variables)

    @wrap
    def step(x, y):
        return update(model, optimizer, lambda y, p: loss(y, of(p)), x, y)

    for x, y in data * times:
        step(tf.constant(x), tf.constant(y))


class Own(keras.Model):
    def __init__(self, of=lambda it: it):
        super().__init__()
        self.inner, self.of = net(), of

    def call(self, x):
        return self.of(self.inner(x))

    def train_step(self, data):
        return {"loss": update(self, self.optimizer, squared, *data)}


def own(of=lambda it: it):
    model = Own(of)
    model.compile(keras.optimizers.Adam(0.05))
    return model


def in_whole(of):
    """A step that finds its rows outside of it."""
    model, optimizer = net(), keras.optimizers.Adam(0.05)
    x, y = tf.constant(X), tf.constant(Y)
    optimizer.build(model.trainable_variables)
    step = tf.function(
        lambda: update(model, optimizer, lambda y, p: squared(y, of(p)), x, y)
    )
    for _ in range(12):
        step()


def found(body):
    with watching(seed=0) as watch:
        set_seed(0)
        body()
    (trace,) = watch.traces()
    return [it for it in judge(trace, Policy()) if it.kind == "rows_mixed"]


UNKNOWN = tf.function(
    input_signature=[tf.TensorSpec((None, 4)), tf.TensorSpec((None,))]
)
WAYS = {
    "eager": lambda of: loop(of=of),
    "function": lambda of: loop(tf.function, of),
    "any number of rows": lambda of: loop(UNKNOWN, of),
    "compiled": lambda of: loop(tf.function(jit_compile=True), of),
    "rows outside": in_whole,
    "own step": lambda of: own(of).fit(X, Y, epochs=2, verbose=0),
    "own step, eager": lambda of: _eagerly(own(of)).fit(X, Y, epochs=2, verbose=0),
}


def _eagerly(model):
    model.run_eagerly = True
    return model


@pytest.mark.parametrize("way", WAYS)
def test_labels_without_the_last_axis_are_an_error_and_with_it_none(way):
    (finding,) = found(lambda: WAYS[way](lambda it: it))
    assert finding.severity == "error"
    assert finding.where.startswith("test_mixed_rows.py:")
    if finding.limit is not None:
        assert finding.value == finding.limit**2
    assert found(lambda: WAYS[way](lambda it: it[:, 0])) == []


def test_it_is_seen_by_lossguard_fit_as_well():
    trace = train_once(Trainer(), own, X, Y, epochs=2)
    assert [it.kind for it in judge(trace, Policy())][:1] == ["rows_mixed"]


def pairwise(y, scores):
    """Ranks each row against each other."""
    higher = tf.cast(y[:, None] > y, tf.float32)
    return tf.reduce_mean(higher * tf.nn.softplus(scores - tf.transpose(scores)))


def pairwise_short(y, scores):
    """The same, by an operand without its last axis."""
    higher = tf.cast(y[:, None] > y, tf.float32)
    return tf.reduce_mean(higher * tf.nn.softplus(scores - scores[:, 0]))


def cox(y, risk):
    """Partial likelihood: each row against all that are at risk."""
    at_risk = tf.cast(y[None, :] >= y[:, None], tf.float32)
    total = tf.reduce_sum(at_risk * tf.exp(risk[:, 0])[None, :], axis=1)
    return tf.reduce_mean(tf.math.log(total) - risk[:, 0])


def binned(y, predictions):
    """Soft bins, as many as rows."""
    bins = tf.linspace(-2.0, 2.0, 32)
    shares = tf.nn.softmax(-tf.square(predictions - bins))
    return tf.reduce_mean(tf.square(tf.reduce_sum(shares * bins, axis=1) - y))


def weighted(y, predictions):
    return tf.reduce_sum(tf.abs(y) * tf.square(y - predictions[:, 0])) / (
        tf.reduce_sum(tf.abs(y))
    )


def masked(y, predictions):
    counts = tf.cast(y > 0, tf.float32)
    errors = counts * tf.square(y - predictions[:, 0])
    return tf.math.divide_no_nan(tf.reduce_sum(errors), tf.reduce_sum(counts))


def contrastive(y, predictions):
    """Each row against each, by labels that are alike."""
    alike = tf.cast(tf.abs(y[:, None] - y[None, :]) < 0.5, tf.float32)
    apart = tf.abs(predictions - tf.transpose(predictions))
    return tf.reduce_mean(alike * apart + (1 - alike) * tf.nn.relu(1 - apart))


HEALTHY = (pairwise, pairwise_short, cox, binned, weighted, masked, contrastive)


@pytest.mark.parametrize("wrap", [lambda it: it, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize("loss", HEALTHY)
def test_losses_that_compare_rows_by_intent_are_fine(wrap, loss):
    assert found(lambda: loop(wrap, loss=loss, times=1)) == []


def test_looking_at_an_eager_step_changes_nothing():
    def trained():
        model, optimizer = net(), keras.optimizers.Adam(0.05)
        for x, y in ROWS:
            update(model, optimizer, squared, x, y)
        return model.get_weights()

    set_seed(0)
    plain = trained()
    with watching(seed=0):
        set_seed(0)
        seen = trained()
    for one, other in zip(plain, seen, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_function_may_be_traced_inside_an_eager_tape():
    @tf.function
    def doubled(x):
        return x * tf.constant(2.0)

    def body():
        with tf.GradientTape() as tape:
            variable = keras.Variable(3.0)
            loss = doubled(tf.convert_to_tensor(variable)) ** 2
        gradients = tape.gradient(loss, [variable.value])
        assert float(gradients[0]) == 24.0

    traces_of(body)
