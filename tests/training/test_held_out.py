"""Held-out rows and the order of classes are seen by `lossguard.fit` and by watch."""

from __future__ import annotations

from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from pytest_lossguard.training.backend.reread import rows_once_more
from tests.support.fitting import train_once

RNG = np.random.default_rng(0)
CENTERS = 2 * RNG.normal(size=(5, 6))
LABELS = np.tile(np.arange(5), 80)
X = (CENTERS[LABELS] + RNG.normal(size=(400, 6))).astype("float32")
SORTED = np.argsort(LABELS, kind="stable")
TRAINED, HELD = (X[:300], LABELS[:300]), (X[300:], LABELS[300:])
RAW = np.float32([1, 1, 200, 1, 1, 1]) * HELD[0] + np.float32([0, 0, 900, 0, 0, 0])
WAYS = ("fit", "watch")


def net():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "softmax")])
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
    return model


@cache
def trainer():
    return Trainer()


def trace_of(way, x, y=None, epochs=4, **how):
    if way == "fit":
        return train_once(trainer(), net, x, y, epochs=epochs, **how)
    with watching(seed=0) as watch:
        set_seed(0)
        net().fit(x, y, epochs=epochs, verbose=0, **how)
    (trace,) = watch.traces()
    return trace


def kinds_found(trace):
    return [it.kind for it in judge(trace, Policy())]


def with_a_hole(y_too=False):
    x, y = HELD[0].copy(), HELD[1]
    x[3, 2] = np.nan
    return x, y


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("held_out", "kinds"),
    [
        (HELD, []),
        (with_a_hole(), ["nonfinite_validation"]),
        (TRAINED, ["validation_rows_trained_on"]),
        ((TRAINED[0].round(2), TRAINED[1]), ["validation_rows_trained_on"]),
        ((RAW, HELD[1]), ["validation_differs"]),
        ((RAW[:8], HELD[1][:8]), ["overfitting"]),
    ],
    ids=["healthy", "missing", "trained on", "rounded", "unscaled", "tiny"],
)
def test_held_out_rows_are_seen_both_ways(way, held_out, kinds):
    assert kinds_found(trace_of(way, *TRAINED, validation_data=held_out)) == kinds


def test_rows_split_off_by_fit_are_seen():
    """`validation_split` takes the last rows, which of sorted ones are of one class."""
    x, y = X[SORTED], LABELS[SORTED]
    assert kinds_found(trace_of("watch", x, y, validation_split=0.2)) == [
        "validation_differs"
    ]
    both = np.concatenate([X, X]), np.concatenate([LABELS, LABELS])
    trace = trace_of("watch", *both, validation_split=0.25)
    assert kinds_found(trace) == ["validation_rows_trained_on"]
    assert kinds_found(trace_of("watch", X, LABELS, validation_split=0.25)) == []


@pytest.mark.parametrize("way", WAYS)
def test_near_rows_are_scored_beside_the_others(way):
    wrong = (LABELS + 1) % 5
    near, others = X[:40] + np.float32(0.001), X[300:340]
    scored = np.concatenate([near, others]), np.r_[LABELS[:40], wrong[300:340]]
    trace = trace_of(way, *TRAINED, validation_data=scored)

    found = trace.held_out.near
    assert set(found.near) <= set(range(40))
    assert set(found.others) == set(range(80)) - set(found.near)
    assert len(found.near) > 30
    assert len(found.loss_near) == len(found.loss_others) == 2
    assert max(found.loss_near) < 0.5 * min(found.loss_others)


def test_held_out_arrays_beside_a_dataset_are_seen():
    rows = tf.data.Dataset.from_tensor_slices(TRAINED).batch(32)
    trace = trace_of("watch", rows, validation_data=(RAW, HELD[1]))
    assert kinds_found(trace) == ["validation_differs"]


def test_a_held_out_dataset_is_read_no_more_often_than_keras_reads_it():
    read = []

    def batches():
        read.append(1)
        yield with_a_hole()

    kinds = {
        "x": tf.TensorSpec((None, 6), tf.float32),
        "y": tf.TensorSpec((None,), tf.int64),
    }
    rows = tf.data.Dataset.from_generator(
        batches, output_signature=tuple(kinds.values())
    )
    net().fit(*TRAINED, epochs=2, validation_data=rows, verbose=0)
    plain, read[:] = len(read), []
    trace = trace_of("watch", *TRAINED, epochs=2, validation_data=rows)
    assert len(read) == plain
    assert kinds_found(trace) == ["nonfinite_validation"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("held_out", "kinds"),
    [
        (HELD, []),
        (TRAINED, ["validation_rows_trained_on"]),
        ((RAW, HELD[1]), ["validation_differs"]),
    ],
    ids=["healthy", "trained on", "unscaled"],
)
def test_held_out_rows_of_datasets_are_seen_both_ways(way, held_out, kinds):
    """Made of arrays, and so the same whenever they are read."""
    trained, scored = (
        tf.data.Dataset.from_tensor_slices(it).map(lambda x, y: (1 * x, y)).batch(25)
        for it in (TRAINED, held_out)
    )
    assert (
        kinds_found(trace_of(way, trained, validation_data=scored.prefetch(1))) == kinds
    )


