"""A softmax over the axis of the batch, written in the loss of a custom loop."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching
from pytest_lossguard.training.record.softmax_over_rows import (
    are_shares_of_rows,
    are_taken_by_row,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32") + 2 * (X[:, 1] > 0).astype("int32")
CLASSES = 4


def wrapped(how):
    return {"graph": tf.function, "eager": lambda it: it}[how]


def loop(loss_of, how, units=CLASSES, rows=32):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(model.trainable_variables)

    @wrapped(how)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(model(x, training=True), y)
        slopes = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)

    for at in range(0, 96, rows):
        step(tf.constant(X[at : at + rows]), tf.constant(Y[at : at + rows]))


def found(*how, **more):
    with watching(seed=0) as watch:
        set_seed(0)
        loop(*how, **more)
    (trace,) = watch.traces()
    return [it for it in judge(trace, Policy()) if it.kind == "rows_mixed"]


def mean_log(chosen):
    return -tf.reduce_mean(tf.math.log(chosen + 1e-7))


def one_hot(shares, y):
    return mean_log(tf.reduce_sum(shares * tf.one_hot(y, CLASSES), axis=1))


def by_hand(scores, axis):
    raised = tf.exp(scores)
    return raised / tf.reduce_sum(raised, axis=axis, keepdims=True)


def gathered(shares, y):
    return mean_log(tf.gather(shares, y, batch_dims=1))


def of_logarithms(scores, y, axis):
    log = scores - tf.reduce_logsumexp(scores, axis=axis, keepdims=True)
    return -tf.reduce_mean(tf.reduce_sum(log * tf.one_hot(y, CLASSES), axis=1))


OF_KERAS = keras.losses.SparseCategoricalCrossentropy()
WAYS = {
    "softmax": lambda s, y, axis: one_hot(tf.nn.softmax(s / 2.0, axis=axis), y),
    "keras": lambda s, y, axis: one_hot(keras.ops.softmax(s, axis=axis), y),
    "by hand": lambda s, y, axis: one_hot(by_hand(s, axis), y),
    "gathered": lambda s, y, axis: gathered(by_hand(s, axis), y),
    "log softmax": lambda s, y, axis: (
        -tf.reduce_mean(tf.nn.log_softmax(s, axis=axis) * tf.one_hot(y, CLASSES))
    ),
    "logarithms": of_logarithms,
    "a loss of Keras": lambda s, y, axis: OF_KERAS(y, tf.nn.softmax(s, axis=axis)),
}


@pytest.mark.parametrize("how", ["graph", "eager"])
@pytest.mark.parametrize("way", WAYS)
def test_a_softmax_over_the_rows_is_an_error_and_over_the_classes_none(way, how):
    (it,) = found(lambda s, y: WAYS[way](s, y, 0), how)
    assert (it.severity, it.value, it.limit) == ("error", CLASSES, 0)
    assert it.where.startswith("test_softmax_over_rows.py:")
    assert found(lambda s, y: WAYS[way](s, y, 1), how) == []


def ranked(scores, y):
    """ListNet: the rows of a batch are one list."""
    wanted = tf.nn.softmax(tf.cast(y, tf.float32))
    return -tf.reduce_sum(wanted * tf.nn.log_softmax(scores[:, 0]))


def ranked_in_a_column(scores, y):
    wanted = tf.one_hot(tf.argmax(y, axis=0), len(y))[:, None]
    return -tf.reduce_sum(wanted * tf.nn.log_softmax(scores, axis=0))


def both_ways(scores, y):
    """As CLIP: which text belongs to the image, and which image to the text."""
    wanted = tf.one_hot(y, scores.shape[-1])
    of_rows = tf.reduce_sum(wanted * tf.nn.log_softmax(scores, axis=1))
    return -of_rows - tf.reduce_sum(wanted * tf.nn.log_softmax(scores, axis=0))


def in_batch_negatives(scores, y):
    """Each row against each other."""
    alike = tf.matmul(scores, scores, transpose_b=True)
    same = tf.cast(y[:, None] == y, tf.float32)
    return -tf.reduce_mean(same * tf.nn.log_softmax(alike, axis=0))


def batch_norm(scores, y):
    centered = scores - tf.reduce_mean(scores, axis=0)
    scaled = centered / (tf.math.reduce_std(scores, axis=0) + 1e-3)
    return OF_KERAS(y, tf.nn.softmax(scaled))


def assigned_evenly(scores, y):
    """Sinkhorn: rows and columns in turns, and what was assigned is the target."""
    shares = tf.exp(scores)
    for axis in (0, 1, 0, 1):
        shares /= tf.reduce_sum(shares, axis=axis, keepdims=True)
    del y
    wanted = tf.stop_gradient(shares)
    return -tf.reduce_mean(wanted * tf.nn.log_softmax(scores, axis=1))


def weighted_by_loss(scores, y):
    """Hard rows weigh more."""
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, scores)
    return tf.reduce_sum(tf.nn.softmax(losses) * losses)


def used_evenly(scores, y):
    """Each unit is for some of the rows, and the first of them is the number."""
    shares = tf.nn.softmax(scores, axis=0)
    spread = tf.reduce_sum(shares * tf.math.log(shares))
    return spread + tf.reduce_mean((scores[:, 0] - tf.cast(y, tf.float32)) ** 2)


HEALTHY = [used_evenly, ranked, both_ways, in_batch_negatives, batch_norm]
HEALTHY += [assigned_evenly, weighted_by_loss]


@pytest.mark.parametrize("how", ["graph", "eager"])
@pytest.mark.parametrize("loss_of", HEALTHY)
def test_losses_that_compare_rows_by_intent_are_fine(loss_of, how):
    assert found(loss_of, how) == []


@pytest.mark.parametrize("how", ["graph", "eager"])
def test_a_list_of_rows_is_no_batch_of_classes(how):
    assert found(ranked_in_a_column, how, units=1) == []
    square = found(lambda s, y: WAYS["softmax"](s, y, 0), how, rows=CLASSES)
    assert square == []  # each row against each, as far as shapes tell


def test_labels_of_each_column_may_rank_the_rows():
    wanted = RNG.random((32, CLASSES)).astype("float32")

    def loss_of(scores, y):
        del y
        return -tf.reduce_mean(tf.constant(wanted) * tf.nn.log_softmax(scores, axis=0))

    assert [it.severity for it in found(loss_of, "graph")] == ["warning"]
    assert found(loss_of, "eager") == []


def test_shares_and_labels_are_reported_by_their_sums():
    shares = np.exp(X) / np.exp(X).sum(axis=0)
    assert are_shares_of_rows(shares)
    assert are_shares_of_rows(np.log(shares))
    assert not are_shares_of_rows(shares.T)
    assert not are_shares_of_rows(X)
    square = np.exp(X[:4]) / np.exp(X[:4]).sum(axis=0)
    assert not are_shares_of_rows(square)
    assert not are_shares_of_rows(shares[:3] / shares[:3].sum(axis=0))
    assert are_taken_by_row(np.eye(4)[Y])
    assert not are_taken_by_row(np.eye(4)[Y].T)
    assert not are_taken_by_row(shares)
