"""Healthy programs with less common losses, some of them negative."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..bases import Data, datasets
from ..bases.base import bounded_accuracy, bounded_r_squared, logit_accuracy
from ..keras_parts import Loss, Optimizer
from ..program import Program
from .case import Case, base, minus_error, programs

__all__ = ["PROGRAMS"]


def _signs(data: Data) -> Data:
    return data._replace(y=2 * data.y - 1, test_y=2 * data.test_y - 1)


def _sign_accuracy(y: Any, predictions: Any) -> float:
    return float(np.mean((np.asarray(predictions) > 0) == (np.asarray(y) > 0)))


def _wild_targets(seed: int) -> Data:
    data = base("friedman").data(seed)
    y = data.y.copy()
    y[::50] += 20
    return data._replace(y=y)


def _soft_labels(seed: int) -> Data:
    data = base("wine-one-hot").data(seed)
    return data._replace(y=0.8 * data.y + 0.2 / 3)


def _directions(seed: int) -> Data:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((600, 12)).astype("float32")
    weights = np.random.default_rng(7).standard_normal((12, 8))
    y = x @ weights + generator.standard_normal((600, 8))
    y = (y / np.linalg.norm(y, axis=1, keepdims=True)).astype("float32")
    return datasets.split(x, y, seed)


def _similarity(y: Any, predictions: Any) -> float:
    length = np.linalg.norm(predictions, axis=1) + 1e-9
    return float(np.mean(np.sum(y * np.asarray(predictions), 1) / length))


def _pinball(y_true: Any, y_pred: Any) -> Any:
    import keras

    rest = y_true - y_pred
    return keras.ops.mean(keras.ops.maximum(0.9 * rest, -0.1 * rest), axis=-1)


def _pinball_saved(y: Any, predictions: Any) -> float:
    def cost(rest: Any) -> float:
        return float(np.mean(np.maximum(0.9 * rest, -0.1 * rest)))

    constant = cost(y - np.quantile(y, 0.9))
    return 1 - cost(np.asarray(y) - np.asarray(predictions)) / constant


def _weighted_squares(y_true: Any, y_pred: Any) -> Any:
    import keras

    weight = 1.0 + keras.ops.cast(y_true > 0, y_pred.dtype)
    return keras.ops.mean(weight * keras.ops.square(y_true - y_pred), axis=-1)


def _gaussian(y_true: Any, y_pred: Any) -> Any:
    from keras import ops

    mean, log_scale = y_pred[:, :1], ops.clip(y_pred[:, 1:2], -5.0, 5.0)
    return ops.mean(
        log_scale + 0.5 * ops.square((y_true - mean) / ops.exp(log_scale)), axis=-1
    )


def _of_the_mean(y: Any, predictions: Any) -> float:
    return bounded_r_squared(y, np.asarray(predictions)[:, :1])


def _narrow_noise(seed: int) -> Data:
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((600, 4)).astype("float32")
    y = 0.3 * np.tanh(x[:, 0] + x[:, 1]) + 0.03 * generator.standard_normal(600)
    return datasets.column(datasets.split(x, y, seed))


def _mixture(y_true: Any, y_pred: Any) -> Any:
    from keras import ops

    weights = ops.log_softmax(y_pred[:, :2])
    scales = ops.clip(y_pred[:, 2:4], -4.0, 4.0)
    rest = (y_true - y_pred[:, 4:6]) / ops.exp(scales)
    return -ops.logsumexp(weights - scales - 0.5 * ops.square(rest), axis=-1)


def _two_branches(seed: int) -> Data:
    generator = np.random.default_rng(seed)
    x = generator.uniform(-1, 1, (700, 1)).astype("float32")
    side = np.where(generator.random((700, 1)) < 0.5, 1, -1)
    y = side * (0.6 + 0.3 * x) + 0.05 * generator.standard_normal((700, 1))
    return datasets.split(x, y.astype("float32"), seed)


def _mixture_likelihood(y: Any, predictions: Any) -> float:
    return -float(np.mean(np.asarray(_mixture(y, predictions))))


def _dice(y_true: Any, y_pred: Any) -> Any:
    from keras import ops

    both = ops.sum(y_true * y_pred)
    return 1 - (2 * both + 1) / (ops.sum(y_true) + ops.sum(y_pred) + 1)


_friedman = partial(
    Case,
    on="friedman",
    layers=["32 relu", "32 relu", "1 linear"],
    optimizer=Optimizer.Adam(0.005),
    quality=bounded_r_squared,
    epochs=18,
)
_tumours = partial(
    Case,
    on="tumour-logit",
    layers=["16 relu", "1 sigmoid"],
    optimizer=Optimizer.Adam(0.01),
    quality=bounded_accuracy,
    epochs=10,
)
_wine = partial(
    Case,
    on="wine-one-hot",
    layers=["16 relu", "3 softmax"],
    optimizer=Optimizer.Adam(0.01),
    quality=bounded_accuracy,
    epochs=20,
    batch_size=16,
)

PROGRAMS: tuple[Program, ...] = programs(
    _friedman(
        name="huber-with-wild-targets",
        why="Huber loss; one target in fifty is far out.",
        data=_wild_targets,
        loss="huber",
    ),
    _friedman(
        name="mean-absolute-error",
        why="MAE as the loss.",
        loss="mae",
        quality=minus_error,
    ),
    _friedman(name="log-cosh", why="Log-cosh as the loss.", loss="log_cosh"),
    _tumours(
        name="hinge",
        why="Labels -1 and 1, hinge loss, a linear output.",
        data=lambda seed: _signs(base("tumour-logit").data(seed)),
        layers=["16 relu", "1 linear"],
        loss="hinge",
        quality=_sign_accuracy,
        epochs=8,
    ),
    Case(
        name="squared-hinge",
        why="Labels -1 and 1, squared hinge, a tanh output.",
        on="moons",
        data=lambda seed: _signs(base("moons").data(seed)),
        layers=["16 relu", "16 relu", "1 tanh"],
        optimizer=Optimizer.Adam(0.02),
        loss="squared_hinge",
        quality=_sign_accuracy,
        epochs=20,
    ),
    _wine(
        name="soft-labels",
        why="KL divergence to soft labels, whose entropy it cannot go below.",
        data=_soft_labels,
        loss="kl_divergence",
    ),
    Case(
        name="cosine-similarity",
        why="A direction of eight numbers: the loss goes from 0 to -1.",
        on="cosine-similarity",
        data=_directions,
        layers=["32 relu", "8 linear"],
        optimizer=Optimizer.Adam(0.005),
        loss="cosine_similarity",
        quality=_similarity,
        epochs=15,
    ),
    _friedman(
        name="ninetieth-percentile",
        why="Quantile loss: most predictions are above their targets.",
        loss=_pinball,
        quality=_pinball_saved,
    ),
    _tumours(
        name="focal-loss",
        why="Focal loss, whose values are small from the start.",
        loss="binary_focal_crossentropy",
    ),
    Case(
        name="label-smoothing",
        why="Smoothed labels: the loss cannot come near 0.",
        on="digits-logits",
        data=lambda seed: datasets.one_hot(base("digits-logits").data(seed)),
        layers=["48 relu", "10 softmax"],
        optimizer=Optimizer.Adam(0.005),
        loss=Loss.CategoricalCrossentropy(label_smoothing=0.2),
        quality=bounded_accuracy,
        epochs=6,
    ),
    _friedman(
        name="custom-loss",
        why="Squares that count twice above the mean.",
        loss=_weighted_squares,
    ),
    Case(
        name="gaussian-likelihood",
        why="Mean and scale are learned; the loss crosses zero and goes on falling.",
        on="gaussian-likelihood",
        data=_narrow_noise,
        layers=["32 relu", "2 linear"],
        optimizer=Optimizer.Adam(0.01),
        loss=_gaussian,
        quality=_of_the_mean,
        epochs=20,
    ),
    _friedman(
        name="gaussian-likelihood-of-friedman",
        why="The same on a harder target: it crosses zero late.",
        layers=["32 relu", "32 relu", "2 linear"],
        loss=_gaussian,
        quality=_of_the_mean,
        epochs=20,
    ),
    Case(
        name="mixture-density",
        why="A mixture of two Gaussians for a target that takes one of two branches.",
        on="mixture-density",
        data=_two_branches,
        layers=["24 tanh", "6 linear"],
        optimizer=Optimizer.Adam(0.01),
        loss=_mixture,
        quality=_mixture_likelihood,
        epochs=20,
    ),
    _tumours(
        name="dice-loss", why="A loss over the whole batch, from 1 to 0.", loss=_dice
    ),
    Case(
        name="logarithmic-error-of-counts",
        why="Mean squared logarithmic error with a softplus output.",
        on="counts",
        layers=["16 relu", "1 softplus"],
        optimizer=Optimizer.Adam(0.01),
        loss="mean_squared_logarithmic_error",
        quality=bounded_r_squared,
        epochs=15,
    ),
    Case(
        name="tags-from-logits",
        why="Several labels that do not exclude each other, from logits.",
        on="tags",
        layers=["32 relu", "5 linear"],
        optimizer=Optimizer.Adam(0.01),
        loss=Loss.BinaryCrossentropy(from_logits=True),
        quality=logit_accuracy,
        epochs=12,
    ),
    _wine(
        name="squares-of-classes",
        why="Mean squares on one-hot labels and softmax: unusual, and it works.",
        loss="mse",
    ),
    _wine(
        name="units-apart",
        why="Binary cross-entropy of one-hot classes with one sigmoid each: it works.",
        layers=["16 relu", "3 sigmoid"],
        loss="binary_crossentropy",
    ),
)
