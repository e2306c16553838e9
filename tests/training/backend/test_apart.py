"""Inputs and targets that come apart in a dataset, and look-alikes that do not."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard.training import set_seed, watching
from pytest_lossguard.training.backend.apart import come_apart
from pytest_lossguard.training.trainer import Trainer

Rows = tf.data.Dataset
draw, image = tf.random, tf.image

IMAGES = np.random.default_rng(0).random((16, 8, 8, 3)).astype("float32")
MASKS = np.round(IMAGES[..., :1])
X = np.random.default_rng(0).normal(size=(96, 4)).astype("float32")
Y = X @ np.float32([[1], [-1], [0.5], [2]])


class OwnStep(keras.Model):
    """A model whose step may take any two batches, such as two views."""

    def train_step(self, data):
        return {"loss": 0.0}


def segmenter():
    layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(1, 1)]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    return model


def net():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(autouse=True)
def _seeded():
    set_seed(3)


def moved(augment, rows=None, model=None):
    rows = Rows.from_tensor_slices((IMAGES, MASKS)) if rows is None else rows
    augmented = rows.shuffle(16).map(augment, num_parallel_calls=2)
    dataset = augmented.cache().repeat(2).batch(4).map(scaled).prefetch(1)
    return come_apart(dataset, model or segmenter())[0]


def scaled(x, y):
    return x / 2, y


# Apart


def flipped(x, y):
    return image.random_flip_left_right(x), image.random_flip_left_right(y)


def turned(x, y):
    k, other = (draw.uniform((), 0, 4, tf.int32) for _ in range(2))
    return image.rot90(x, k), image.rot90(y, other)


def cropped(x, y):
    return image.random_crop(x, (4, 4, 3)), image.random_crop(y, (4, 4, 1))


def only_the_mask(x, y):
    return image.random_brightness(x, 0.1), image.random_flip_up_down(y)


def by_python(x, y):
    if draw.uniform(()) > 0.5:
        x = tf.reverse(x, [1])
    if draw.uniform(()) > 0.5:
        y = tf.reverse(y, [1])
    return x, y


def other_seeds(x, y):
    x = image.random_flip_left_right(x, seed=1)
    return x, image.random_flip_left_right(y, seed=2)


def other_stateless_seeds(x, y):
    one, other = (draw.uniform((2,), 0, 99, tf.int32) for _ in range(2))
    x = image.stateless_random_flip_left_right(x, one)
    return x, image.stateless_random_flip_left_right(y, other)


def one_more_flip(x, y):
    x, y = by_one_number(x, y)
    return x, image.random_flip_up_down(y)


def sliced(x, y):
    a, b = (draw.uniform((), 0, 4, tf.int32) for _ in range(2))
    return x[a : a + 4, a : a + 4], y[b : b + 4, b : b + 4]


def in_calls(x, y):
    x = tf.function(image.random_flip_left_right)(x)
    return x, tf.function(lambda it: image.random_flip_left_right(it, seed=9))(y)


# Together


def together(x, y):
    both = image.random_flip_left_right(tf.concat([x, y], -1))
    return image.random_brightness(both[..., :3], 0.1), both[..., 3:]


def by_one_number(x, y):
    if draw.uniform(()) > 0.5:
        x, y = tf.reverse(x, [1]), tf.reverse(y, [1])
    return image.random_contrast(x, 0.9, 1.1), y


def same_box(x, y):
    at = draw.uniform((2,), 0, 4, tf.int32)
    box = tf.concat([at, [0]], 0)
    return tf.slice(x, box, (4, 4, 3)), tf.slice(y, box, (4, 4, 1))


def same_seed(x, y):
    x = image.random_flip_left_right(x, seed=1)
    return x, image.random_flip_left_right(y, seed=1)


def same_stateless_seed(x, y):
    seed = draw.uniform((2,), 0, 99, tf.int32)
    x = image.stateless_random_flip_left_right(x, seed)
    return x, image.stateless_random_flip_left_right(y, seed)


def only_the_image(x, y):
    return image.random_brightness(x, 0.1) + draw.normal((8, 8, 3)), y


def noise_on_both(x, y):
    return x + draw.normal((8, 8, 3)), y + 0.1 * draw.normal((8, 8, 1))


def two_views(x, y):
    return image.random_flip_left_right(x), image.random_flip_left_right(x)


def one_of_several_annotators(x, y):
    several = tf.stack([y, 1 - y])
    return image.random_flip_left_right(x), several[draw.uniform((), 0, 2, tf.int32)]


def one_of_several_channels(x, y):
    several = tf.concat([y, 1 - y], -1)
    k = draw.uniform((), 0, 2, tf.int32)
    return image.random_flip_left_right(x), several[..., k : k + 1]


def in_a_call(x, y):
    return tf.function(together)(x, y)


def in_python(x, y):
    x, y = tf.numpy_function(lambda a, b: (a, b), [x, y], [tf.float32, tf.float32])
    return tf.ensure_shape(x, (8, 8, 3)), tf.ensure_shape(y, (8, 8, 1))


flip_x, flip_y = (keras.layers.RandomFlip(seed=3) for _ in range(2))


def by_layers(x, y):
    return flip_x(x, training=True), flip_y(y, training=True)


APART = [
    *(flipped, turned, cropped, only_the_mask, by_python, other_seeds),
    *(other_stateless_seeds, one_more_flip, sliced, in_calls),
]
TOGETHER = [
    *(together, by_one_number, same_box, same_seed, same_stateless_seed),
    *(only_the_image, noise_on_both, two_views, one_of_several_annotators),
    *(one_of_several_channels, in_a_call, in_python, by_layers),
]


@pytest.mark.parametrize("augment", APART)
def test_masks_moved_by_numbers_of_their_own_are_found(augment):
    found = moved(augment)
    assert found is not None
    assert found.place.startswith("test_apart.py:")


@pytest.mark.parametrize("augment", TOGETHER)
def test_what_moves_together_or_does_not_move_is_not(augment):
    assert moved(augment) is None


def test_two_maps_before_a_zip_are_one_more_way_to_move_apart():
    x = Rows.from_tensor_slices(IMAGES).map(image.random_flip_left_right)
    mask_of = image.random_flip_left_right
    y = Rows.from_tensor_slices(MASKS).map(lambda it: mask_of(it, seed=8))
    found, zipped = come_apart(Rows.zip((x, y)).batch(4), segmenter())
    assert found is not None
    assert zipped is None


def test_a_batch_is_moved_like_an_image():
    batches = Rows.from_tensor_slices((IMAGES, MASKS)).batch(4)
    assert come_apart(batches.map(flipped), segmenter())[0] is not None
    assert come_apart(batches.map(same_seed), segmenter())[0] is None
    assert come_apart(batches.map(together), segmenter())[0] is None


def test_a_training_step_of_its_own_may_take_views_without_pairs():
    assert moved(flipped, model=OwnStep()) is None


def test_scalar_labels_and_sets_of_points_are_no_images():
    labels = Rows.from_tensor_slices((IMAGES, np.arange(16, dtype="float32")))
    noisy = labels.map(lambda x, y: (image.random_flip_up_down(x), y + draw.normal(())))
    assert come_apart(noisy.batch(4), net())[0] is None
    points = Rows.from_tensor_slices((IMAGES[..., 0], IMAGES[..., 0]))
    some = points.map(lambda x, y: (x, image.random_crop(y, (4, 8))))
    assert come_apart(some.batch(4), net())[0] is None


# Zip


def rows():
    return Rows.from_tensor_slices(X)


def targets():
    return Rows.from_tensor_slices(Y)


def kept(x):
    return tf.reduce_all(tf.math.is_finite(x))


def same(x):
    return x


def first(x, y):
    del y
    return x


def second(x, y):
    del x
    return y


def both_kept(x, y):
    return kept(x) & kept(y)


def files():
    """Files in a random order, as list_files gives them unless told otherwise."""
    return Rows.list_files(str(Path(__file__).with_name("*.py"))).map(
        lambda it: tf.cast(tf.strings.length(it), tf.float32)
    )


def shuffled_once():
    both = Rows.from_tensor_slices((X, Y)).shuffle(96)
    return both.map(first), both.map(second)


def shuffled_once_for_all():
    both = Rows.from_tensor_slices((X, Y)).shuffle(96, reshuffle_each_iteration=False)
    return both.map(first), both.map(second)


def filtered_once():
    both = Rows.from_tensor_slices((X, Y)).filter(both_kept)
    return both.map(first), both.map(second)


def zipped(pair, model=None):
    joined = Rows.zip(pair).cache().shuffle(96).repeat(2).batch(16).map(scaled)
    return come_apart(joined.prefetch(1), model or net())[1]


@pytest.mark.parametrize(
    ("make", "inputs", "of_targets", "shuffled"),
    [
        (lambda: (rows().map(same).ignore_errors(), targets()), "ignore_errors", "", 0),
        (lambda: (rows(), targets().filter(kept)), "", "filter", 0),
        (lambda: (Rows.range(99).unique(), targets().map(same)), "unique", "", 0),
        (lambda: (files(), targets()), "shuffle", "", 1),
        (lambda: (rows().shuffle(96), targets()), "shuffle", "", 1),
        (lambda: (rows(), targets().shuffle(96).batch(1).unbatch()), "", "shuffle", 1),
        (lambda: (rows().shuffle(96), targets().shuffle(96)), "shuffle", "shuffle", 1),
        (
            lambda: (rows().shuffle(96, seed=1), targets().shuffle(96, seed=2)),
            "shuffle",
            "shuffle",
            1,
        ),
        (shuffled_once, "shuffle", "shuffle", 1),
    ],
)
def test_rows_lost_or_shuffled_below_a_zip_are_found(
    make, inputs, of_targets, shuffled
):
    found = zipped(make())
    assert found is not None
    assert (*found.inputs, "")[0] == inputs
    assert (*found.targets, "")[0] == of_targets
    assert found.shuffled == shuffled


@pytest.mark.parametrize(
    "make",
    [
        lambda: (rows(), targets()),
        lambda: (rows().shuffle(96, seed=1), targets().shuffle(96, seed=1)),
        lambda: (rows().shuffle(1), targets()),
        shuffled_once_for_all,
        filtered_once,
        lambda: (rows().filter(kept), targets().filter(kept)),
        lambda: (rows().take(50), targets()),
        lambda: (rows(), rows().skip(1)),
        lambda: (rows().take_while(kept), targets()),
        lambda: (rows().shuffle(96), Rows.from_tensors(np.float32([1])).repeat()),
        lambda: (rows().ignore_errors(), Rows.from_tensor_slices(np.ones((96, 1)))),
        lambda: (rows().shuffle(96), targets().map(tf.zeros_like).map(lambda _: 0.0)),
        lambda: (Rows.random().map(lambda _: draw.normal((4,))), targets().shuffle(96)),
    ],
)
def test_what_is_still_paired_or_needs_no_pairs_is_not(make):
    assert zipped(make()) is None


def test_noise_beside_the_rows_may_have_any_order():
    noise = Rows.from_tensor_slices(X[::-1]).shuffle(96)
    pairs = Rows.zip(((rows(), noise), targets()))
    dataset = pairs.map(lambda x, y: (x[0] + x[1], y)).batch(16)
    assert come_apart(dataset, net())[1] is None


def test_inputs_and_targets_of_one_part_of_a_zip_stay_together():
    both = Rows.from_tensor_slices((X, Y)).shuffle(96).filter(both_kept)
    weighted = Rows.zip((both, Rows.from_tensor_slices(X[:, 0])))
    dataset = weighted.map(lambda it, weight: (*it, weight)).batch(16)
    assert come_apart(dataset, net()) == (None, None)


def test_domains_without_pairs_are_left_to_a_training_step_of_its_own():
    assert zipped((rows().shuffle(96), targets().shuffle(96)), OwnStep()) is None


@pytest.mark.parametrize(
    "given",
    [
        X,
        None,
        rows().batch(4),
        Rows.from_generator(lambda: iter([(X[0], Y[0])]), (tf.float32, tf.float32)),
        Rows.from_tensor_slices((X, Y))
        .batch(4)
        .concatenate(Rows.zip((rows(), rows()))),
        Rows.from_tensor_slices((X, Y))
        .window(4)
        .flat_map(lambda x, y: Rows.zip((x, y))),
        Rows.from_tensor_slices((tf.ragged.constant([[1], [2, 3]]), [1, 2])).batch(2),
        Rows.from_tensor_slices({"x": X}).map(lambda it: (it, it["x"])).batch(2),
    ],
)
def test_other_data_are_no_reason_to_fail(given):
    assert come_apart(given, net()) == (None, None)


# Both ways to train


def apart():
    return Rows.zip((rows().shuffle(96), targets())).batch(16)


def test_a_watched_training_says_so():
    with watching(seed=0) as watch:
        net().fit(apart(), epochs=1, verbose=0)
    (trace,) = watch.traces()
    assert trace.data_facts.zipped_apart.inputs == ("shuffle",)


def test_a_training_of_lossguard_fit_says_so():
    (trace,) = Trainer().fit_seeds(net, apart(), seeds=[0], epochs=1)
    assert trace.data_facts.zipped_apart.inputs == ("shuffle",)
