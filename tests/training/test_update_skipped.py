"""Gradients that are taken step after step, and hardly or never applied."""

from __future__ import annotations

import keras
import pytest
import tensorflow as tf

from pytest_lossguard.training import watching
from tests.support import tapes
from tests.support.programs import mlp
from tests.support.steps import MSE, batches, findings_of


def slopes(model, x, y):
    with tf.GradientTape() as tape:
        loss = MSE(y, model(x, training=True))
    return tape.gradient(loss, model.trainable_variables)


class Accumulating(keras.Model):
    """As tensorflow#55478: sums and counter are Python's, the `if` is traced once."""

    def __init__(self, every=4):
        super().__init__()
        self.out = keras.layers.Dense(1)
        self.every, self.taken, self.sums = every, 0, None

    def call(self, x, training=False):
        return self.out(x)

    def train_step(self, data):
        x, y = data
        self.taken += 1
        found = slopes(self, x, y)
        if self.taken == self.every:
            self.optimizer.apply(found, self.trainable_variables)
        return {"loss": tf.constant(0.0)}


def fit_accumulating(every=4):
    model = Accumulating(every)
    model.compile(keras.optimizers.SGD(0.01))
    x, y = next(batches(1, rows=160))
    model.fit(x, y, batch_size=4, verbose=0)


def once(wrap, steps=40, at=4):
    """Applied at the fourth step, where every fourth was meant."""
    model, optimizer = mlp(), keras.optimizers.SGD(0.01)
    optimizer.build(model.trainable_variables)
    count = tf.Variable(0)

    def step(x, y):
        found = slopes(model, x, y)
        count.assign_add(1)
        if count == at:
            optimizer.apply(found, model.trainable_variables)

    step = wrap(step)
    for x, y in batches(steps):
        step(x, y)


def test_a_condition_that_is_traced_once_is_told_with_what_was_applied():
    with watching() as watch:
        fit_accumulating()
    told = watch.why_nothing_trained()
    assert watch.traces() == []
    assert "gradients were taken 40 times and applied never" in told
    assert "tf.Variable" in told


def test_an_update_in_a_branch_that_never_runs_is_told_likewise():
    with watching() as watch:
        once(tf.function, at=100)
    assert "gradients were taken 40 times and applied never" in (
        watch.why_nothing_trained()
    )


@pytest.mark.parametrize("wrap", [tf.function, lambda it: it], ids=["graph", "eager"])
def test_one_update_among_many_gradients_fails(wrap):
    (it,) = [it for it in findings_of(lambda: once(wrap)) if _is_skipped(it)]
    assert (it.severity, it.value, it.limit) == ("error", 40, 8)
    assert "40 times and applied once" in it.message


def _is_skipped(finding):
    return finding.kind == "update_skipped"


def test_a_part_that_is_never_updated_beside_one_that_is_is_named():
    with watching() as watch:
        second_net_left_out()
    (it,) = watch.missed()
    assert (it.kind, it.value) == ("update_skipped", 20)
    assert "applied never" in it.message


def second_net_left_out(applies=False, steps=20):
    first, second = mlp(), mlp()
    by = keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01)
    for x, y in batches(steps):
        for net, optimizer in zip((first, second), by, strict=True):
            found = slopes(net, x, y)
            if net is first or applies:
                optimizer.apply(found, net.trainable_variables)


def accumulated_by_fit():
    """Keras' own accumulation, inside the optimizer."""
    model = mlp(optimizer=keras.optimizers.SGD(0.01, gradient_accumulation_steps=4))
    x, y = next(batches(1, rows=160))
    model.fit(x, y, batch_size=4, verbose=0)


def one_update_of_all_rows():
    """Gradients of 40 micro-batches, summed, then one update."""
    model, total = mlp(), None
    for x, y in batches(40):
        found = slopes(model, x, y)
        if total is None:
            total = found
        total = [a + b for a, b in zip(total, found, strict=True)]
    keras.optimizers.SGD(0.001).apply(total, model.trainable_variables)


def looked_at_afterwards():
    """As elastic weight consolidation does, row by row."""
    model = mlp()
    for x, y in batches(3):
        model.optimizer.apply(slopes(model, x, y), model.trainable_variables)
    for x, y in batches(30):
        slopes(model, x, y)


def saliency_beside_a_training():
    model, image = mlp(), tf.Variable(tf.ones((16, 4)))
    for x, y in batches(20):
        model.optimizer.apply(slopes(model, x, y), model.trainable_variables)
        with tf.GradientTape() as tape:
            score = tf.reduce_sum(model(image, training=True))
        tape.gradient(score, image)


@pytest.mark.parametrize(
    "body",
    [
        lambda: tapes.accumulated(0.01),
        lambda: tapes.meta_learned(0.01),
        lambda: tapes.wgan(0.001),
        lambda: tapes.penalized(0.01),
        lambda: second_net_left_out(applies=True),
        accumulated_by_fit,
        one_update_of_all_rows,
        looked_at_afterwards,
        saliency_beside_a_training,
    ],
    ids=[
        *("accumulated", "meta-learning", "WGAN", "gradient penalty", "two nets"),
        *("by the optimizer", "one update", "looked at", "saliency"),
    ],
)
def test_gradients_that_are_applied_or_only_looked_at_are_silent(body):
    with watching(seed=0) as watch:
        body()
    assert watch.missed() == []
    assert not [it for it in findings_of(body) if _is_skipped(it)]
