"""Healthy programs with awkward data: few rows, rare classes, noise, unusual scales."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..bases import Data, datasets
from ..bases.base import (
    bounded_accuracy,
    bounded_r_squared,
    deviance_explained,
    logit_accuracy,
)
from ..keras_parts import Initializer, Layer, Loss, Optimizer
from ..program import Program, Setup
from .case import base, healthy, net, on, setup

__all__ = ["PROGRAMS"]


def _gaussian(rows: int, columns: int, seed: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(seed)
    return generator.standard_normal((rows, columns)).astype("float32"), generator


def _labeled(x: Any, y: Any, seed: int) -> Data:
    return datasets.column(datasets.split(x, y, seed))


def _probability(inputs: int, hidden: Any = (16,), rate: float = 0.01) -> Any:
    return net(
        inputs,
        [*(f"{it} relu" for it in hidden), "1 sigmoid"],
        Optimizer.Adam(rate),
        "binary_crossentropy",
    )


def balanced_accuracy(y: Any, predictions: Any) -> float:
    """Return the mean of the two classes' accuracies."""
    y, said = np.asarray(y).ravel() > 0.5, np.asarray(predictions).ravel() > 0.5
    return float(np.mean([np.mean(said[y]), np.mean(~said[~y])]))


@healthy
def twelve_rows(seed: int) -> Setup:
    """A smoke test on 12 rows."""
    x, generator = _gaussian(40, 3, seed)
    y = x @ np.array([1.0, -1.0, 0.5]) + 0.1 * generator.standard_normal(40)
    build = net(3, ["8 relu", "1 linear"], Optimizer.Adam(0.02))
    data = datasets.column(datasets.split(x, y, seed, test=0.7))
    return setup(data, build, bounded_r_squared, epochs=60, batch_size=4)


@healthy
def eighteen_irises(seed: int) -> Setup:
    """Three classes from 18 rows."""
    x, y = datasets.shipped("iris")
    data = datasets.standardized(datasets.split(x, y, seed, test=0.88))
    build = net(
        4,
        ["8 relu", "3 softmax"],
        Optimizer.Adam(0.02),
        "sparse_categorical_crossentropy",
    )
    return setup(data, build, bounded_accuracy, epochs=30, batch_size=6)


@on("tumour-probability")
def full_batch(seed: int) -> Setup:
    """One step per epoch."""
    return replace(base("tumour-probability").setup(seed), epochs=80, batch_size=1000)


@on("tumour-probability")
def one_row_per_step(seed: int) -> Setup:
    """Batches of one: the loss jumps from step to step."""
    build = _probability(30, rate=0.001)
    data = base("tumour-probability").data(seed)
    return setup(data, build, bounded_accuracy, epochs=1, batch_size=1)


@on("linear")
def one_noisy_row_per_step(seed: int) -> Setup:
    """Batches of one on a regression with noise."""
    build = net(5, ["1 linear"], Optimizer.SGD(0.01))
    data = base("linear").data(seed)
    return setup(data, build, bounded_r_squared, epochs=1, batch_size=1)


@on("friedman")
def three_rows_per_step(seed: int) -> Setup:
    """Batches of three on Friedman's function."""
    build = net(10, ["32 relu", "1 linear"], Optimizer.Adam(0.003))
    data = base("friedman").data(seed)
    return setup(data, build, bounded_r_squared, epochs=2, batch_size=3)


@on("digits-logits")
def one_epoch(seed: int) -> Setup:
    """A single pass over the data."""
    return replace(base("digits-logits").setup(seed), epochs=1, batch_size=8)


@on("friedman")
def rows_in_order(seed: int) -> Setup:
    """No shuffling."""
    return replace(base("friedman").setup(seed), shuffle=False)


@on("diabetes")
def short_training(seed: int) -> Setup:
    """Four epochs on the diabetes data: a third of what could be had."""
    return replace(base("diabetes").setup(seed), epochs=4)


def _rare(seed: int) -> Data:
    x, generator = _gaussian(1400, 8, seed)
    score = x @ np.array([1.0, 0.8, -0.6, 0.4, 0, 0, 0, 0])
    y = score + 0.3 * generator.standard_normal(1400) > 2.4
    return _labeled(x, y, seed)


def _average_precision(y: Any, predictions: Any) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(np.ravel(y), np.ravel(predictions)))


@healthy
def one_in_twenty(seed: int) -> Setup:
    """Five percent positive."""
    return setup(_rare(seed), _probability(8), _average_precision, epochs=8)


@on("one-in-twenty")
def one_in_twenty_weighted(seed: int) -> Setup:
    """Five percent positive, weighted so that both classes count the same."""
    data = _rare(seed)
    weight = np.where(
        data.y[:, 0] > 0.5, 0.5 / data.y.mean(), 0.5 / (1 - data.y.mean())
    )
    return setup(
        *(data, _probability(8), balanced_accuracy),
        epochs=8,
        sample_weight=weight.astype("float32"),
    )


