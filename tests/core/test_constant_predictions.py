"""Constant predictions worth trying."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.constant_predictions import (
    constant_candidates,
    perfect_candidates,
    uninformed_prediction,
)


def test_a_regression_has_mean_and_median():
    y = np.array([0.0] * 19 + [100.0])[:, None]

    found = constant_candidates(y, (1,))

    assert found["the mean"] == pytest.approx(5.0)
    assert found["the median"] == 0.0


def test_each_position_has_its_own_constant():
    y = np.random.default_rng(0).random((50, 4))

    np.testing.assert_allclose(constant_candidates(y, (4,))["the mean"], y.mean(axis=0))


def test_class_indices_give_frequencies():
    y = np.array([0] * 15 + [1] * 5)

    found = constant_candidates(y, (3,))

    np.testing.assert_allclose(found["the class frequencies"], [0.75, 0.25, 0.0])


def test_few_rows_bear_no_constant_per_position():
    y = np.arange(8.0).reshape(2, 4)

    np.testing.assert_allclose(constant_candidates(y, (4,))["the mean"], [3.5] * 4)


def test_three_labels_bear_no_constant_at_all():
    assert constant_candidates(np.arange(3.0), (1,)) == {}


def test_few_rows_of_many_positions_bear_one_number():
    y = np.arange(40.0).reshape(2, 20)

    mean = constant_candidates(y, (20,))["the mean"]

    np.testing.assert_allclose(mean, np.full(20, 19.5))


def test_an_output_of_probabilities_reaches_no_other_constant():
    y = np.eye(3)[np.arange(30) % 3]

    found = constant_candidates(y, (3,), probabilities=True)

    assert all(it.min() >= 0 and it.max() <= 1 for it in found.values())


@pytest.mark.parametrize(
    ("targets", "shape"),
    [
        (np.array(["a"] * 20), (1,)),
        (np.full((20, 1), np.nan), (1,)),
        (np.zeros((20, 3)), (5,)),
    ],
)
def test_targets_that_fit_no_output_have_none(targets, shape):
    assert constant_candidates(targets, shape) == {}


@pytest.mark.parametrize(
    "weights", [[1.0] * 15 + [3.0] * 5, [[1.0]] * 15 + [[3.0]] * 5]
)
def test_a_constant_counts_rows_by_their_weights(weights):
    labels = np.array([0] * 15 + [1] * 5)
    weights = np.array(weights)

    share = constant_candidates(labels, (2,), weights=weights)
    value = constant_candidates(labels[:, None], (1,), weights=weights)

    np.testing.assert_allclose(share["the class frequencies"], [0.5, 0.5])
    assert value["the mean"] == pytest.approx(0.5)
    heavier = constant_candidates(
        labels[:, None], (1,), weights=weights.ravel() * labels
    )
    assert heavier["the median"] == 1.0


def test_positions_that_do_not_count_are_left_out_of_a_constant():
    labels = np.array([[2, -1]] * 10)  # padded by -1

    found = constant_candidates(labels, (2, 3), weights=np.array([[1.0, 0.0]] * 10))

    np.testing.assert_allclose(found["the class frequencies"], [[0, 0, 1]] * 2)


def test_perfect_predictions_of_shares_are_these_their_log_odds_or_their_logs():
    y = np.array([[0.2, 0.8], [0.5, 0.5]])

    found = perfect_candidates(y, (2,), 0.0)

    np.testing.assert_array_equal(found["the targets"], y)
    np.testing.assert_allclose(found["the log-odds"][0], np.log([0.25, 4.0]))
    np.testing.assert_allclose(np.exp(found["the logs"]), y)
    assert list(perfect_candidates(y * 9, (2,), 0.0)) == ["the targets"]
    assert perfect_candidates(np.array([0, 1]), (3,), 0.0) == {}


def test_a_perfect_prediction_of_smoothed_labels_is_as_smooth():
    found = perfect_candidates(np.eye(4), (4,), 0.2).values()

    assert any(
        it[0].tolist() == pytest.approx([0.85, 0.05, 0.05, 0.05]) for it in found
    )
    assert any(it[0].tolist() == pytest.approx([0.9, 0.1, 0.1, 0.1]) for it in found)


@pytest.mark.parametrize(
    ("targets", "shape", "expected"),
    [
        (np.array([0.0] * 99 + [1.0]), (1,), [0.5]),
        (np.array([0, 0, 0, 2]), (3,), [1 / 3] * 3),
        (np.array([[0.0, 10.0], [1.0, 30.0]]), (2,), [0.5, 20.0]),
        (np.array([-1.0, 1.0, 1.0]), (1,), [0.0]),
    ],
)
def test_who_knows_nothing_predicts_the_middle_of_what_there_can_be(
    targets, shape, expected
):
    np.testing.assert_allclose(uninformed_prediction(targets, shape), expected)


def test_targets_that_fit_no_such_output_have_no_middle():
    assert uninformed_prediction(np.array(["a", "b"]), (1,)) is None
    assert uninformed_prediction(np.zeros((4, 3)), (2,)) is None
    assert uninformed_prediction(np.array([np.nan, 1.0]), (1,)) is None
