"""Statistics of the data: columns, missing values, outliers with their place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pytest_lossguard.core.column_stats import (
    column_stats,
    rarest_rows,
    share_interval,
    target_range,
)


def test_columns_are_the_last_axis():
    stats = column_stats(np.ones((5, 4, 3)), "input")

    assert stats.mean.shape == (3,)
    assert stats.rows == 5


def test_an_outlier_is_found_with_row_and_column():
    x = np.random.default_rng(0).random((100, 10))
    x[17, 3] = 100.0

    outlier = column_stats(x, "input").outlier

    assert (outlier.row, outlier.column, outlier.value) == (17, 3, 100.0)
    assert outlier.distance > 100


def test_the_row_of_an_image_is_the_image():
    x = np.random.default_rng(0).random((20, 4, 4, 1))
    x[11, 2, 1, 0] = 1e4

    assert column_stats(x, "input").outlier.row == 11


def test_missing_values_are_counted_and_placed_and_left_out():
    x = np.random.default_rng(0).random((50, 3))
    x[4, 2], x[9, 0] = np.nan, np.inf

    stats = column_stats(x, "input")

    assert (stats.nonfinite, stats.first_nonfinite) == (2, (4, 2))
    assert np.isfinite(stats.mean).all()


def test_a_column_that_is_missing_altogether_breaks_nothing():
    x = np.full((20, 2), np.nan)

    assert column_stats(x, "input").nonfinite == 40


@pytest.mark.parametrize("array", [np.array(["a"]), np.empty((0, 3))])
def test_what_has_no_numbers_has_no_statistics(array):
    assert column_stats(array, "input") is None


def test_integers_are_indices():
    assert not column_stats(np.arange(10), "target").is_numeric


def test_the_callers_array_is_left_alone():
    x = np.array([[1.0, np.nan], [2.0, 3.0]])
    before = x.copy()

    column_stats(x, "input")

    np.testing.assert_array_equal(x, before)


@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=1, max_dims=3, max_side=12),
        elements=st.floats(-1e6, 1e6),
    )
)
def test_finite_data_gives_finite_statistics_within_its_range(array):
    stats = column_stats(array, "input")

    assert stats.nonfinite == 0
    for values in (stats.mean, stats.median):
        assert (values >= stats.low - 1e-6).all()
        assert (values <= stats.high + 1e-6).all()


def test_the_range_of_targets_is_reported_in_shares():
    signed = target_range(np.array([-2.0, -0.5, 0.0, 1.0, 3.0]))

    assert (signed.low, signed.high, signed.columns) == (-2.0, 3.0, 1)
    shares = signed.below_minus_one, signed.below_zero, signed.above_one
    assert shares == (0.2, 0.4, 0.2)


def test_rows_of_several_labels_do_not_add_up_to_one():
    table = np.array([[1.0, 0.0], [1.0, 1.0], [0.3, 0.7], [0.0, 0.0]], np.float32)

    assert target_range(table).rows_not_one == 0.5
    assert target_range(np.array([0, 1, 2])).rows_not_one == 0.0


def test_rounding_and_missing_values_are_no_range():
    found = target_range(np.array([1.0 + 1e-6, -1e-6, np.nan]))

    assert (found.below_zero, found.above_one) == (0.0, 0.0)
    assert target_range(np.array(["a"])) is None
    assert target_range(np.array([np.nan])) is None


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_share(count, of):
    count = min(count, of)
    low, high = share_interval(count, of)
    assert 0.0 <= low <= count / of + 1e-9
    assert count / of - 1e-9 <= high <= 1.0


@pytest.mark.parametrize(
    ("labels", "rows"),
    [
        ([0] * 30 + [1] * 2, [30, 31]),
        ([[0.0]] * 30 + [[1.0]] * 2, [30, 31]),
        ([[1, 0, 0]] * 20 + [[0, 1, 0]] * 20 + [[0, 0, 1]], [40]),
    ],
)
def test_rows_of_a_rare_class_are_found(labels, rows):
    assert np.flatnonzero(rarest_rows(np.asarray(labels))).tolist() == rows


@pytest.mark.parametrize(
    "labels",
    [[0] * 16 + [1] * 16, [0] * 30, [0.5, 1.5, 3.0], np.zeros((0,)), ["a", "b"]],
)
def test_no_class_is_rare(labels):
    assert rarest_rows(np.asarray(labels)) is None
