"""Scales and outliers of the data explain a bad training."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.column_stats import column_stats
from pytest_lossguard.core.numbers import number
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import LayerStats, Outlier, Rescaled
from pytest_lossguard.experiments.candidates import suspected
from pytest_lossguard.judge import judge
from tests.support.traces import column, falling, make_trace


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


def from_0_to(high):
    zero = np.zeros(3)
    return column("input", std=zero + high / 4, low=zero, high=zero + high)


@pytest.mark.parametrize(("high", "told"), [(1.0, 1), (255.0, 0)])
def test_inputs_that_come_scaled_into_a_layer_that_scales_are_told(high, told):
    by = Rescaled(layer="rescaling", scale=1 / 255)
    trace = bad(inputs=(from_0_to(high),), rescaled=by, normalizes_inputs=True)
    found = [it for it in explained(trace) if it.kind == "unscaled_inputs"]

    assert len(found) == told
    for it in found:
        assert it.value == pytest.approx(1 / 255)
        assert "layer rescaling multiplies by 0.00392 values from 0 to 1" in (
            it.message
        )
        assert (it.severity, it.headline) == ("warning", "the inputs are scaled twice")


def test_what_learned_all_the_same_is_not_asked_how_often_it_is_scaled():
    by = Rescaled(layer="rescaling", scale=1 / 255)
    assert explained(good(inputs=(from_0_to(1.0),), rescaled=by)) == []


def test_all_features_off_are_told_as_one():
    (only,) = explained(bad(inputs=(three([100, 500, 100]),)))

    assert only.where == "every feature (largest feature 1)"


def test_moderate_scales_of_a_good_training_are_no_news():
    assert explained(good(inputs=(three([1, 500, 1]),))) == []
    assert len(explained(good(inputs=(three([1, 5000, 1]),)))) == 1


def test_a_model_that_normalizes_may_be_fed_anything():
    assert explained(bad(inputs=(three([1, 500, 1]),), normalizes_inputs=True)) == []


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


def measured(array, **how):
    return (column_stats(np.asarray(array), "input", **how),)


def kinds(trace):
    return [it.kind for it in explained(trace)]


@pytest.mark.parametrize(
    "array",
    [np.zeros((50, 8)), np.full((50, 5), 3.0), np.ones((50, 6), int), np.ones(50)],
    ids=["zeros", "values", "one token everywhere", "vector"],
)
def test_inputs_that_are_the_same_in_every_row_are_the_first_cause(array):
    layers = (LayerStats(name="dense", activation="relu", units=8, dead=1.0),)
    trace = bad(inputs=measured(array), layers=layers)

    (only,) = explained(trace)

    assert only.kind == "constant_inputs"
    assert "100% of the values of the input are the same in every row" in only.message
    assert suspected(judge(trace, Policy()))[0][0] == "constant_inputs"


def test_every_row_may_be_the_same_picture():
    picture = np.random.default_rng(0).normal(size=(4, 4, 3))

    assert kinds(bad(inputs=measured(np.stack([picture] * 9)))) == ["constant_inputs"]


def test_features_that_a_clip_made_constant_explain_a_training_that_learned_little():
    x = np.clip(np.random.default_rng(0).uniform(2, 9, (60, 10)), 0, 1)
    x[:, :4] = np.random.default_rng(1).uniform(0, 1, (60, 4))

    assert kinds(bad(inputs=measured(x))) == ["constant_inputs", "constant_feature"]
    assert kinds(good(inputs=measured(x))) == []
    spread = np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), 1.0)
    scaled = (x - x.mean(axis=0)) / spread
    assert "constant_inputs" in kinds(bad(inputs=measured(scaled)))


def test_dead_units_are_no_cause_where_most_features_are_constant():
    x = np.ones((60, 10))
    x[:, :2] = np.random.default_rng(1).uniform(0, 1, (60, 2))
    layers = (LayerStats(name="dense", activation="relu", units=8, dead=1.0),)

    causes = suspected(judge(bad(inputs=measured(x), layers=layers), Policy()))

    assert [it for it, _ in causes] == ["constant_inputs"]


def sparse(rows=40, columns=300):
    draw = np.random.default_rng(0)
    return (draw.random((rows, columns)) < 0.01) * draw.uniform(1, 3, (rows, columns))


def bordered():
    images = np.zeros((40, 28, 28))
    images[:, 8:20, 8:20] = np.random.default_rng(0).uniform(size=(40, 12, 12))
    return images


@pytest.mark.parametrize(
    "array",
    [
        np.eye(200)[np.random.default_rng(0).integers(0, 50, 60)],
        sparse(),
        bordered().reshape(40, -1),
        bordered()[..., None],
        np.pad(np.random.default_rng(0).integers(1, 99, (40, 3)), ((0, 0), (0, 40))),
    ],
    ids=["one-hot", "rare words", "borders of images", "images", "padded tokens"],
)
def test_what_is_mostly_empty_is_not_constant(array):
    assert "constant_inputs" not in kinds(bad(inputs=measured(array)))


def with_missing(value, share=0.05, low=20.0, high=30.0):
    x = np.random.default_rng(0).uniform(low, high, (400, 3))
    x[:: int(1 / share), 1] = value
    return x


@pytest.mark.parametrize("value", [-999, 9999, -99, 1e6, -1])
def test_a_value_that_stands_for_missing_ones_is_told(value):
    inputs = measured(with_missing(value))

    (found,) = [it for it in explained(good(inputs=inputs)) if "sent" in it.kind]

    assert found.severity == "warning"
    assert found.message.startswith(f"feature 1 is {number(value)} in 5.0% of the rows")


def test_what_stands_for_missing_values_is_no_outlier():
    assert kinds(bad(inputs=measured(with_missing(-999, share=0.02)))) == [
        "unscaled_inputs",
        "sentinel_values",
    ]


def test_it_is_told_of_columns_that_were_standardized_with_it():
    x = with_missing(-999)
    x[::10, 2] = -999
    x = (x - x.mean(axis=0)) / x.std(axis=0)

    (found,) = explained(good(inputs=measured(x)))

    assert (found.kind, found.where) == ("sentinel_values", "feature 1 (and 1 more)")


def test_whole_numbers_with_it_are_told_where_they_are_read_as_numbers():
    ages = np.random.default_rng(0).integers(18, 90, (400, 1))
    ages[::20] = -1

    read = measured(ages, integers_are_numbers=True)

    assert kinds(good(inputs=read)) == ["sentinel_values"]
    assert kinds(good(inputs=measured(ages))) == []


def healthy(name):
    gen = np.random.default_rng(0)
    return {
        "standardized": gen.normal(size=(400, 5)),
        "clipped": np.clip(gen.normal(size=(400, 5)), -1, 1),
        "codes with -1": gen.integers(-1, 40, (400, 3)),
        "codes as floats": gen.integers(-1, 40, (400, 3)).astype(float),
        "-1 or 0 or 1": gen.integers(-1, 2, (400, 3)).astype(float),
        "one-hot": np.eye(12)[gen.integers(0, 12, 400)],
        "amounts, often 0": gen.exponential(size=(400, 3))
        * gen.integers(0, 2, 400)[:, None],
        "narrow, often 0": gen.uniform(5, 6, (400, 3))
        * gen.integers(0, 2, 400)[:, None],
        "images": np.clip(gen.normal(200, 90, (400, 64)), 0, 255),
        "heavy tails": gen.standard_cauchy((400, 5)),
        "one outlier": np.vstack([gen.normal(size=(399, 2)), [[100.0, 100.0]]]),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "standardized",
        "clipped",
        "codes with -1",
        "codes as floats",
        "-1 or 0 or 1",
        "one-hot",
        "amounts, often 0",
        "narrow, often 0",
        "images",
        "heavy tails",
        "one outlier",
    ],
)
def test_values_of_healthy_columns_stand_for_themselves(name):
    inputs = measured(healthy(name), integers_are_numbers=True)

    assert "sentinel_values" not in kinds(bad(inputs=inputs))


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        (("mean_absolute_error",), []),
        (("huber", "log_cosh"), []),
        (("mean_squared_error",), ["target_outliers"]),
        (("huber", "mean_squared_error"), ["target_outliers"]),
        ((), ["target_outliers"]),
    ],
)
def test_a_target_far_out_is_no_news_where_a_robust_loss_has_dealt_with_it(
    losses, told
):
    far = Outlier(row=7, column=0, value=100.0, distance=270.0)
    how = {"targets": (column("target", outlier=far),), "losses": losses}

    assert [it.kind for it in explained(good(**how))] == told
    assert [it.kind for it in explained(bad(**how))] == ["target_outliers"]
