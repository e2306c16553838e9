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


def test_a_condition_that_is_traced_once_is_reported_with_what_was_applied():
    with watching() as watch:
        fit_accumulating()
    text = watch.why_nothing_trained()
    assert watch.traces() == []
    assert "gradients were computed 40 times and never applied" in text
    assert "tf.Variable" in text


def test_an_update_in_a_branch_that_never_runs_is_reported_too():
    with watching() as watch:
        once(tf.function, at=100)
    assert "gradients were computed 40 times and never applied" in (
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


def summed(resets, wrap=tf.function, of=list, every=3):
    """Gradients of three batches for each update, in variables."""
    model, optimizer = mlp(), keras.optimizers.SGD(0.01)
    variables = model.trainable_variables
    optimizer.build(variables)
    sums = [tf.Variable(tf.zeros_like(it)) for it in variables]
    for total in sums:
        total.assign(tf.zeros_like(total))

    @wrap
    def step(x, y):
        for total, slope in zip(sums, slopes(model, x, y), strict=True):
            total.assign_add(slope / every if wrap is tf.function else slope)

    @wrap
    def update():
        optimizer.apply(of(sums), variables)
        if resets == "after":
            for total in sums:
                total.assign(tf.zeros_like(total))
        elif resets == "by itself":
            for total in sums:
                total.assign_sub(total)
        elif resets == "by the negative":
            for total in sums:
                total.assign_add(-total)

    for at, (x, y) in enumerate(batches(20)):
        if resets == "made anew" and at % every == 0:
            sums[:] = [tf.Variable(tf.zeros_like(it)) for it in variables]
        step(x, y)
        if at % every == every - 1:
            update()


def read_and_divided(sums):
    return [tf.cast(it.read_value(), it.dtype) / 2 for it in sums]


@pytest.mark.parametrize("wrap", [tf.function, lambda it: it], ids=["graph", "eager"])
def test_sums_that_are_applied_and_never_reset_fail(wrap):
    (it,) = [it for it in findings_of(lambda: summed("", wrap)) if _is_skipped(it)]
    assert (it.severity, it.value, it.limit) == ("error", 6, 4)
    assert "the sums are never reset: each of 6 updates" in it.message


@pytest.mark.parametrize("wrap", [tf.function, lambda it: it], ids=["graph", "eager"])
@pytest.mark.parametrize("resets", ["after", "by itself", "by the negative"])
def test_sums_that_are_reset_are_fine(wrap, resets):
    found = findings_of(lambda: summed(resets, wrap))
    assert not any(map(_is_skipped, found))


def test_sums_that_are_read_and_divided_are_seen_in_a_graph():
    def kinds_found(resets):
        found = findings_of(lambda: summed(resets, of=read_and_divided))
        return [it.kind for it in found if _is_skipped(it)]

    assert kinds_found("") == ["update_skipped"]
    assert kinds_found("after") == []


def test_sums_that_are_made_anew_for_each_update_are_fine():
    found = findings_of(lambda: summed("made anew", lambda it: it))
    assert not any(map(_is_skipped, found))


def listed(new, *, every=2, divided=1, steps=12):
    """An eager loop whose sums are Python's: ``new`` makes one of the last and of a
    gradient.
    """
    model, optimizer = mlp(), keras.optimizers.SGD(0.01)
    sums = [0.0] * len(model.trainable_variables)
    for at, (x, y) in enumerate(batches(steps)):
        if new is anew_after and at % every == 0:
            sums = [0.0] * len(sums)
        sums = [new(*it) for it in zip(sums, slopes(model, x, y), strict=True)]
        if at % every == every - 1:
            optimizer.apply([it / divided for it in sums], model.trainable_variables)


def for_ever(total, slope):
    return total + slope


def anew_after(total, slope):
    return total + slope


def fading(total, slope):
    return 0.999 * total + slope


def last_alone(total, slope):
    del total
    return slope


@pytest.mark.parametrize("how", [{"divided": 2}, {"every": 1, "steps": 6}])
def test_sums_in_lists_that_only_ever_grow_fail(how):
    (it,) = [
        it for it in findings_of(lambda: listed(for_ever, **how)) if _is_skipped(it)
    ]
    assert it.severity == "error"
    assert "the sums are never reset" in it.message


@pytest.mark.parametrize(
    ("new", "every"), [(anew_after, 2), (fading, 1), (fading, 2), (last_alone, 1)]
)
def test_other_lists_are_fine(new, every):
    found = findings_of(lambda: listed(new, every=every, steps=6 * every))
    assert not any(map(_is_skipped, found))


def test_a_few_updates_may_be_all_there_are():
    found = findings_of(lambda: listed(for_ever, steps=8))
    assert not any(map(_is_skipped, found))


def faded(wrap):
    """Momentum by hand: what is added is no gradient alone."""
    model, optimizer = mlp(), keras.optimizers.SGD(0.01)
    variables = model.trainable_variables
    optimizer.build(variables)
    means = [tf.Variable(tf.zeros_like(it)) for it in variables]

    @wrap
    def step(x, y):
        for mean, slope in zip(means, slopes(model, x, y), strict=True):
            mean.assign_add(0.1 * (slope - mean))
        optimizer.apply(list(means), variables)

    for x, y in batches(10):
        step(x, y)


@pytest.mark.parametrize("wrap", [tf.function, lambda it: it], ids=["graph", "eager"])
def test_a_mean_of_gradients_that_fades_is_fine(wrap):
    assert not any(map(_is_skipped, findings_of(lambda: faded(wrap))))


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
