"""Corrupting a `tf.data` dataset, in rows or in batches."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
import tensorflow as tf

from pytest_lossguard import UsageError
from pytest_lossguard.corruptions import (
    Corruption,
    Dtype,
    DuplicateRows,
    FewRows,
    FlippedLabels,
    Scale,
    SortedRows,
    TargetScale,
)

Dataset = tf.data.Dataset
X = np.arange(30, dtype=np.float32).reshape(10, 3)
Y = np.linspace(3.0, 4.0, 10, dtype=np.float32)
WEIGHT = np.arange(10, dtype=np.float32) / 10


def batches(dataset):
    return list(dataset.as_numpy_iterator())


def gathered(dataset, part=0):
    return np.concatenate([it[part] for it in dataset.as_numpy_iterator()])


def test_batches_stay_batches():
    scaled = Scale(10.0, features=1)(Dataset.from_tensor_slices((X, Y)).batch(4))

    assert [len(x) for x, _ in batches(scaled)] == [4, 4, 2]
    np.testing.assert_array_equal(gathered(scaled), X * [1, 10, 1])
    np.testing.assert_array_equal(gathered(scaled, 1), Y)


@pytest.mark.parametrize("fixed", [True, False])
def test_the_structure_stays_as_it_was(fixed):
    dataset = Dataset.from_tensor_slices((X[:8], Y[:8])).batch(4, drop_remainder=fixed)

    assert Scale(10.0)(dataset).element_spec == dataset.element_spec


def test_fewer_rows_than_a_fixed_batch_are_not_dropped():
    dataset = Dataset.from_tensor_slices((X, Y)).batch(4, drop_remainder=True)

    assert gathered(FewRows(5)(dataset)).shape == (5, 3)


def test_rows_stay_rows():
    scaled = Scale(10.0)(Dataset.from_tensor_slices((X, Y)))

    assert [x.shape for x, _ in batches(scaled)] == [(3,)] * 10
    np.testing.assert_array_equal(np.stack([x for x, _ in batches(scaled)]), X * 10)


@pytest.mark.parametrize(
    "arrays",
    [
        X,
        (X, X),
        (X, np.eye(3, dtype=np.float32)[np.arange(10) % 3]),
        np.ones((10, 4, 4, 1), np.float32),
        (np.ones((10, 1), np.float32), np.ones((10, 1), np.float32)),
    ],
    ids=["x", "autoencoder", "one-hot", "images", "ones"],
)
def test_rows_of_equal_lengths_are_no_batches(arrays):
    dataset = Dataset.from_tensor_slices(arrays)

    scaled = Scale(10.0, features=0)(dataset)

    assert scaled.element_spec == dataset.element_spec
    assert len(batches(scaled)) == 10
    row = batches(scaled)[5]
    before = batches(dataset)[5]
    row, before = (row[0], before[0]) if isinstance(arrays, tuple) else (row, before)
    np.testing.assert_array_equal(row[..., 0], before[..., 0] * 10)
    np.testing.assert_array_equal(row[..., 1:], before[..., 1:])


def test_a_row_that_is_an_image_is_one_row():
    images = np.ones((10, 4, 4, 1), np.float32)

    assert len(batches(FewRows(3)(Dataset.from_tensor_slices(images)))) == 3


def test_the_last_step_says_whether_there_are_batches():
    rows = Dataset.from_tensor_slices((X, X))

    unmade = Scale(10.0, features=1)(rows.batch(5).unbatch().take(10))
    made = Scale(10.0)(rows.batch(5, drop_remainder=True).map(lambda a, b: (a, b)))

    np.testing.assert_array_equal(batches(unmade)[0][0], X[0] * [1, 10, 1])
    assert batches(made.prefetch(1).cache())[0][0].shape == (5, 3)


def test_inputs_alone_are_corrupted_alone():
    scaled = Scale(10.0)(Dataset.from_tensor_slices(X).batch(4))

    np.testing.assert_array_equal(np.concatenate(batches(scaled)), X * 10)


def test_targets_are_needed_by_a_target_family():
    with pytest.raises(UsageError, match="acts on the targets and got none"):
        TargetScale(10.0)(Dataset.from_tensor_slices(X).batch(4))


def test_targets_are_scaled():
    scaled = TargetScale(10.0)(Dataset.from_tensor_slices((X, Y)).batch(4))

    np.testing.assert_array_equal(gathered(scaled, 1), Y * 10)


def test_sample_weights_are_left():
    scaled = Scale(10.0)(Dataset.from_tensor_slices((X, Y, WEIGHT)).batch(4))

    np.testing.assert_array_equal(gathered(scaled, 2), WEIGHT)


@pytest.mark.parametrize(
    "family", [FewRows(4), DuplicateRows(0.5), SortedRows(0)], ids=repr
)
def test_sample_weights_go_with_their_rows(family):
    order = np.array([5, 3, 9, 1, 0, 2, 8, 7, 6, 4])

    after = family(
        Dataset.from_tensor_slices((X, Y, WEIGHT)).shuffle(10, seed=1).batch(4)
    )

    places = (gathered(after)[:, 0] / 3).astype(int)
    assert len(places) in (4, len(order))
    np.testing.assert_array_equal(gathered(after, 2), WEIGHT[places])
    np.testing.assert_array_equal(gathered(after, 1), Y[places])


def test_nested_inputs_keep_their_structure():
    dataset = Dataset.from_tensor_slices(({"a": X, "b": (X, Y)}, Y)).batch(4)

    scaled = Scale(10.0, features=3)(dataset)

    assert scaled.element_spec == dataset.element_spec
    x, _ = batches(scaled)[0]
    np.testing.assert_array_equal(x["b"][0], X[:4] * [10, 1, 1])
    np.testing.assert_array_equal(x["a"], X[:4])


def test_a_namedtuple_stays_one():
    Pair = namedtuple("Pair", ["left", "right"])

    scaled = Scale(10.0)(Dataset.from_tensor_slices((Pair(X, X), Y)).batch(4))

    assert batches(scaled)[0][0].right[0, 1] == 10.0


def test_labels_of_text_are_flipped():
    labels = np.array([b"cat", b"horse"] * 5)

    flipped = FlippedLabels(0.2)(Dataset.from_tensor_slices((X, labels)).batch(4))

    assert (gathered(flipped, 1) != labels).sum() == 2


def test_rows_of_text_beside_numbers_are_left():
    text = np.array([b"a", b"longer"] * 5)

    scaled = Scale(10.0)(Dataset.from_tensor_slices(({"n": X, "t": text}, Y)))

    assert [x["t"] for x, _ in batches(scaled)] == text.tolist()


def test_inputs_get_another_type():
    stored = Dtype("float16")(Dataset.from_tensor_slices((X, Y)).batch(4))

    assert [it.dtype for it in stored.element_spec] == [tf.float16, tf.float32]


@pytest.mark.parametrize("batch", [None, 4])
def test_an_unknown_number_of_rows_is_counted(batch):
    def rows():
        if batch is None:
            yield from zip(X, Y, strict=True)
        else:
            yield from ((X[it : it + 4], Y[it : it + 4]) for it in range(0, 10, 4))

    outer = () if batch is None else (None,)
    dataset = Dataset.from_generator(
        rows,
        output_signature=(
            tf.TensorSpec((*outer, 3), tf.float32),
            tf.TensorSpec(outer, tf.float32),
        ),
    )
    assert int(dataset.cardinality()) == -2

    scaled = Scale(10.0, features=2)(dataset)

    shape = (3,) if batch is None else (4, 3)
    assert batches(scaled)[0][0].shape == shape
    np.testing.assert_array_equal(
        np.concatenate([x.reshape(-1, 3) for x, _ in batches(scaled)]), X * [1, 1, 10]
    )


@pytest.mark.parametrize(
    ("elements", "batched"),
    [
        ([(X[:5], Y[:5]), (X[5:], Y[5:])], True),
        (list(zip(X, X, strict=True)), False),
    ],
    ids=["batches", "rows"],
)
def test_where_no_step_says_it_vectors_are_rows(elements, batched):
    dataset = Dataset.from_generator(
        lambda: iter(elements),
        output_signature=tuple(
            tf.TensorSpec(it.shape, tf.float32) for it in elements[0]
        ),
    )

    scaled = Scale(10.0, features=1)(dataset)

    first, _ = batches(scaled)[0]
    np.testing.assert_array_equal(first, (X[:5] if batched else X[0]) * [1, 10, 1])


def test_filtered_rows_are_counted():
    dataset = Dataset.from_tensor_slices((X, Y)).filter(lambda x, _: x[0] > 10.0)

    assert len(batches(Scale(10.0)(dataset.batch(2)))[0][0]) == 2


def test_no_targets_within_a_pair_stay_none():
    dataset = Dataset.from_tensors((X, None))

    assert Scale(10.0)(dataset).element_spec[1] == dataset.element_spec[1]


def test_a_dataset_is_corrupted_the_same_each_time():
    dataset = Dataset.from_tensor_slices((X, Y)).batch(4)
    corruption = Corruption(FewRows(7), Scale(10.0, features=1))

    first, second = corruption(dataset), corruption(dataset)

    np.testing.assert_array_equal(gathered(first), gathered(second))
    np.testing.assert_array_equal(gathered(dataset), X)


def test_no_corruption_gives_the_dataset_back():
    dataset = Dataset.from_tensor_slices(X).repeat()

    assert Corruption()(dataset) is dataset


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (Dataset.from_tensor_slices(X).repeat(), r"corrupt it before \.repeat\(\)"),
        (Dataset.from_tensor_slices(X).repeat().batch(4), "without an end"),
        (Dataset.from_tensor_slices(X[:0]), "empty dataset: give one with rows"),
        (
            Dataset.from_tensor_slices(tf.ragged.constant([[1.0], [2.0, 3.0]])),
            "ragged or sparse tensors.*pad them",
        ),
        (
            Dataset.from_tensor_slices(tf.ragged.constant([[1.0], [2.0, 3.0]])).batch(
                2
            ),
            "ragged or sparse tensors.*pad them",
        ),
        (
            Dataset.from_tensor_slices(tf.sparse.from_dense(X)).batch(2),
            "ragged or sparse tensors.*make them dense",
        ),
        (
            Dataset.from_generator(
                lambda: iter([[1.0], [2.0, 3.0]]),
                output_signature=tf.TensorSpec([None], tf.float32),
            ).map(lambda x: (x, 1.0)),
            "elements of different shapes: pad them",
        ),
        (Dataset.from_tensor_slices(np.array([b"a", b"b"])), "needs numeric inputs"),
    ],
)
def test_what_cannot_be_corrupted_is_reported(dataset, says):
    with pytest.raises(UsageError, match=says):
        Scale(10.0)(dataset)


def test_targets_beside_a_dataset_are_reported():
    with pytest.raises(UsageError, match=r"call corruption\(dataset\)"):
        Scale(10.0)(Dataset.from_tensor_slices(X), Y)


def test_tensors_come_back_as_arrays():
    scaled = Scale(10.0)(tf.constant(X))

    assert isinstance(scaled, np.ndarray)
    np.testing.assert_array_equal(scaled, X * 10)


def test_a_ragged_tensor_is_reported():
    with pytest.raises(UsageError, match="ragged data"):
        Scale(10.0)(tf.ragged.constant([[1.0], [2.0, 3.0]]))
