"""Scales and outliers of the data explain a bad training."""

from __future__ import annotations

import numpy as np

from pytest_lossguard.judge import judge
from pytest_lossguard.policy import Policy
from pytest_lossguard.trace import Outlier
from tests.traces import column, falling, make_trace


def bad(**rest):
    return make_trace([9.0] * 400, start=9, end=9, constant=1, **rest)


def good(**rest):
    return make_trace(falling(), start=1, end=0.1, constant=1, **rest)


def explained(trace):
    outcome = ("loss_not_decreasing", "worse_than_constant")
    return [it for it in judge(trace, Policy()) if it.kind not in outcome]


def three(std):
    zero = np.zeros(3)
    return column("input", mean=zero, std=std, low=zero, high=zero, median=zero)


def test_the_feature_that_is_off_is_named():
    (only,) = explained(bad(inputs=(three([1, 500, 1]),)))

    assert (only.kind, only.where, only.value) == ("unscaled_inputs", "feature 1", 500)


def test_all_features_off_are_told_as_one():
    (only,) = explained(bad(inputs=(three([100, 500, 100]),)))

    assert only.where == "every feature (largest feature 1)"


def test_moderate_scales_of_a_good_training_are_no_news():
    assert explained(good(inputs=(three([1, 500, 1]),))) == []
    assert len(explained(good(inputs=(three([1, 5000, 1]),)))) == 1


def test_a_model_that_normalises_may_be_fed_anything():
    assert explained(bad(inputs=(three([1, 500, 1]),), normalises_inputs=True)) == []


def test_an_outlier_names_row_and_feature_and_is_no_scale():
    inputs = column(
        "input",
        mean=1.0,
        std=10.0,
        outlier=Outlier(row=7, column=0, value=100.0, distance=270.0),
        outlier_share=0.01,
    )

    (only,) = explained(bad(inputs=(inputs,)))

    assert (only.kind, only.where) == ("input_outliers", "row 7, feature 0")
    assert "is 100: 270 robust standard deviations" in only.message


def test_unscaled_targets_are_told():
    (only,) = explained(bad(targets=(column("target", mean=5000.0, std=100.0),)))

    assert only.kind == "unscaled_targets"


def test_class_labels_are_no_scale():
    labels = column("target", mean=50.0, std=30.0, is_numeric=False)

    assert explained(bad(targets=(labels,))) == []


def test_a_feature_that_never_varies_is_told_of_a_bad_training():
    (only,) = explained(bad(inputs=(three([1, 0, 1]),)))

    assert (only.kind, only.where) == ("constant_feature", "feature 1")
    assert explained(good(inputs=(three([1, 0, 1]),))) == []
