"""Findings that explain: symmetric weights, noise, imbalance."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.column_stats import target_range
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import LayerStats, TargetRange
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace


def kinds(trace):
    return {it.kind: it for it in judge(trace, Policy())}


def with_layer(**given):
    layer = LayerStats(**{"name": "dense", "activation": "relu", "units": 8, **given})
    return make_trace(falling(), start=1.0, end=0.1, constant=1.0, layers=(layer,))


def test_units_that_stay_equal_fail_whatever_the_loss():
    found = kinds(with_layer(symmetric=True))["symmetric_weights"]
    assert found.severity == "error"
    assert found.headline == "all 8 units of layer dense are equal"


@pytest.mark.parametrize(
    "given", [{"is_output": True}, {"dead": 1.0}, {"saturated": 1.0}]
)
def test_an_output_and_flat_units_are_no_symmetry(given):
    assert "symmetric_weights" not in kinds(with_layer(symmetric=True, **given))


def noisy(end):
    curve = np.random.default_rng(0).lognormal(0.0, 1.5, 200)
    return make_trace(curve, start=1.0, end=end, constant=1.0)


def test_noise_is_reported_a_bad_training_only():
    assert kinds(noisy(2.0))["noisy_loss"].severity == "warning"
    assert "noisy_loss" not in kinds(noisy(0.5))
    flat = make_trace([1.0] * 200, start=1.0, end=2.0, constant=1.0)
    assert "noisy_loss" not in kinds(flat)


def with_labels(labels, **rest):
    ranges = (target_range(np.asarray(labels)),)
    return make_trace(
        falling(), start=1.0, end=0.1, constant=1.0, target_ranges=ranges, **rest
    )


def test_a_class_with_hardly_any_rows_is_reported_by_its_number():
    found = kinds(with_labels([0] * 98 + [1] * 2))["class_imbalance"]
    assert found.where == "class 1"
    assert found.value == pytest.approx(0.02)


def test_a_rare_class_that_the_model_hardly_finds_is_reported_with_what_it_removes():
    found = kinds(with_labels([0] * 98 + [1] * 2, rare_gain=0.4))["class_imbalance"]
    assert "on its rows the model removes 40% of the loss of a constant, limit 70%" in (
        found.message
    )


@pytest.mark.parametrize(
    ("labels", "rest"),
    [
        ([0] * 98 + [1] * 2, {"rare_gain": 0.75}),
        ([0] * 90 + [1] * 10, {}),
        ([0] * 98 + [1] * 2, {"weighted": True}),
        ([0] * 100, {}),
        (np.linspace(0.0, 1.0, 100), {}),
    ],
)
def test_no_imbalance(labels, rest):
    assert "class_imbalance" not in kinds(with_labels(labels, **rest))


@pytest.mark.parametrize(
    ("labels", "classes", "rarest"),
    [
        (np.array([[1, 0, 0]] * 7 + [[0, 1, 0]] * 3), 2, (1, 0.3)),
        (np.array([0, 0, 0, 2]), 2, (2, 0.25)),
        (np.array([0.0, 1.0, 1.0, 1.0]), 2, (0, 0.25)),
        (np.array([0.5, 1.0]), 0, (0, 1.0)),
        (np.array([-1, 1, 1]), 0, (0, 1.0)),
        (np.array([[1, 1], [0, 1]]), 0, (0, 1.0)),
    ],
)
def test_classes_are_counted_where_labels_name_them(labels, classes, rarest):
    found = target_range(labels)
    assert isinstance(found, TargetRange)
    assert found.classes == classes
    assert found.rarest == (rarest[0], pytest.approx(rarest[1]))
