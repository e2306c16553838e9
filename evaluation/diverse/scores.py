"""Scores of a trained model on held-out rows; higher is better."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import program
from .case import Split

__all__ = [
    "accuracy",
    "auc",
    "below_constant",
    "class_score",
    "predicted",
    "r_squared",
    "rank_correlation",
]


def predicted(model: Any, x: Any) -> Any:
    """Return the model's outputs as arrays."""
    import keras

    return keras.tree.map_structure(np.asarray, model(x, training=False))


def accuracy(model: Any, split: Split) -> float:
    """Return the share of right classes, by argmax or a probability above one half."""
    return program.accuracy(split.held_y, predicted(model, split.held_x))


def class_score(threshold: float) -> Callable[[Any, Split], float]:
    """Return an accuracy of one output without sigmoid: 1 above the threshold."""

    def score(model: Any, split: Split) -> float:
        above = predicted(model, split.held_x).ravel() > threshold
        return float(np.mean(above == (np.ravel(split.held_y) > 0.5)))

    return score


def auc(model: Any, split: Split) -> float:
    """Return the area under the ROC curve, averaged over the columns."""
    from sklearn.metrics import roc_auc_score

    scores = predicted(model, split.held_x)
    truth = np.asarray(split.held_y).reshape(scores.shape) > 0.5
    return float(roc_auc_score(truth, scores))


def r_squared(model: Any, split: Split) -> float:
    """Return the share of the variance explained."""
    outputs = predicted(model, split.held_x)
    return program.r_squared(split.held_y, np.reshape(outputs, np.shape(split.held_y)))


def rank_correlation(model: Any, split: Split) -> float:
    """Return Spearman's rank correlation of one output with the true values."""
    from scipy.stats import spearmanr

    return float(
        spearmanr(np.ravel(split.held_y), predicted(model, split.held_x).ravel())[0]
    )


def below_constant(
    loss: Callable[[Any, Any], Any], constant: Callable[[Any], Any]
) -> Callable[[Any, Split], float]:
    """Return a score: the share of the constant prediction's loss that is avoided.

    Args:
        loss: ``(truth, predictions) -> losses`` of arrays.
        constant: Returns the best constant for the training targets.
    """

    def score(model: Any, split: Split) -> float:
        truth = np.asarray(split.held_y, float)
        outputs = predicted(model, split.held_x).astype(float).reshape(truth.shape)
        of_constant = loss(truth, np.full_like(truth, constant(np.asarray(split.y))))
        return float(1 - np.mean(loss(truth, outputs)) / np.mean(of_constant))

    return score
