"""Rows beside one another: which are the same, and which class comes when."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.rows import (
    SORTED,
    class_of_rows,
    class_order,
    nonfinite_values,
    repeats,
    share_of_unknown,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 12)).astype("float32")
WORDS = np.array(
    [["good", "bad", "so", "la"][it] * 3 for it in RNG.integers(0, 4, 400)]
)


def counts(found):
    return (found.found, found.of, found.again, found.again_of)


def test_rows_that_are_trained_on_are_found_whatever_their_type():
    held_out = np.concatenate([X[:30], RNG.normal(size=(70, 12))]).astype("float64")
    assert counts(repeats([held_out], [X])) == (30, 100, 0, 400)


def test_rows_of_several_arrays_are_the_same_if_all_are():
    ids = np.arange(400)
    both = [X[:50], ids[:50]]
    assert repeats(both, [X, ids]).found == 50
    assert repeats([X[:50], ids[50:100]], [X, ids]).found == 0


def test_images_and_missing_values_are_reported_by_what_is_in_them():
    images = RNG.normal(size=(60, 8, 8, 3))
    assert repeats([images[:20]], [images]).found == 20
    holes = X.copy()
    holes[:, 2] = np.nan
    assert repeats([holes[:20]], [holes]).found == 20


def test_rows_that_differ_where_few_numbers_are_looked_at_are_not_the_same():
    wide = np.zeros((40, 5000), "float32")
    wide[:, 3] = np.arange(40)
    other = wide.copy()
    other[:, 3] += 100
    assert repeats([other], [wide]).found == 0


def test_objects_are_rows_too():
    things = np.empty((60, 1), object)
    things[:, 0] = [[it, {"at": it}] for it in range(60)]
    assert repeats([things[:20]], [things]).found == 20


def test_how_often_rows_repeat_among_themselves_is_counted():
    twice = np.concatenate([X[:200], X[:200]])
    assert counts(repeats([X[:100]], [twice])) == (100, 100, 400, 400)


def of_two_classes(copies):
    """Rows of class 1, each there so often, among others; and a part of all."""
    rows = np.concatenate([X[:300], np.repeat(X[300:], copies, axis=0)])
    labels = np.repeat([0, 1], [300, len(rows) - 300])
    order = np.random.default_rng(1).permutation(len(rows))
    held_out, trained = np.split(order, [len(rows) // 4])
    return [rows[held_out]], [rows[trained]], labels[trained]


def test_rows_of_a_rare_class_that_were_copied_do_not_repeat_by_nature():
    held_out, trained, labels = of_two_classes(3)
    plain, labeled = repeats(held_out, trained), repeats(held_out, trained, [labels])
    assert plain.copied is None
    assert plain.again > plain.again_of / 4
    assert (labeled.copied, labeled.again) == (1, 0)
    assert (labeled.found, labeled.of) == (plain.found, plain.of)


def test_rows_that_repeat_by_nature_were_not_copied():
    uneven = np.repeat(np.arange(100), np.r_[np.full(95, 2), np.full(5, 60)])
    rows = np.concatenate([X[:300], X[300:][uneven]])
    of_rare = np.repeat([0, 1], [300, len(uneven)])
    both = np.concatenate([X[:200], X[:200]])
    for some, labels in ((rows, of_rare), (both, np.arange(400) % 2)):
        found = repeats([some[::5]], [some], [labels])
        assert found.copied is None
        assert found.again


@pytest.mark.parametrize(
    "rows",
    [
        RNG.integers(0, 2, (400, 6)),  # 64 are possible
        np.eye(5, dtype="float32")[RNG.integers(0, 5, 400)],
        RNG.integers(0, 9, (400, 1)).astype("float32"),
        WORDS[:, None],
        np.array([[a, b] for a in (0, 1) for b in (0, 1)] * 3, "float32"),
    ],
)
def test_where_few_rows_are_possible_repeats_tell_nothing(rows):
    assert repeats([rows[: len(rows) // 2]], [rows]) is None


def test_a_truth_table_is_no_leak_and_a_handful_of_rows_shows_nothing():
    table = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    assert repeats([table], [table]) is None
    assert repeats([X[:5]], [X]) is None


def test_rows_of_other_shapes_or_kinds_are_not_compared():
    assert repeats([X[:, :3]], [X]) is None
    assert repeats([WORDS], [X[:, 0]]) is None
    assert repeats([], []) is None


def test_the_worst_column_of_missing_values_is_reported():
    bad = X.copy()
    bad[3:7, 5], bad[0, 2] = np.nan, np.inf
    (found,) = nonfinite_values([bad], "inputs")
    assert (found.part, found.column, found.affected) == ("inputs", 5, 2)
    assert (found.rows, found.of, found.columns) == (4, 400, 12)
    assert nonfinite_values([X, WORDS, np.arange(4)], "inputs") == ()


def test_classes_are_reported_by_numbers_by_bits_and_by_columns():
    labels = RNG.integers(0, 3, 90)
    for given in (labels, labels[:, None], np.eye(3, dtype="float32")[labels]):
        assert np.array_equal(class_of_rows([given]), labels)
    assert class_of_rows([X[:, 0]]) is None
    assert class_of_rows([labels.reshape(30, 3)]) is None
    assert class_of_rows([labels, labels]) is None


def test_classes_that_no_training_row_has_are_counted():
    trained, held_out = np.repeat([0, 1, 2], 20), np.array([2, 3, 3, 3])
    assert share_of_unknown([held_out], [trained]) == 0.75
    assert share_of_unknown([X[:, 0]], [X[:, 0]]) == 0.0


# The order of classes

LABELS = np.repeat(np.arange(10), 60)


def test_sorted_rows_are_in_the_order_of_their_classes():
    order = class_order(LABELS, 32)
    assert order.order > 0.8
    assert order.classes == 10
    assert 1.0 <= order.together < 2.0


@pytest.mark.parametrize(
    ("share", "is_reported"), [(0.25, True), (0.5, True), (1, False)]
)
def test_a_shuffle_buffer_far_smaller_than_a_class_is_reported(share, is_reported):
    for seed in range(5):
        generator = np.random.default_rng(seed)
        buffer, come = [], []
        for label in np.repeat(np.arange(10), 64):
            buffer.append(label)
            if len(buffer) > share * 64:
                come.append(buffer.pop(generator.integers(len(buffer))))
        order = class_order(np.array(come), 32)
        assert (order.order > SORTED) == is_reported


@pytest.mark.parametrize("rows_per_step", [1, 4, 32, 128])
@pytest.mark.parametrize("share", [0.5, 0.02])
def test_shuffled_rows_are_in_no_order(rows_per_step, share):
    for seed in range(20):
        labels = np.random.default_rng(seed).random(600) < share
        order = class_order(labels.astype(int), rows_per_step)
        assert order is None or order.order < SORTED / 2


@pytest.mark.parametrize("rows_per_step", [1, 8, 32])
def test_a_shuffle_of_neighbors_only_leaves_them_in_order(rows_per_step):
    generator = np.random.default_rng(0)
    mixed = LABELS[np.argsort(np.arange(600) + generator.uniform(0, 16, 600))]
    assert class_order(mixed, rows_per_step).order > SORTED


def test_steps_that_have_all_classes_are_in_no_order():
    few = np.repeat([0, 1, 2], 20)
    assert class_order(few, 60) is None
    assert class_order(few[:30], 8) is None  # too few rows to tell
    assert class_order(np.tile([0, 1, 2], 200), 3).order == 0.0
    assert class_order(np.zeros(600, int), 32) is None
