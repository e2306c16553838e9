"""Weights of classes as fit is given them, and layers that mask the token 0."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pytest_lossguard import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training.loop.loop_trainer import LoopTrainer
from pytest_lossguard.training.watching.watch import watching

ROWS = np.array([20, 60, 300, 100])
Y = np.random.default_rng(0).permutation(np.repeat(np.arange(4), ROWS))
X = np.random.default_rng(1).normal(size=(len(Y), 4)).astype("float32")
BALANCED = len(Y) / (4 * ROWS)
RIGHT, WRONG = dict(enumerate(BALANCED)), dict(enumerate(np.sort(BALANCED)))


def classifier(loss="sparse_categorical_crossentropy"):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(4, "softmax")])
    model.compile("adam", loss)
    return model


def kinds_of(train, kind):
    with watching(seed=0) as watch:
        train()
    found = judge(watch.traces()[0], Policy())
    return [it.severity for it in found if it.kind == kind]


def weights_found(*data, loss="sparse_categorical_crossentropy", **how):
    def train():
        classifier(loss).fit(*data, epochs=2, verbose=0, **how)

    return kinds_of(train, "class_weight_mismatch")


@pytest.mark.parametrize(("given", "found"), [(RIGHT, []), (WRONG, ["error"])])
def test_class_weights_of_arrays_and_datasets(given, found):
    assert weights_found(X, Y, class_weight=given) == found
    one_hot, loss = np.eye(4)[Y], "categorical_crossentropy"
    assert weights_found(X, one_hot, class_weight=given, loss=loss) == found
    of_row = np.vectorize(given.get)(Y)
    assert weights_found(X, Y, sample_weight=of_row) == found
    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(32)
    assert weights_found(batches, class_weight=given) == found
    split = {"validation_split": 0.1, "class_weight": given}
    assert weights_found(X, Y, **split) == found


def test_keys_that_name_no_class():
    names = dict(zip("abcd", BALANCED, strict=True))
    assert weights_found(X, Y, class_weight=names) == ["error"]
    from_1_on = dict(enumerate(BALANCED, start=1))
    assert weights_found(X, Y, class_weight=from_1_on) == ["error"]


def test_weights_of_rows_given_to_lossguard_fit():
    of_row = np.vectorize(WRONG.get)(Y).astype("float32")
    (trace,) = LoopTrainer().fit_seeds(
        classifier, X, Y, sample_weight=of_row, seeds=[0], epochs=1
    )
    assert trace.data_facts.class_weights.weights == pytest.approx(np.sort(BALANCED))


def reads(first):
    """Reads of the bases, numbered from ``first``, padded behind, and their labels."""
    draw = np.random.default_rng(0)
    ids = np.zeros((64, 30), "int32")
    for row in ids:
        length = draw.integers(15, 31)
        row[:length] = draw.integers(0, 4, length) + first
    return ids, (ids == 2).sum(axis=1) > 6


def mean_of(start, shift=0, *, masks=True):
    found = layers.Embedding(5, 4, mask_zero=masks)(start + shift if shift else start)
    return layers.GlobalAveragePooling1D()(found)


def plain(ids):
    return keras.Sequential(
        [
            layers.Embedding(5, 4, mask_zero=True),
            layers.GRU(4),
            layers.Dense(1, "sigmoid"),
        ]
    ), ids


def functional(ids, **how):
    start = keras.Input((30,), dtype="int32")
    end = layers.Dense(1, "sigmoid")(mean_of(start, **how))
    return keras.Model(start, end), ids


def by_name(ids):
    table, bases = keras.Input((2,), name="a"), keras.Input((30,), name="b")
    both = layers.Concatenate()([table, mean_of(bases)])
    model = keras.Model([table, bases], layers.Dense(1, "sigmoid")(both))
    return model, {"b": ids, "a": np.ones((len(ids), 2), "float32")}


def flat(ids):
    """No layer takes the mask."""
    start = keras.Input((30,), dtype="int32")
    found = layers.Flatten()(layers.Embedding(5, 4, mask_zero=True)(start))
    return keras.Model(start, layers.Dense(1, "sigmoid")(found)), ids


def tokens_found(build, first, *, as_dataset=False):
    ids, y = reads(first)
    model, x = build(ids)
    model.compile("adam", "binary_crossentropy")
    data = (x, y)
    if as_dataset:
        data = (tf.data.Dataset.from_tensor_slices((x, y)).batch(16),)
    return kinds_of(lambda: model.fit(*data, epochs=1, verbose=0), "tokens_masked")


@pytest.mark.parametrize("build", [plain, functional, by_name])
def test_a_token_of_the_id_of_padding(build):
    assert tokens_found(build, 0) == ["warning"]
    assert tokens_found(build, 1) == []
    assert tokens_found(build, 0, as_dataset=True) == ["warning"]


@pytest.mark.parametrize(
    "build",
    [
        lambda ids: functional(ids, shift=1),
        lambda ids: functional(ids, masks=False),
        flat,
    ],
    ids=["ids are moved inside the model", "no mask", "no layer takes the mask"],
)
@pytest.mark.filterwarnings("ignore:Layer 'flatten.* does not support masking")
def test_zeros_that_are_not_masked(build):
    assert tokens_found(build, 0) == []
