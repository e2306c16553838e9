"""Losses beside mean squares and cross-entropies, and some below zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..bases import Data, datasets
from ..bases.base import bounded_accuracy, bounded_r_squared, logit_accuracy
from ..program import Program, Setup
from .room import base, by, dense, healthy, minus_error, on, setup

__all__ = ["PROGRAMS"]


def _friedman(seed: int) -> Data:
    return base("friedman").data(seed)


def _tumours(seed: int) -> Data:
    return base("tumour-logit").data(seed)


def _signs(data: Data) -> Data:
    return data._replace(y=2 * data.y - 1, test_y=2 * data.test_y - 1)


def _sign_accuracy(y: Any, predictions: Any) -> float:
    return float(np.mean((np.asarray(predictions) > 0) == (np.asarray(y) > 0)))


def _regressor(loss: Any, rate: float = 0.005, outputs: int = 1) -> Any:
    return dense(10, (32, 32), outputs, optimizer=by("Adam", rate), loss=loss)


@on("friedman")
def huber_with_wild_targets(seed: int) -> Setup:
    """Huber loss; one target in fifty is far out."""
    data = _friedman(seed)
    y = data.y.copy()
    y[::50] += 20
    return setup(data._replace(y=y), _regressor("huber"), bounded_r_squared, epochs=18)


@on("friedman")
def mean_absolute_error(seed: int) -> Setup:
    """MAE as the loss."""
    return setup(_friedman(seed), _regressor("mae"), minus_error, epochs=18)


@on("friedman")
def log_cosh(seed: int) -> Setup:
    """Log-cosh as the loss."""
    return setup(_friedman(seed), _regressor("log_cosh"), bounded_r_squared, epochs=18)


@on("tumour-logit")
def hinge(seed: int) -> Setup:
    """Labels -1 and 1, hinge loss, a linear output."""
    build = dense(30, (16,), optimizer=by("Adam", 0.01), loss="hinge")
    return setup(_signs(_tumours(seed)), build, _sign_accuracy, epochs=8)


@on("moons")
def squared_hinge(seed: int) -> Setup:
    """Labels -1 and 1, squared hinge, a tanh output."""
    build = dense(
        2, (16, 16), optimizer=by("Adam", 0.02), loss="squared_hinge", last="tanh"
    )
    data = _signs(base("moons").data(seed))
    return setup(data, build, _sign_accuracy, epochs=20)


@on("wine-one-hot")
def soft_labels(seed: int) -> Setup:
    """KL divergence to soft labels, whose entropy it cannot go below."""
    data = base("wine-one-hot").data(seed)
    data = data._replace(y=0.8 * data.y + 0.2 / 3)
    build = dense(
        13, (16,), 3, optimizer=by("Adam", 0.01), loss="kl_divergence", last="softmax"
    )
    return setup(data, build, bounded_accuracy, epochs=20, batch_size=16)


@healthy
def cosine_similarity(seed: int) -> Setup:
    """A direction of eight numbers: the loss goes from 0 to -1."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((600, 12)).astype("float32")
    weights = np.random.default_rng(7).standard_normal((12, 8))
    y = x @ weights + generator.standard_normal((600, 8))
    y = (y / np.linalg.norm(y, axis=1, keepdims=True)).astype("float32")
    build = dense(12, (32,), 8, optimizer=by("Adam", 0.005), loss="cosine_similarity")

    def similarity(y: Any, predictions: Any) -> float:
        length = np.linalg.norm(predictions, axis=1) + 1e-9
        return float(np.mean(np.sum(y * np.asarray(predictions), 1) / length))

    return setup(datasets.split(x, y, seed), build, similarity, epochs=15)


def _pinball(y_true: Any, y_pred: Any) -> Any:
    import keras

    rest = y_true - y_pred
    return keras.ops.mean(keras.ops.maximum(0.9 * rest, -0.1 * rest), axis=-1)


@on("friedman")
def ninetieth_percentile(seed: int) -> Setup:
    """Quantile loss: most predictions are above their targets."""

    def saved(y: Any, predictions: Any) -> float:
        def cost(rest: Any) -> float:
            return float(np.mean(np.maximum(0.9 * rest, -0.1 * rest)))

        constant = cost(y - np.quantile(y, 0.9))
        return 1 - cost(np.asarray(y) - np.asarray(predictions)) / constant

    return setup(_friedman(seed), _regressor(lambda: _pinball), saved, epochs=18)


@on("tumour-logit")
def focal_loss(seed: int) -> Setup:
    """Focal loss, whose values are small from the start."""
    build = dense(
        *(30, (16,)),
        optimizer=by("Adam", 0.01),
        loss="binary_focal_crossentropy",
        last="sigmoid",
    )
    return setup(_tumours(seed), build, bounded_accuracy, epochs=10)


@on("digits-logits")
def label_smoothing(seed: int) -> Setup:
    """Smoothed labels: the loss cannot come near 0."""

    def loss() -> Any:
        import keras

        return keras.losses.CategoricalCrossentropy(label_smoothing=0.2)

    data = datasets.one_hot(base("digits-logits").data(seed))
    build = dense(64, (48,), 10, optimizer=by("Adam", 0.005), loss=loss, last="softmax")
    return setup(data, build, bounded_accuracy, epochs=6)


def _weighted_squares(y_true: Any, y_pred: Any) -> Any:
    import keras

    weight = 1.0 + keras.ops.cast(y_true > 0, y_pred.dtype)
    return keras.ops.mean(weight * keras.ops.square(y_true - y_pred), axis=-1)


