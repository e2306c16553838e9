"""Targets among the inputs: what is one, and what only looks like one."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.leaks import target_among_inputs

DRAW = np.random.default_rng(0)
TABLE = DRAW.normal(size=(200, 5)).astype("float32")
SERIES = DRAW.normal(size=(200, 8, 3)).astype("float32")
TOKENS = DRAW.integers(0, 40, size=(200, 9))
LABELS = np.eye(10)[DRAW.integers(0, 10, 200)]


def with_column(column):
    return np.concatenate([TABLE, np.reshape(column, (200, -1))], axis=1)


@pytest.mark.parametrize(
    ("x", "y", "where"),
    [
        (TABLE, TABLE[:, 3], "input column 3"),
        (TABLE, TABLE[:, 3:4].astype("float64"), "input column 3"),
        (SERIES[..., :1], SERIES[:, 0, 0], "input time step 0, column 0"),
        (SERIES, SERIES[:, 0], "input time step 0, column 0"),
        (with_column(LABELS), LABELS, "input column 5"),
    ],
    ids=["column", "another precision", "univariate", "windows", "one-hot"],
)
def test_a_target_that_stands_in_a_column_or_time_step_is_found(x, y, where):
    found = target_among_inputs([x], [y])
    assert found is not None
    assert (found.where, found.rows) == (where, 200)


@pytest.mark.parametrize("draw", range(10))
@pytest.mark.parametrize("related", [False, True])
def test_whether_another_column_predicts_the_target_too(related, draw):
    x = np.random.default_rng(draw).normal(size=(512, 30))
    if related:
        x[:, 4] = np.exp(x[:, 3] + 2 * x[:, 4])
    found = target_among_inputs([x], [x[:, 3]])
    assert found is not None
    assert found.is_all != related


def test_a_second_copy_of_the_target_shows_nothing_more():
    x = with_column(2 * TABLE[:, 3])
    found = target_among_inputs([x], [TABLE[:, 3]])
    assert found is not None
    assert found.is_all


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("hole", [np.nan, np.inf, 1e300])
def test_numbers_that_no_label_can_be_are_compared_without_a_warning(hole):
    x, labels = TABLE.astype("float64"), DRAW.integers(0, 3, 200)
    x[::3] = hole
    assert target_among_inputs([x], [labels]) is None
    assert target_among_inputs([x], [x[:, 0]]) is None


def test_a_label_is_no_number_that_is_cut_off():
    labels = DRAW.integers(0, 40, 200)
    assert target_among_inputs([with_column(labels + 0.5)], [labels]) is None


def test_of_several_inputs_and_targets_the_one_is_named():
    found = target_among_inputs([SERIES, TABLE], [LABELS, TABLE[:, 1]])
    assert found is not None
    assert (found.target, found.where) == ("target 1", "input 1, column 1")


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([TABLE], TABLE),
        ([TABLE], TABLE[:, ::-1]),
        ([TABLE], TABLE[:, 0] + 1e-3),
        ([TABLE[:, :1]], TABLE[:, 0]),
        ([TOKENS[:, :-1]], TOKENS[:, 1:]),
        ([TOKENS], np.pad(TOKENS[:, 1:], [(0, 0), (0, 1)])),
        ([SERIES], SERIES[:, 1:, 0]),
        ([TABLE, LABELS], LABELS),
        ([TABLE], np.ones(200)),
        ([with_column(np.arange(200) == 7)], np.arange(200) == 7),
        ([TABLE[:20]], TABLE[:20, 0]),
        ([np.full((200, 3), "a")], TABLE[:, 0]),
    ],
    ids=[
        "autoencoder",
        "autoencoder turned round",
        "almost equal",
        "one column",
        "next token",
        "next token padded",
        "most of a series",
        "labels as an input",
        "constant",
        "one row of a kind",
        "few rows",
        "text",
    ],
)
def test_what_looks_like_one_is_none(x, y):
    assert target_among_inputs(x, [y]) is None