def test_rows_trained_on_are_found_among_some_of_the_trained_rows():
    x = RNG.normal(size=(4000, 6)).astype("float32")
    both = x, (x[:, 0] > 0).astype(int)
    trained = tf.data.Dataset.from_tensor_slices(both).shuffle(4000, seed=1).batch(32)
    scored = tf.data.Dataset.from_tensor_slices(both).batch(32)
    trace = trace_of("watch", trained, epochs=1, validation_data=scored)
    assert 0.1 < trace.held_out.repeats.among < 0.2
    assert kinds_found(trace) == ["validation_rows_trained_on"]


def noisy(rows):
    return rows.map(lambda x, y: (x + tf.random.normal(tf.shape(x)), y))


def called(rows):
    return rows.map(lambda x, y: (tf.numpy_function(np.abs, [x], tf.float32), y))


@pytest.mark.parametrize(
    ("change", "is_read"),
    [
        (lambda rows: rows, True),
        (lambda rows: rows.shuffle(9), False),
        (lambda rows: rows.cache(), False),
        (noisy, False),
        (called, False),
    ],
)
def test_only_datasets_that_stay_the_same_are_read_once_more(change, is_read):
    rows = change(tf.data.Dataset.from_tensor_slices(HELD).batch(25))
    assert (rows_once_more(rows) is not None) is is_read


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("as_dataset", [False, True])
def test_rows_in_the_order_of_their_classes_are_seen_both_ways(way, as_dataset):
    def trace(order, shuffle=False):
        x, y = X[order], LABELS[order]
        if as_dataset:
            rows = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
            return trace_of(way, rows, epochs=1)
        return trace_of(way, x, y, epochs=1, batch_size=16, shuffle=shuffle)

    assert "rows_in_class_order" in kinds_found(trace(SORTED))
    assert "rows_in_class_order" not in kinds_found(trace(np.arange(400)))
    if not as_dataset:
        assert "rows_in_class_order" not in kinds_found(trace(SORTED, shuffle=True))


def test_a_sorted_dataset_is_scored_on_rows_of_all_classes():
    many = np.repeat(np.arange(5), 600)
    x = (CENTERS[many] + RNG.normal(size=(3000, 6))).astype("float32")
    rows = tf.data.Dataset.from_tensor_slices((x, many)).batch(32)
    for way in WAYS:
        trace = trace_of(way, rows, epochs=1)
        assert trace.class_order.order > 0.9
        assert trace.constant_loss > 0.5  # of one class alone it would be 0


def test_shuffling_the_rows_of_a_sorted_dataset_repairs_it():
    rows = tf.data.Dataset.from_tensor_slices((X[SORTED], LABELS[SORTED])).batch(16)
    rerun = trainer().again(net, rows, epochs=1)
    as_it_is, shuffled = rerun(), rerun(Change(kind="shuffle_rows"))
    assert shuffled.after.loss < 0.7 * as_it_is.after.loss


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_single_batch_has_no_order():
    rows = tf.data.Dataset.from_tensor_slices((X[SORTED], LABELS[SORTED])).batch(400)
    for way in WAYS:
        assert trace_of(way, rows, epochs=1).class_order is None


def test_what_a_model_makes_in_turns_is_in_no_order():
    """A real batch and a made one, as a discriminator gets them."""
    turns = np.repeat(np.tile([0, 1], 10), 20)
    rows = tf.data.Dataset.from_tensor_slices((X, turns)).batch(20)
    for way in WAYS:
        assert "rows_in_class_order" not in kinds_found(trace_of(way, rows, epochs=1))


def test_held_out_rows_need_no_weights_though_training_has_some():
    rare = (np.arange(300) % 20 == 0).astype("float32")

    def build():
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, "sigmoid")])
        model.compile("adam", "binary_crossentropy")
        return model

    trace = train_once(
        trainer(),
        build,
        TRAINED[0],
        rare,
        sample_weight=1 + 9 * rare,
        validation_data=(HELD[0][:60], rare[:60]),
        epochs=2,
    )
    assert len(trace.validation.loss) == 2


@pytest.mark.parametrize(
    ("buffer", "severity"), [(1, "error"), (30, "error"), (400, None)]
)
def test_a_shuffle_buffer_far_smaller_than_a_class_is_an_error(buffer, severity):
    rows = tf.data.Dataset.from_tensor_slices((X[SORTED], LABELS[SORTED]))
    trace = trace_of("watch", rows.shuffle(buffer, seed=0).batch(16), epochs=1)
    kept = {it.kind: it.severity for it in judge(trace, Policy())}
    assert kept.get("rows_in_class_order") == severity
