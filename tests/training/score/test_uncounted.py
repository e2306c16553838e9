"""Labels that must not count in a step: of rows of weight 0, at padded positions."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer
from tests.support.steps import findings_of, traces_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
#: One row in two does not count.
WEIGHTS = np.tile([0.0, 1.0], 32).astype("float32")
#: Texts of 8 tokens, the last 3 to 5 of them padding.
TOKENS = RNG.integers(1, 6, (64, 8)).astype("int32")
TOKENS[np.arange(8) >= RNG.integers(3, 6, (64, 1))] = 0
TAGS = (TOKENS % 3).astype("int32")
EACH = keras.losses.sparse_categorical_crossentropy


class Own(keras.Model):
    """By a step of its own, whose loss is given."""

    def train_step(self, data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            loss = self.loss_of(y, self(x, training=True), weights, x)
        moved = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, moved), moved)
        return {"loss": loss}


def classifier(loss=None, loss_of=None):
    start = keras.Input((4,))
    inner = layers.Dropout(0.3)(layers.Dense(8, "relu")(start))
    return compiled(start, layers.Dense(2, "softmax")(inner), loss, loss_of)


def tagger(loss=None, loss_of=None):
    start = keras.Input((8,), dtype="int32")
    inner = layers.Embedding(6, 8, mask_zero=True)(start)
    return compiled(start, layers.Dense(3, "softmax")(inner), loss, loss_of)


def compiled(start, end, loss, loss_of):
    kind = keras.Model if loss_of is None else Own
    model = kind(start, end)
    if loss_of is not None:
        model.loss_of = loss_of
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model


def fitted(model, x, y, **given):
    return lambda: model.fit(x, y, epochs=1, verbose=0, **given)


def relations(body):
    (trace,) = traces_of(body)
    return trace.relations


def scalar(y, found):
    return tf.reduce_mean(EACH(y, found))


def each_row(y, found):
    return EACH(y, found)


def ignored(y, found, weights, x):
    return tf.reduce_mean(EACH(y, found) * (weights + 0.1))


def one_of_two(y, found, weights, x):
    each = EACH(y, found)
    return tf.reduce_mean(each * weights) + 0.5 * tf.reduce_mean(each)


def applied(y, found, weights, x):
    return tf.reduce_sum(EACH(y, found) * weights) / tf.reduce_sum(weights)


def kept_apart(y, found, weights, x):
    """What has no labels may count all rows."""
    spread = tf.reduce_mean(found * tf.math.log(found + 1e-6))
    return applied(y, found, weights, x) + 0.1 * spread


@pytest.mark.parametrize(
    ("given_as", "loss", "counts"),
    [
        ("loss", scalar, True),
        ("loss", each_row, False),
        ("loss_of", ignored, True),
        ("loss_of", one_of_two, True),
        ("loss_of", applied, False),
        ("loss_of", kept_apart, False),
    ],
)
def test_rows_of_weight_0_must_not_count(given_as, loss, counts):
    found = findings_of(
        fitted(classifier(**{given_as: loss}), X, Y, sample_weight=WEIGHTS)
    )
    told = [it for it in found if it.kind == "sample_weight_ignored"]
    assert [it.severity for it in told] == ["error"] * counts
    if counts:
        assert "8 of 16 rows, whose weight is 0" in told[0].message
        assert told[0].value > 0.01


def by_hand(y, found, weights, x):
    flat = tf.reshape(found, (-1, 3))
    return tf.reduce_mean(EACH(tf.reshape(y, [-1]), flat))


def by_tokens(y, found, weights, x):
    """Masked by the user's own hand."""
    counts = tf.cast(x != 0, tf.float32)
    return tf.reduce_sum(EACH(y, found) * counts) / tf.reduce_sum(counts)


def by_labels(y, found):
    """Masked by the label that stands for padding."""
    counts = tf.cast(tf.squeeze(y) != 0, tf.float32)
    return tf.reduce_sum(EACH(y, found) * counts) / tf.reduce_sum(counts)


@pytest.mark.parametrize(
    ("given_as", "loss", "counts"),
    [
        ("loss", scalar, True),
        ("loss", each_row, False),
        ("loss_of", by_hand, True),
        ("loss_of", by_tokens, False),
        ("loss", by_labels, False),
    ],
)
def test_padded_positions_must_not_count(given_as, loss, counts):
    found = findings_of(fitted(tagger(**{given_as: loss}), TOKENS, TAGS))
    told = [it for it in found if it.kind == "padding_not_masked"]
    assert [it.severity for it in told] == ["warning"] * counts
    if counts:
        assert "of 128 positions as padding" in told[0].message


def looped(model, loss_of, data, wrap=tf.function):
    optimizer = keras.optimizers.Adam(0.01)

    @wrap
    def step(x, y, weight):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True), weight, x)
        moved = model.trainable_variables
        optimizer.apply(tape.gradient(loss, moved), moved)

    def body():
        for _ in range(4):
            step(*map(tf.constant, data))

    return body


