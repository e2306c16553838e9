"""Datasets that cache what was augmented at random, and those that may."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer
from tests.support.fitting import train_once
from tests.support.steps import findings_of

DRAWN = np.random.default_rng(0)
IMAGES = DRAWN.random((48, 6, 6, 1)).astype("float32")
TARGETS = IMAGES.mean((1, 2))
ROWS = tf.data.Dataset.from_tensor_slices((IMAGES, TARGETS))
FLIP = keras.layers.RandomFlip(seed=0)


def noisy(image, target):
    return image + tf.random.normal(tf.shape(image), stddev=0.1), target


def flipped(image, target):
    return tf.image.random_flip_left_right(image), target


def by_a_layer(image, target):
    return FLIP(image, training=True), target


def by_seed(pair, seed):
    image, target = pair
    return tf.image.stateless_random_flip_up_down(image, seed), target


def by_one_seed(image, target):
    return tf.image.stateless_random_brightness(image, 0.1, (1, 2)), target


def halved(image, target):
    return image / 2, target


def made(index):
    """A row that is nothing but random numbers."""
    image = tf.random.stateless_uniform((6, 6, 1), (index, 0))
    return image, tf.reduce_mean(image, (0, 1)) + tf.random.normal((1,), stddev=0.1)


SEEDS = tf.data.Dataset.random(seed=0, rerandomize_each_iteration=True).batch(2)
SEEDED = tf.data.Dataset.zip((ROWS, SEEDS)).map(by_seed)
CACHED = {
    "noise": ROWS.map(noisy).cache(),
    "flips": ROWS.map(flipped).map(halved).cache().shuffle(48),
    "a layer": ROWS.batch(16).map(by_a_layer).unbatch().cache(),
    "seeds": SEEDED.cache(),
    "before it, too": ROWS.cache().map(flipped).cache(),
}
FINE = {
    "after it": ROWS.map(halved).cache().map(flipped),
    "no cache": ROWS.map(noisy),
    "nothing random": ROWS.map(halved).cache(),
    "one seed for all": ROWS.map(by_one_seed).cache(),
    "random rows": tf.data.Dataset.range(48).map(made).cache(),
    "shuffled": ROWS.shuffle(48).cache(),
}


def model():
    layers = keras.layers
    found = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(1)]
    )
    found.compile(keras.optimizers.Adam(0.01), "mse")
    return found


def kinds(data, epochs=2):
    def body():
        model().fit(data.batch(16), epochs=epochs, verbose=0)

    return [it for it in findings_of(body) if it.kind == "augmentation_cached"]


@pytest.mark.parametrize("name", CACHED)
def test_random_numbers_that_a_cache_keeps_are_reported(name):
    (found,) = kinds(CACHED[name], epochs=3)

    assert found.severity == "warning"
    assert found.where.startswith("test_cached_draws.py:")
    assert "all 3 epochs get what the first one drew, limit 1 epoch" in found.message


@pytest.mark.parametrize("name", FINE)
def test_what_is_drawn_anew_or_is_all_there_is_passes(name):
    assert not kinds(FINE[name])


def test_one_epoch_draws_once_anyway():
    assert not kinds(CACHED["noise"], epochs=1)


@pytest.mark.parametrize(
    ("data", "count"), [(CACHED["flips"], 1), (FINE["after it"], 0)]
)
def test_lossguard_fit(data, count):
    trace = train_once(Trainer(), model, data.batch(16), epochs=2)
    found = [it.kind for it in judge(trace, Policy())]
    assert found.count("augmentation_cached") == count


def test_lossguard_fit_of_one_epoch():
    trace = train_once(Trainer(), model, CACHED["flips"].batch(16), epochs=1)
    assert trace.data_facts.cached_draws is None
