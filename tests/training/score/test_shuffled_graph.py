"""Graphs whose rows `fit` shuffles, and square inputs that may be shuffled."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.steps import findings_of

LAYERS = keras.layers
DRAWN = np.random.default_rng(0)
NODES = 48
CLASSES = np.arange(NODES) % 3
FEATURES = DRAWN.normal(size=(NODES, 5)).astype("float32") + CLASSES[:, None]
LINKS = (CLASSES[:, None] == CLASSES).astype("float32") / (NODES / 3)


class Convolution(LAYERS.Layer):
    """Averages over the neighbors, then a dense layer."""

    def __init__(self, units, activation=None):
        super().__init__()
        self.dense = LAYERS.Dense(units, activation)

    def call(self, given):
        features, links = given
        return self.dense(tf.matmul(links, features))


def graph():
    features, links = keras.Input((5,)), keras.Input((NODES,))
    hidden = Convolution(8, "relu")([features, links])
    return keras.Model([features, links], Convolution(3)([hidden, links]))


def kernel():
    """Reads similarities to all training rows as features."""
    features, links = keras.Input((5,)), keras.Input((NODES,))
    both = LAYERS.Concatenate()([features, LAYERS.Dense(8, "relu")(links)])
    return keras.Model([features, links], LAYERS.Dense(3)(both))


def noisy():
    """Draws at each call, also where it predicts."""
    features, links = keras.Input((5,)), keras.Input((NODES,))
    drawn = LAYERS.Lambda(lambda it: it + tf.random.normal(tf.shape(it)))(features)
    both = LAYERS.Concatenate()([drawn, links])
    return keras.Model([features, links], LAYERS.Dense(3)(both))


def found(model, **how):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def body():
        model.compile("adam", loss)
        size = {"batch_size": NODES, **how}
        model.fit([FEATURES, LINKS], CLASSES, epochs=3, verbose=0, **size)

    return [it for it in findings_of(body) if it.kind == "graph_shuffled"]


def test_a_graph_that_is_shuffled_fails():
    (it,) = found(graph())

    assert (it.severity, it.where) == ("error", "input 1")
    assert "fit shuffles the 48 rows, but not the 48 columns of input 1" in it.message
    assert "batch_size=len(x), shuffle=False" in it.hint


@pytest.mark.parametrize(
    ("make", "how"),
    [
        (graph, {"shuffle": False}),
        (kernel, {"batch_size": 16}),
        (kernel, {}),
        (noisy, {}),
    ],
    ids=["in order", "kernel in batches", "kernel", "noisy"],
)
def test_what_may_be_shuffled_or_keeps_its_order_passes(make, how):
    assert not found(make(), **how)
