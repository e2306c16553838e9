"""Weights as an initializer draws them, and other weights."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.random_weights import Draw, misfit

DRAW = np.random.default_rng(0)
UNIFORM = DRAW.uniform(-0.5, 0.5, (40, 50))
NORMAL = DRAW.normal(0.1, 0.2, (40, 50))
CUT = NORMAL[np.abs(NORMAL - 0.1) < 0.4]
ORTHOGONAL = np.linalg.qr(DRAW.normal(size=(50, 50)))[0][:, :20]

DRAWS = {
    "uniform": (UNIFORM, Draw(name="uniform", width=0.5)),
    "normal": (NORMAL, Draw(name="normal", center=0.1, width=0.2)),
    "cut": (CUT, Draw(name="truncated_normal", center=0.1, width=0.2)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_fits_its_own_distribution(name):
    values, draw = DRAWS[name]

    assert misfit(values, draw) < 1.6
    assert misfit(0.8 * values, draw) > 2.2
    assert misfit(values + 0.1, draw) > 2.2
    assert misfit(values, replace(draw, width=0.0)) == math.inf


def test_a_draw_fits_no_other_distribution():
    assert misfit(UNIFORM, replace(DRAWS["normal"][1], center=0.0, width=0.3)) > 2.2
    assert misfit(NORMAL, DRAWS["uniform"][1]) == math.inf
    assert misfit(NORMAL, DRAWS["cut"][1]) == math.inf


@pytest.mark.parametrize("name", ["uniform", "cut"])
def test_a_small_change_shows_beyond_the_bounds(name):
    values, draw = DRAWS[name]
    moved = values + DRAW.normal(0, 0.01, values.shape)

    assert misfit(moved, draw) == math.inf
    assert draw.is_bounded


@pytest.mark.parametrize("matrix", [ORTHOGONAL, ORTHOGONAL.T])
def test_orthogonal_vectors_are_exact(matrix):
    draw = Draw(name="orthogonal", width=2.0)

    assert misfit(2 * matrix, draw) == 0
    assert misfit(2 * matrix + 0.01, draw) == math.inf
    assert misfit(matrix, draw) == math.inf


def test_nothing_and_what_is_not_finite_fits_no_distribution():
    draw = Draw(name="normal", width=1.0)

    assert misfit(np.zeros((0, 3)), draw) == math.inf
    assert misfit(np.array([0.0, np.nan]), draw) == math.inf
