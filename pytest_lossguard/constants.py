"""Constant predictions worth trying: one of them is what the loss likes best.

Mean squared error prefers the mean, absolute error the median, cross-entropy the
class frequencies, from probabilities or as logits; a loss of the user's own may
prefer any of them. Each is only a candidate: the training's own loss decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .trace import Floats

__all__ = ["LOSSES_WITHOUT_FLOOR", "constant_candidates", "uninformed_prediction"]

#: Losses whose zero means nothing even where they stay above it.
LOSSES_WITHOUT_FLOOR = frozenset({"poisson"})

#: A constant fitted to each output position needs this many rows; with fewer
#: it would repeat the labels, and one number for all positions is used.
_ROWS_PER_POSITION = 10
#: One number fitted to so few labels still leaves most of their spread.
_ROWS_FOR_ONE = 4
_EPSILON = 1e-6
_LOG, _LOG_ODDS = "the log of the mean", "the log-odds of the mean"
_LOG_FREQUENCIES, _MAJORITY = "the log of the class frequencies", "the majority"
_UNBOUNDED = frozenset({_LOG, _LOG_ODDS, _LOG_FREQUENCIES, _MAJORITY})


def constant_candidates(
    targets: NDArray[np.generic],
    prediction_shape: tuple[int, ...],
    *,
    probabilities: bool = False,
) -> dict[str, Floats]:
    """Constants to try for one output.

    Args:
        targets: Labels of shape ``(rows, ...)``: values, one-hot rows or
            class indices.
        prediction_shape: Shape of the model's output for one row.
        probabilities: The output gives values from 0 to 1 only: logits, which
            some losses would score as impossibly good probabilities, are left out.

    Returns:
        Name of each constant and its value, of shape ``prediction_shape``.
        Empty where targets are not numeric or fit no such output.
    """
    if targets.dtype.kind not in "fiub" or len(targets) == 0:
        return {}
    found = _candidates(targets, prediction_shape)
    if not probabilities:
        return found
    return {name: value for name, value in found.items() if name not in _UNBOUNDED}


def uninformed_prediction(
    targets: NDArray[np.generic], prediction_shape: tuple[int, ...]
) -> Floats | None:
    """What one predicts who only knows which targets there can be: the middle of their
    range, of classes each alike.

    A constant that costs far less is a cheap one: most rows have the same target.

    Args:
        targets: As of `constant_candidates`.
        prediction_shape: Likewise.

    Returns:
        An array of that shape; None where targets are not numeric or fit no such
        output.
    """
    if targets.dtype.kind not in "fiub" or len(targets) == 0:
        return None
    values = targets.astype(np.float64)
    size = int(np.prod(prediction_shape))
    per_row = values.reshape(len(values), -1)
    classes = prediction_shape[-1] if prediction_shape else 1
    if not np.isfinite(per_row).all():
        return None
    if size not in (1, per_row.shape[1]):
        fits = per_row.shape[1] * classes == size
        return np.full(prediction_shape, 1.0 / classes) if fits else None
    if per_row.shape[1] != size:
        per_row = per_row.reshape(-1, 1)
    middle = (per_row.min(axis=0) + per_row.max(axis=0)) / 2
    return np.asarray(middle.reshape(prediction_shape), np.float64)


def _candidates(
    targets: NDArray[np.generic], prediction_shape: tuple[int, ...]
) -> dict[str, Floats]:
    values = targets.astype(np.float64)
    size = int(np.prod(prediction_shape))
    per_row = values.reshape(len(values), -1)
    if not np.isfinite(per_row).all():
        return {}
    if per_row.shape[1] == size:
        return _of_values(per_row, prediction_shape)
    classes = prediction_shape[-1] if prediction_shape else 1
    if per_row.shape[1] * classes == size:
        return {
            **_of_classes(per_row, classes, prediction_shape),
            **_of_values(per_row.reshape(-1, 1), prediction_shape),
        }
    if size == 1:
        return _of_values(per_row.reshape(-1, 1), prediction_shape)
    return {}


def _of_values(per_row: Floats, shape: tuple[int, ...]) -> dict[str, Floats]:
    if len(per_row) < _ROWS_PER_POSITION:
        per_row = per_row.reshape(-1, 1)
        if len(per_row) < _ROWS_FOR_ONE:
            return {}
    mean, median = per_row.mean(axis=0), np.median(per_row, axis=0)
    share = np.clip(mean, _EPSILON, 1 - _EPSILON)
    found = {
        "the mean": mean,
        "the median": median,
        "0": np.zeros_like(mean),
        _LOG: np.log(np.maximum(mean, _EPSILON)),
        _LOG_ODDS: np.log(share / (1 - share)),
    }
    if mean.size == 1:  # what a hinge loss prefers for labels 0/1 or -1/1
        low, high = float(per_row.min()), float(per_row.max())
        sign = 1.0 if float(mean[0]) > (low + high) / 2 else -1.0
        found[_MAJORITY] = np.full_like(mean, sign)
    return {
        name: np.broadcast_to(
            value.reshape(shape) if value.size == np.prod(shape) else value, shape
        )
        for name, value in found.items()
    }


def _of_classes(
    indices: Floats, classes: int, shape: tuple[int, ...]
) -> dict[str, Floats]:
    if (
        indices.size < _ROWS_PER_POSITION
        or indices.min() < 0
        or indices.max() >= classes
        or not np.array_equal(indices, np.round(indices))
    ):
        return {}
    counts = np.bincount(indices.astype(np.int64).ravel(), minlength=classes)
    share = counts / counts.sum()
    return {
        "the class frequencies": np.broadcast_to(share, shape),
        _LOG_FREQUENCIES: np.broadcast_to(np.log(np.maximum(share, _EPSILON)), shape),
    }
