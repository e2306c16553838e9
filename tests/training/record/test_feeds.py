"""Trainings that see the same rows at every step, or never reach some."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching

X = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
Y = X @ np.float32([[1], [-1], [0.5], [2]])
ROWS = tf.data.Dataset.from_tensor_slices((X, Y))
BATCHES = ROWS.batch(16)


def net():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model


def found(train):
    with watching(seed=0) as watch:
        set_seed(0)
        train()
    (trace,) = watch.traces()
    kept = [it for it in judge(trace, Policy()) if it.kind == "repeated_batch"]
    return [(it.severity, it.value, it.limit) for it in kept]


def same(x, y):
    while True:
        yield x[:16], y[:16]


def in_turn(x, y):
    while True:
        for start in range(0, len(x), 16):
            yield x[start : start + 16], y[start : start + 16]


def once(x, y):
    for start in range(0, len(x), 16):
        yield x[start : start + 16], y[start : start + 16]


class Feed(keras.utils.PyDataset):
    def __init__(self, moves):
        super().__init__()
        self.x, self.y, self.moves = X, Y, moves

    def __len__(self):
        return 6

    def __getitem__(self, index):
        start = 16 * index * self.moves
        return self.x[start : start + 16], self.y[start : start + 16]


def fit(feed, **how):
    return lambda: net().fit(feed, verbose=0, **{"epochs": 2, **how})


@pytest.mark.parametrize(
    ("broken", "fixed"),
    [
        (
            lambda: fit(same(X, Y), steps_per_epoch=6),
            lambda: fit(in_turn(X, Y), steps_per_epoch=6),
        ),
        (lambda: fit(Feed(moves=0)), lambda: fit(Feed(moves=1))),
    ],
    ids=["generator", "PyDataset"],
)
def test_a_feed_that_yields_the_same_of_its_rows_is_an_error(broken, fixed):
    assert found(broken()) == [("error", 16, 96)]
    assert found(fixed()) == []


class Pair:
    def __init__(self, moves):
        self.arrays, self.moves = (X, Y), moves

    def __iter__(self):
        arrays, start = self.arrays, 0
        while True:
            yield tuple(it[start : start + 16] for it in arrays)
            start = (start + 16 * self.moves) % 96


def read_anew(moves):
    """As from a file: the generator holds no array."""
    start = 0
    while True:
        yield read(start, 16), read(start, 16)[:, :1]
        start += 16 * moves


def read(start, rows):
    return np.random.default_rng(start).normal(size=(rows, 4)).astype("float32")


def test_arrays_are_found_in_a_tuple_that_a_generator_holds():
    def given(moves):
        return fit(iter(Pair(moves)), steps_per_epoch=6)

    assert found(given(0)) == [("error", 16, 96)]
    assert found(given(1)) == []


def test_a_batch_that_comes_again_from_who_knows_where_is_a_warning():
    def given(moves):
        return fit(read_anew(moves), steps_per_epoch=6)

    assert found(given(0)) == [("warning", 16, None)]
    assert found(given(1)) == []
    ones = np.ones((16, 4), "float32"), np.ones((16, 1), "float32")
    assert found(fit((it for it in [ones] * 12), steps_per_epoch=6)) == []


def test_calls_of_fit_that_each_take_the_first_batches_are_a_warning():
    def calls(feed, **how):
        def train():
            model = net()
            for _ in range(4):
                model.fit(feed, verbose=0, epochs=1, **how)

        return train

    ((severity, value, _),) = found(calls(BATCHES, steps_per_epoch=2))
    assert (severity, value) == ("warning", pytest.approx(2 / 3))
    assert found(calls(BATCHES)) == []
    assert found(calls(ROWS.shuffle(96).batch(16), steps_per_epoch=2)) == []
    assert found(calls(in_turn(X, Y), steps_per_epoch=2)) == []


def loop(batches, wrap=lambda it: it):
    model, optimizer = net(), keras.optimizers.Adam(0.02)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.MeanSquaredError()

    @wrap
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        slopes = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(slopes, model.trainable_variables)

    for x, y in batches:
        step(x, y)


def anew(dataset):
    return (next(iter(dataset)) for _ in range(8))


@pytest.mark.parametrize("wrap", [lambda it: it, tf.function], ids=["eager", "graph"])
def test_an_iterator_made_at_each_step_is_an_error(wrap):
    assert found(lambda: loop(anew(BATCHES), wrap)) == [("error", 16, 96)]
    assert found(lambda: loop(anew(BATCHES.repeat()), wrap)) == [("error", 16, 96)]
    assert found(lambda: loop(anew(BATCHES.shuffle(6)), wrap)) == []
    assert found(lambda: loop([*BATCHES, *BATCHES], wrap)) == []


def test_one_batch_by_intent_is_fine():
    """Learned by heart, or all that there is."""
    assert found(lambda: loop(anew(BATCHES.take(1)))) == []
    assert found(lambda: loop([*BATCHES.take(1)] * 8)) == []
    assert found(fit(BATCHES.take(1).repeat(), steps_per_epoch=6)) == []
    assert found(fit(same(X[:16], Y[:16]), steps_per_epoch=6)) == []
    assert found(fit(X, y=Y, batch_size=96)) == []


@pytest.mark.parametrize(
    ("train", "value"),
    [
        (lambda: fit(BATCHES, steps_per_epoch=2), 1 / 3),
        (lambda: fit(X, y=Y, batch_size=8, steps_per_epoch=3), 0.5),
        (lambda: fit(once(X, Y), epochs=3), 2),
    ],
    ids=["dataset", "arrays", "a generator that ended"],
)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_rows_that_are_never_reached_are_a_warning(train, value):
    ((severity, seen, limit),) = found(train())
    assert (severity, limit) == ("warning", 0)
    assert seen == pytest.approx(value)


def test_a_short_training_and_all_rows_in_several_epochs_are_fine():
    assert found(fit(BATCHES, steps_per_epoch=2, epochs=1)) == []
    assert found(fit(BATCHES, steps_per_epoch=2, epochs=3)) == []
    assert found(fit(BATCHES)) == []
    endless = ROWS.repeat().shuffle(96, seed=0).batch(16)
    assert found(fit(endless, steps_per_epoch=4)) == []
    stop = keras.callbacks.EarlyStopping("loss", patience=0, min_delta=1e9)
    assert found(fit(BATCHES, epochs=9, callbacks=[stop])) == []


def labels_found(zipped, **how):
    """Of two classes, by images and labels that are two datasets."""
    x = np.random.default_rng(0).normal(size=(96, 8)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    parts = [tf.data.Dataset.from_tensor_slices(it) for it in (x, y)]
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss)
    with watching(seed=0) as watch:
        set_seed(0)
        model.fit(zipped(*parts).batch(16), epochs=8, verbose=0, **how)
    (trace,) = watch.traces()
    kept = judge(trace, Policy())
    return [it.severity for it in kept if it.kind == "labels_carry_no_signal"]


def test_inputs_and_labels_that_are_shuffled_apart_are_an_error():
    def together(x, y):
        return tf.data.Dataset.zip((x, y)).shuffle(96)

    def apart(x, y):
        return tf.data.Dataset.zip((x.shuffle(96), y.shuffle(96)))

    assert labels_found(apart) == ["error"]
    assert labels_found(together) == []


@pytest.mark.parametrize("apart", [True, False])
def test_masks_that_are_flipped_without_their_images_are_seen(apart):
    images = np.random.default_rng(1).random((16, 4, 4, 1)).astype("float32")
    masks = np.round(images)

    def train():
        model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 1)])
        model.compile("sgd", "mse")
        for step in range(2):
            flipped = masks[:, :, ::-1] if apart and step else masks
            model.train_on_batch(images, flipped)

    with watching(seed=0) as watch:
        train()
    (trace,) = watch.traces()
    turned = trace.data_facts.turned_targets
    assert (turned.rows, turned.turned) == (16, 16 * apart)