@on("friedman")
def custom_loss(seed: int) -> Setup:
    """Squares that count twice above the mean."""
    build = _regressor(lambda: _weighted_squares)
    return setup(_friedman(seed), build, bounded_r_squared, epochs=18)


def _gaussian(y_true: Any, y_pred: Any) -> Any:
    from keras import ops

    mean, log_scale = y_pred[:, :1], ops.clip(y_pred[:, 1:2], -5.0, 5.0)
    return ops.mean(
        log_scale + 0.5 * ops.square((y_true - mean) / ops.exp(log_scale)), axis=-1
    )


def _of_the_mean(y: Any, predictions: Any) -> float:
    return bounded_r_squared(y, np.asarray(predictions)[:, :1])


@healthy
def gaussian_likelihood(seed: int) -> Setup:
    """Mean and scale are learned; the loss crosses zero and goes on falling."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((600, 4)).astype("float32")
    y = 0.3 * np.tanh(x[:, 0] + x[:, 1]) + 0.03 * generator.standard_normal(600)
    data = datasets.column(datasets.split(x, y, seed))
    build = dense(4, (32,), 2, optimizer=by("Adam", 0.01), loss=lambda: _gaussian)
    return setup(data, build, _of_the_mean, epochs=20)


@on("friedman")
def gaussian_likelihood_of_friedman(seed: int) -> Setup:
    """The same on a harder target: it crosses zero late."""
    build = _regressor(lambda: _gaussian, outputs=2)
    return setup(_friedman(seed), build, _of_the_mean, epochs=20)


def _mixture(y_true: Any, y_pred: Any) -> Any:
    from keras import ops

    weights = ops.log_softmax(y_pred[:, :2])
    scales = ops.clip(y_pred[:, 2:4], -4.0, 4.0)
    rest = (y_true - y_pred[:, 4:6]) / ops.exp(scales)
    return -ops.logsumexp(weights - scales - 0.5 * ops.square(rest), axis=-1)


@healthy
def mixture_density(seed: int) -> Setup:
    """A mixture of two Gaussians for a target that takes one of two branches."""
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (700, 1)).astype("float32")
    side = np.where(generator.random((700, 1)) < 0.5, 1, -1)
    y = side * (0.6 + 0.3 * x) + 0.05 * generator.standard_normal((700, 1))
    data = datasets.split(x, y.astype("float32"), seed)

    def likelihood(y: Any, predictions: Any) -> float:
        return -float(np.mean(np.asarray(_mixture(y, predictions))))

    build = dense(
        *(1, (24,), 6),
        optimizer=by("Adam", 0.01),
        loss=lambda: _mixture,
        activation="tanh",
    )
    return setup(data, build, likelihood, epochs=20)


def _dice(y_true: Any, y_pred: Any) -> Any:
    from keras import ops

    both = ops.sum(y_true * y_pred)
    return 1 - (2 * both + 1) / (ops.sum(y_true) + ops.sum(y_pred) + 1)


@on("tumour-logit")
def dice_loss(seed: int) -> Setup:
    """A loss over the whole batch, from 1 to 0."""
    build = dense(
        *(30, (16,)), optimizer=by("Adam", 0.01), loss=lambda: _dice, last="sigmoid"
    )
    return setup(_tumours(seed), build, bounded_accuracy, epochs=10)


@on("counts")
def logarithmic_error_of_counts(seed: int) -> Setup:
    """Mean squared logarithmic error with a softplus output."""
    build = dense(
        *(6, (16,)),
        optimizer=by("Adam", 0.01),
        loss="mean_squared_logarithmic_error",
        last="softplus",
    )
    return setup(base("counts").data(seed), build, bounded_r_squared, epochs=15)


@on("tags")
def tags_from_logits(seed: int) -> Setup:
    """Several labels that do not exclude each other, from logits."""

    def loss() -> Any:
        import keras

        return keras.losses.BinaryCrossentropy(from_logits=True)

    build = dense(12, (32,), 5, optimizer=by("Adam", 0.01), loss=loss)
    return setup(base("tags").data(seed), build, logit_accuracy, epochs=12)


@on("wine-one-hot")
def squares_of_classes(seed: int) -> Setup:
    """Mean squares on one-hot labels and softmax: unusual, and it works."""
    build = dense(
        *(13, (16,), 3), optimizer=by("Adam", 0.01), loss="mse", last="softmax"
    )
    data = base("wine-one-hot").data(seed)
    return setup(data, build, bounded_accuracy, epochs=20, batch_size=16)


@on("wine-one-hot")
def units_apart(seed: int) -> Setup:
    """Binary cross-entropy of one-hot classes with one sigmoid each: it works."""
    build = dense(
        *(13, (16,), 3),
        optimizer=by("Adam", 0.01),
        loss="binary_crossentropy",
        last="sigmoid",
    )
    data = base("wine-one-hot").data(seed)
    return setup(data, build, bounded_accuracy, epochs=20, batch_size=16)


PROGRAMS: tuple[Program, ...] = (
    huber_with_wild_targets,
    mean_absolute_error,
    log_cosh,
    hinge,
    squared_hinge,
    soft_labels,
    cosine_similarity,
    ninetieth_percentile,
    focal_loss,
    label_smoothing,
    custom_loss,
    gaussian_likelihood,
    gaussian_likelihood_of_friedman,
    mixture_density,
    dice_loss,
    logarithmic_error_of_counts,
    tags_from_logits,
    squares_of_classes,
    units_apart,
)
