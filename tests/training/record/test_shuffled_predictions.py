"""Inputs predicted from shuffled data, beside labels from elsewhere."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training.watching.watch import watching

X = np.random.default_rng(0).random((32, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Rows(keras.utils.PyDataset):
    def __init__(self, shuffle):
        super().__init__()
        self.shuffle = shuffle

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X[16 * index : 16 * (index + 1)]


def rows(**shuffled):
    dataset = tf.data.Dataset.from_tensor_slices(X)
    return (dataset.shuffle(32, **shuffled) if shuffled else dataset).batch(16)


def head(features):
    inputs = keras.Input(features.shape[1:])
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    return model


def trained_on(given, of=lambda features: features, labels=lambda _: Y):
    """Whether a net was trained on what another predicted from shuffled rows."""
    base = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    with watching() as watch:
        features = of(base.predict(given, verbose=0))
        head(features).fit(features, labels(features), verbose=0)
    (trace,) = watch.traces()
    return trace.data_facts.shuffled_inputs


@pytest.mark.parametrize(
    "given",
    [
        lambda: rows(seed=0),
        lambda: rows(seed=0).map(lambda x: 2 * x).prefetch(1),
        lambda: Rows(shuffle=True),
    ],
    ids=["dataset", "made-of-one", "generator"],
)
def test_inputs_that_were_predicted_from_shuffled_rows_are_seen(given):
    assert trained_on(given())


@pytest.mark.parametrize(
    "given",
    [
        lambda: rows(),
        lambda: rows(seed=0, reshuffle_each_iteration=False),
        lambda: Rows(shuffle=False),
        lambda: X,
    ],
    ids=["in-order", "same-order-again", "generator", "array"],
)
def test_those_of_rows_in_one_order_are_not(given):
    assert not trained_on(given())


def test_a_view_of_them_is_known():
    assert trained_on(rows(seed=0), of=lambda it: it.reshape(32, 2, 2)[:, 0])


def test_labels_that_are_of_the_same_prediction_belong_to_it():
    assert not trained_on(rows(seed=0), labels=lambda it: it[:, :1])


def test_another_array_of_as_many_rows_is_not_taken_for_it():
    assert not trained_on(rows(seed=0), of=lambda it: np.zeros_like(it))