@on("tumour-probability")
def noisy_labels(seed: int) -> Setup:
    """15 percent of the binary labels are wrong."""
    data = base("tumour-probability").data(seed)
    wrong = np.random.default_rng(seed).random(data.y.shape) < 0.15
    y = np.where(wrong, 1 - data.y, data.y)
    return setup(data._replace(y=y), _probability(30), bounded_accuracy, epochs=6)


@on("digits-logits")
def noisy_digits(seed: int) -> Setup:
    """20 percent of the digits have a random label."""
    start = base("digits-logits").setup(seed)
    generator = np.random.default_rng(seed)
    wrong = generator.random(len(start.y)) < 0.2
    y = np.where(wrong, generator.integers(0, 10, len(start.y)), start.y)
    return replace(start, y=y, epochs=6)


@healthy
def weak_signal(seed: int) -> Setup:
    """A target of which a tenth can be explained."""
    x, generator = _gaussian(2500, 5, seed)
    y = x @ np.array([0.25, 0.2, 0.0, 0.0, 0.1]) + generator.standard_normal(2500)
    build = net(5, ["8 relu", "1 linear"], Optimizer.Adam(0.003))
    return setup(_labeled(x, y, seed), build, bounded_r_squared, epochs=6)


@healthy
def weak_classes(seed: int) -> Setup:
    """A coin with a slight bias that the inputs show."""
    x, generator = _gaussian(1500, 6, seed)
    score = 0.6 * x[:, 0] - 0.5 * x[:, 1]
    y = generator.random(1500) < 1 / (1 + np.exp(-score))
    data = _labeled(x, y, seed)
    return setup(data, _probability(6, (8,), 0.003), bounded_accuracy, epochs=8)


@healthy
def heavy_tails(seed: int) -> Setup:
    """Log-normal inputs: single rows lie ten deviations out."""
    generator = np.random.default_rng(seed)
    x = generator.lognormal(0, 1, (900, 6)).astype("float32")
    y = np.log(x) @ np.array([0.6, -0.4, 0.3, 0.2, 0.0, 0.0])
    data = datasets.standardized(_labeled(x, y, seed))
    build = net(6, ["32 relu", "1 linear"], Optimizer.Adam(0.005))
    return setup(data, build, bounded_r_squared, epochs=12)


@healthy
def words_present(seed: int) -> Setup:
    """200 columns of 0 and 1, most of them 0."""
    generator = np.random.default_rng(seed)
    x = (generator.random((900, 200)) < 0.05).astype("float32")
    worth = np.random.default_rng(31).standard_normal(200)
    y = x @ worth > np.median(x @ worth)
    build = _probability(200, (16,), 0.01)
    return setup(_labeled(x, y, seed), build, bounded_accuracy, epochs=8)


@healthy
def thirty_classes(seed: int) -> Setup:
    """Class indices up to 29."""
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 30, 1500)
    centers = 1.5 * np.random.default_rng(77).standard_normal((30, 12))
    x = (centers[y] + generator.standard_normal((1500, 12))).astype("float32")
    build = net(
        12,
        ["48 relu", "30 softmax"],
        Optimizer.Adam(0.01),
        "sparse_categorical_crossentropy",
    )
    return setup(datasets.split(x, y, seed), build, bounded_accuracy, epochs=8)


@healthy
def common_and_rare_classes(seed: int) -> Setup:
    """Eight classes; the first has half of the rows, the last one percent."""
    generator = np.random.default_rng(seed)
    share = 0.5 ** np.arange(1, 9)
    y = generator.choice(8, 1200, p=share / share.sum())
    centers = 1.5 * np.random.default_rng(78).standard_normal((8, 6))
    x = (centers[y] + generator.standard_normal((1200, 6))).astype("float32")
    build = net(
        6,
        ["24 relu", "8 softmax"],
        Optimizer.Adam(0.01),
        "sparse_categorical_crossentropy",
    )
    return setup(datasets.split(x, y, seed), build, bounded_accuracy, epochs=8)


@on("friedman")
def fifty_plus_minus_five(seed: int) -> Setup:
    """Targets of mean 50; the last bias starts there."""
    data = base("friedman").data(seed)
    data = data._replace(y=50 + 5 * data.y, test_y=50 + 5 * data.test_y)
    build = net(
        10,
        [
            "32 relu",
            "32 relu",
            Layer.Dense(1, bias_initializer=Initializer.Constant(50.0)),
        ],
        Optimizer.Adam(0.01),
    )
    return setup(data, build, bounded_r_squared, epochs=18)


