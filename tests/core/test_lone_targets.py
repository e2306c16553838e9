"""Targets that are 0 but for one of a row, and what only looks like that."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.lone_targets import share_of_lone_targets

RNG = np.random.default_rng(0)
ROWS = np.arange(64)
VALUES = RNG.standard_normal((64, 3)).astype("float32")
CHOSEN = RNG.integers(0, 3, 64)


def lone(values=VALUES, chosen=CHOSEN):
    y = np.zeros_like(values)
    y[ROWS, chosen] = values[ROWS, chosen]
    return y


def test_values_of_the_chosen_outputs_alone_are_seen():
    assert share_of_lone_targets([lone()]) == 1.0


def test_some_rows_may_have_none():
    y = lone()
    y[:4] = 0
    assert share_of_lone_targets([y]) == pytest.approx(60 / 64)


@pytest.mark.parametrize(
    "targets",
    [
        [VALUES],
        [np.eye(3, dtype="float32")[CHOSEN]],
        [2 * np.eye(3, dtype="float32")[CHOSEN]],
        [lone(chosen=np.zeros(64, int))],
        [lone()[:8]],
        [lone()[:, :1]],
        [CHOSEN],
        [lone(), VALUES],
        [],
    ],
    ids=[
        "all known",
        "one-hot",
        "one-hot times two",
        "always the first",
        "few rows",
        "one output",
        "classes",
        "several arrays",
        "none",
    ],
)
def test_other_targets_are_not(targets):
    assert share_of_lone_targets(targets) == 0.0