@pytest.mark.parametrize(("loss_of", "counts"), [(ignored, True), (applied, False)])
def test_a_compiled_function_is_run_again_too(loss_of, counts):
    found = relations(looped(classifier(), loss_of, (X, Y, WEIGHTS)))
    assert (found.weightless is not None) == counts
    assert found.padded is None


@pytest.mark.parametrize(("loss_of", "counts"), [(by_hand, True), (by_tokens, False)])
def test_padding_of_a_compiled_function(loss_of, counts):
    ones = np.ones(64, "float32")
    found = relations(looped(tagger(), loss_of, (TOKENS, TAGS, ones)))
    assert (found.padded is not None) == counts


class Trainable:
    """A step that is a method, with labels in a tuple and weights by name."""

    def __init__(self, model, loss_of):
        self.model, self.loss_of = model, loss_of
        self.optimizer = keras.optimizers.Adam(0.01)
        self.seen = keras.metrics.Mean()

    @tf.function
    def step(self, batch, *, sample_weight):
        x, y = batch
        self.seen.update_state(x)
        with tf.GradientTape() as tape:
            loss = self.loss_of(y, self.model(x, training=True), sample_weight, x)
        moved = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(loss, moved), moved)


@pytest.mark.parametrize(("loss_of", "counts"), [(one_of_two, True), (applied, False)])
def test_a_method_with_labels_in_a_tuple_is_run_again(loss_of, counts):
    own = Trainable(classifier(), loss_of)
    batch = tf.constant(X), tf.constant(Y)
    found = relations(lambda: own.step(batch, sample_weight=tf.constant(WEIGHTS)))
    assert (found.weightless is not None) == counts
    assert own.seen.count.numpy() == len(X)


def test_a_step_that_refuses_to_run_again_is_left_alone():
    def once(y, found, weights, x):
        once.calls += 1
        if once.calls > 1:
            raise RuntimeError
        return ignored(y, found, weights, x)

    once.calls = 0
    assert relations(looped(classifier(), once, (X, Y, WEIGHTS))).weightless is None


@pytest.mark.parametrize(("loss", "counts"), [(scalar, True), (each_row, False)])
def test_a_loop_in_the_graph_is_asked_likewise(loss, counts):
    kinds = [
        it.kind
        for it in findings_of_fit(lambda: tagger(loss=loss), TOKENS, TAGS, steps=4)
    ]
    assert ("padding_not_masked" in kinds) == counts


def findings_of_fit(build, x, y, **how):
    (trace,) = Trainer().fit_seeds(build, x, y, seeds=[0], **how)
    return judge(trace, Policy())


def test_all_is_left_as_it_was():
    model = classifier(loss_of=ignored)
    state = [*model.variables, *model.optimizer.variables]
    kept = []

    def body():
        fitted(model, X, Y, sample_weight=WEIGHTS)()
        kept.extend(it.numpy() for it in (*model.variables, *state))

    assert relations(body).weightless.changed > 0.01
    for value, now in zip(kept, (*model.variables, *state), strict=True):
        np.testing.assert_array_equal(value, now.numpy())
    assert not tf.config.functions_run_eagerly()


@pytest.mark.parametrize(
    "given",
    [{}, {"sample_weight": WEIGHTS + 1}, {"sample_weight": 0 * WEIGHTS}],
    ids=["none", "no row of weight 0", "all of weight 0"],
)
def test_where_there_is_nothing_to_ask_no_step_is_run_again(given, monkeypatch):
    monkeypatch.setattr(
        "pytest_lossguard.training.score.uncounted.seen_step", pytest.fail
    )
    relations(fitted(classifier(loss=scalar), X, Y, **given))


@pytest.mark.parametrize(
    ("loss", "seeds", "times"),
    [
        ("sparse_categorical_crossentropy", (0,), 0),
        (lambda y, p: tf.reduce_mean(EACH(y, p)), (0, 0, 0), 1),
        (lambda y, p: tf.reduce_mean(EACH(y, p)), (0, 1, 0), 3),
    ],
    ids=["all of Keras", "the same labels", "other labels"],
)
def test_a_loop_asks_again_for_other_labels_only(loss, seeds, times, monkeypatch):
    from pytest_lossguard.training.loop import traced_loop

    asked, ask = [], traced_loop.counted_in_fit

    def counting(*args, **how):
        asked.append(1)
        return ask(*args, **how)

    monkeypatch.setattr(traced_loop, "counted_in_fit", counting)
    trainer, model = Trainer(), tagger(loss=loss)
    for seed in seeds:
        tags = np.random.default_rng(seed).permutation(TAGS)
        trainer.fit_seeds(model, TOKENS, tags, seeds=[0], steps=2)

    assert len(asked) == times