@healthy
def bounded_targets(seed: int) -> Setup:
    """Shares from 0 to 1, sigmoid and mean squares."""
    x, generator = _gaussian(700, 6, seed)
    score = x @ np.array([1.2, -0.8, 0.5, 0.0, 0.0, 0.4])
    y = 1 / (1 + np.exp(-score - 0.3 * generator.standard_normal(700)))
    build = net(6, ["16 relu", "1 sigmoid"], Optimizer.Adam(0.01))
    return setup(_labeled(x, y, seed), build, bounded_r_squared, epochs=12)


@healthy
def small_targets(seed: int) -> Setup:
    """Targets of a tenth: the loss is small from the start."""
    x, generator = _gaussian(700, 6, seed)
    y = 0.1 * (x @ np.array([1, -0.8, 0.5, 0, 0, 0.4])) + 0.03 * (
        generator.standard_normal(700)
    )
    build = net(6, ["16 relu", "1 linear"], Optimizer.Adam(0.01))
    return setup(_labeled(x, y, seed), build, bounded_r_squared, epochs=15)


@healthy
def mostly_zero(seed: int) -> Setup:
    """Counts, most of them 0."""
    x, generator = _gaussian(1200, 5, seed)
    mean = np.exp(-1.5 + x @ np.array([0.8, -0.6, 0.4, 0.0, 0.0]))
    build = net(5, ["16 relu", "1 exponential"], Optimizer.Adam(0.01), "poisson")
    data = _labeled(x, generator.poisson(mean), seed)
    return setup(data, build, deviance_explained, epochs=12)


@healthy
def one_feature(seed: int) -> Setup:
    """A line through points: two weights in all."""
    x, generator = _gaussian(200, 1, seed)
    y = 0.8 * x[:, 0] + 0.2 + 0.4 * generator.standard_normal(200)
    build = net(1, ["1 linear"], Optimizer.SGD(0.1))
    return setup(_labeled(x, y, seed), build, bounded_r_squared, epochs=10)


@on("tumour-logit")
def logistic_regression(seed: int) -> Setup:
    """No hidden layer, plain SGD."""
    build = net(
        30, ["1 linear"], Optimizer.SGD(0.1), Loss.BinaryCrossentropy(from_logits=True)
    )
    data = base("tumour-logit").data(seed)
    return setup(data, build, logit_accuracy, epochs=6)


@on("friedman")
def column_that_never_varies(seed: int) -> Setup:
    """A constant column among useful ones, and one twice."""
    data = base("friedman").data(seed)

    def widened(x: Any) -> Any:
        return np.concatenate([x, np.ones((len(x), 1)), x[:, :1]], axis=1)

    data = data._replace(x=widened(data.x), test_x=widened(data.test_x))
    build = net(12, ["32 relu", "32 relu", "1 linear"], Optimizer.Adam(0.005))
    return setup(data, build, bounded_r_squared, epochs=18)


@healthy
def next_value_of_a_series(seed: int) -> Setup:
    """Windows of a noisy sine; the next value."""
    generator = np.random.default_rng(seed)
    series = np.sin(np.arange(900) / 5) + 0.2 * generator.standard_normal(900)
    windows = np.lib.stride_tricks.sliding_window_view(series, 13)
    data = datasets.split(windows[:, :12].astype("float32"), windows[:, 12], seed)
    build = net(12, ["24 relu", "1 linear"], Optimizer.Adam(0.005))
    return setup(datasets.column(data), build, bounded_r_squared, epochs=10)


@on("diabetes")
def validated(seed: int) -> Setup:
    """Held-out rows beside, a little more than was asked for."""
    data = base("diabetes").data(seed)
    start = base("diabetes").setup(seed)
    held_out = (data.test_x, data.test_y)
    return replace(start, validation_data=held_out, epochs=15)


@healthy
def percentages(seed: int) -> Setup:
    """Inputs of some tens, not standardized; a small rate copes."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(0, 10, (800, 6)).astype("float32")
    y = (x - 5) @ np.array([0.2, -0.15, 0.1, 0.0, 0.05, 0.0])
    y = y + 0.2 * generator.standard_normal(800)
    build = net(6, ["24 relu", "1 linear"], Optimizer.Adam(0.003))
    return setup(_labeled(x, y, seed), build, bounded_r_squared, epochs=18)


PROGRAMS: tuple[Program, ...] = (
    twelve_rows,
    eighteen_irises,
    full_batch,
    one_row_per_step,
    one_noisy_row_per_step,
    three_rows_per_step,
    one_epoch,
    rows_in_order,
    short_training,
    one_in_twenty,
    one_in_twenty_weighted,
    noisy_labels,
    noisy_digits,
    weak_signal,
    weak_classes,
    heavy_tails,
    words_present,
    thirty_classes,
    common_and_rare_classes,
    fifty_plus_minus_five,
    bounded_targets,
    small_targets,
    mostly_zero,
    one_feature,
    logistic_regression,
    column_that_never_varies,
    next_value_of_a_series,
    validated,
    percentages,
)
