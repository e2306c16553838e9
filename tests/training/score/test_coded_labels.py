"""Labels of held-out rows that are coded otherwise than those of training rows."""

from __future__ import annotations

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.fitting import train_once

DRAW = np.random.default_rng(0)
CENTERS = 2 * DRAW.normal(size=(5, 6))
LABELS = DRAW.integers(0, 5, 500)
X = (CENTERS[LABELS] + DRAW.normal(size=(500, 6))).astype("float32")
NAMES = np.array([3, 0, 4, 1, 2])
TRAINED, HELD, Y = (X[:350], LABELS[:350]), X[350:], LABELS[350:]
WAYS = ("fit", "watch")
CODED = ["labels_coded_apart"]


def net(units=5, last="softmax", loss="sparse_categorical_crossentropy"):
    layers = [keras.Input((6,)), keras.layers.Dense(units, last)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.03), loss)
    return model


@cache
def trainer():
    return Trainer()


def findings(way, x, y, held_out, build=net, epochs=8, **how):
    how |= {"epochs": epochs, "validation_data": held_out}
    if way == "fit":
        return judge(train_once(trainer(), build, x, y, **how), Policy())
    with watching(seed=0) as watch:
        set_seed(0)
        build().fit(x, y, verbose=0, **how)
    (trace,) = watch.traces()
    return judge(trace, Policy())


def kinds_found(*given, **how):
    return [it.kind for it in findings(*given, **how)]


def is_reported(*given, **how):
    return "labels_coded_apart" in kinds_found(*given, **how)


@pytest.mark.parametrize("way", WAYS)
def test_class_ids_made_for_each_split_fail(way):
    (found,) = findings(way, *TRAINED, (HELD, NAMES[Y]))
    assert (found.kind, found.severity) == ("labels_coded_apart", "error")
    assert kinds_found(way, *TRAINED, (HELD, Y)) == []


@pytest.mark.parametrize("way", WAYS)
def test_one_hot_columns_in_another_order_fail(way):
    def build():
        return net(loss="categorical_crossentropy")

    eye = np.eye(5, dtype="float32")
    x, y = TRAINED
    assert kinds_found(way, x, eye[y], (HELD, eye[NAMES[Y]]), build) == CODED
    assert kinds_found(way, x, eye[y], (HELD, eye[Y]), build) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("last", ["sigmoid", None])
def test_two_classes_that_are_swapped_fail(way, last):
    def build():
        loss = keras.losses.BinaryCrossentropy(from_logits=last is None)
        return net(1, last, loss)

    y = (X[:, 0] + X[:, 1] > 0).astype("float32")
    both = X[:350], y[:350]
    assert kinds_found(way, *both, (HELD, 1 - y[350:]), build) == CODED
    assert kinds_found(way, *both, (HELD, y[350:]), build) == []


def test_ids_that_start_at_1_fail():
    def build():
        return net(6)

    assert kinds_found("watch", *TRAINED, (HELD, Y + 1), build) == CODED


def test_datasets_are_seen_too():
    trained, held = (
        tf.data.Dataset.from_tensor_slices(it).batch(25)
        for it in (TRAINED, (HELD, NAMES[Y]))
    )
    with watching(seed=0) as watch:
        set_seed(0)
        net().fit(trained, epochs=8, validation_data=held, verbose=0)
    assert [it.kind for it in judge(watch.traces()[0], Policy())] == CODED


def test_the_last_weights_count_and_not_those_that_a_callback_restores():
    stop = keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)
    model = net()
    with watching(seed=0) as watch:
        set_seed(0)
        model.fit(
            *TRAINED,
            epochs=40,
            validation_data=(HELD, NAMES[Y]),
            callbacks=[stop],
            verbose=0,
        )
    assert 4 < watch.traces()[0].validation.step[-1] / 11 < 40
    assert "labels_coded_apart" in [
        it.kind for it in judge(watch.traces()[0], Policy())
    ]


def test_weights_and_seeds_stay_what_they_were():
    def trained(held_out, *, watched):
        set_seed(0)
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.3)])
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Dense(5, "softmax"))
        model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
        how = {"epochs": 3, "validation_data": held_out, "verbose": 0}
        if not watched:
            model.fit(*TRAINED, **how)
            model.fit(*TRAINED, **how)
            return model.get_weights()
        with watching(seed=0):
            model.fit(*TRAINED, **how)
            model.fit(*TRAINED, **how)
        return model.get_weights()

    held = (HELD, NAMES[Y])
    for one, other in zip(
        trained(held, watched=True), trained(held, watched=False), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_rows_that_are_turned_as_well_are_a_warning():
    far = HELD + np.float32(30 * np.eye(6)[0])
    by_name = {it.kind: it for it in findings("watch", *TRAINED, (far, NAMES[Y]))}
    found = by_name.get("labels_coded_apart")
    assert found is None or found.severity == "warning"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "held_out",
    [
        (HELD, DRAW.permutation(Y)),
        (HELD[Y < 2], Y[Y < 2]),
        (HELD[np.argsort(Y)], np.sort(Y)),
        (HELD[:20], NAMES[Y[:20]]),
        (np.zeros_like(HELD), NAMES[Y]),
    ],
    ids=["noise", "two classes", "sorted", "few rows", "constant"],
)
def test_other_held_out_rows_are_not_reported_as_coded_apart(way, held_out):
    assert not is_reported(way, *TRAINED, held_out)


@pytest.mark.parametrize("way", WAYS)
def test_a_model_that_has_learned_nothing_is_not_reported(way):
    noise = DRAW.permutation(TRAINED[1])
    assert not is_reported(way, TRAINED[0], noise, (HELD, Y), epochs=20)
    assert not is_reported(way, X[:8], LABELS[:8], (HELD, Y), epochs=60)


def test_classes_that_were_left_out_of_the_training_are_not_reported():
    known = LABELS < 2
    assert not is_reported(
        "watch", X[known], LABELS[known], (X[~known], LABELS[~known])
    )


def test_numbers_and_several_labels_of_a_row_have_no_classes():
    x, held = X[:350], HELD

    def numbers():
        return net(1, None, "mse")

    def several():
        return net(3, "sigmoid", "binary_crossentropy")

    def positions():
        model = keras.Sequential([keras.Input((6,)), keras.layers.Reshape((6, 1))])
        model.add(keras.layers.Dense(3, "softmax"))
        model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
        return model

    assert not is_reported("watch", x, x[:, 0], (held, -held[:, 0]), numbers)
    many = (X[:, :3] > 0).astype("float32")
    assert not is_reported("watch", x, many[:350], (held, 1 - many[350:]), several)
    each = np.digitize(X, [-1, 1])
    assert not is_reported("watch", x, each[:350], (held, 2 - each[350:]), positions)


def test_each_of_several_seeds_is_compared():
    how = {"epochs": 8, "validation_data": (HELD, NAMES[Y])}
    traces = trainer().fit_seeds(net, *TRAINED, seeds=(0, 1, 2), **how)
    assert [it.held_out.agreement is not None for it in traces] == [True] * 3
