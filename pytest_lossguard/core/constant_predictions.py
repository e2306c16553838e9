"""Candidates for the best constant prediction under a loss.

Mean squared error prefers the mean, absolute error the median, cross-entropy the class
frequencies, as probabilities or as logits; a custom loss may prefer any of them. The
training's loss decides among these candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .trace import Floats

#: Minimum number of rows for a separate constant at each output position. With fewer
#: rows such constants would repeat the labels, so one number is used for all positions.
_ROWS_PER_POSITION = 10
#: Minimum number of labels for a single constant, which still leaves most of their
#: spread.
_ROWS_FOR_ONE = 4
_EPSILON = 1e-6
_LOG, _LOG_ODDS = "the log of the mean", "the log-odds of the mean"
_LOG_FREQUENCIES, _MAJORITY = "the log of the class frequencies", "the majority"
_UNBOUNDED = frozenset({_LOG, _LOG_ODDS, _LOG_FREQUENCIES, _MAJORITY})


def constant_candidates(
    targets: NDArray[np.generic],
    prediction_shape: tuple[int, ...],
    *,
    weights: NDArray[np.generic] | None = None,
    probabilities: bool = False,
) -> dict[str, Floats]:
    """Return the constant predictions to try for one output.

    Args:
        targets: Labels of shape ``(rows, ...)``: values, one-hot rows or class indices.
        prediction_shape: Shape of the model's output for one row.
        weights: Weight of each row, or of each position of it; None for equal weights.
        probabilities: Whether the output only gives values from 0 to 1. Logits are then
            left out, since some losses would score them as impossibly good
            probabilities.

    Returns:
        Values by name, each of shape ``prediction_shape``. Empty if the targets are not
        numeric or do not fit such an output.
    """
    if targets.dtype.kind not in "fiub" or len(targets) == 0:
        return {}
    values = targets.astype(np.float64)
    counts = _counts(values, weights)
    if not counts.any():
        return {}
    found = _candidates(values, counts, prediction_shape)
    if not probabilities:
        return found
    return {name: value for name, value in found.items() if name not in _UNBOUNDED}


def uninformed_prediction(
    targets: NDArray[np.generic], prediction_shape: tuple[int, ...]
) -> Floats | None:
    """Return the prediction of a model that only knows the possible targets: the middle
    of their range, or equal shares for classes.

    If the best constant costs far less, it is an easy one: most rows have the same
    target.

    Args:
        targets: As in `constant_candidates`.
        prediction_shape: As in `constant_candidates`.

    Returns:
        An array of shape ``prediction_shape``; None if the targets are not numeric or
        do not fit such an output.
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


def perfect_candidates(
    targets: NDArray[np.generic], prediction_shape: tuple[int, ...], smoothing: float
) -> dict[str, Floats]:
    """Return the predictions that may have the lowest possible loss.

    Args:
        targets: As in `constant_candidates`; class indices give no candidates.
        prediction_shape: As in `constant_candidates`.
        smoothing: Label smoothing of the loss, from 0 to 1.

    Returns:
        Values by name, each of shape ``(rows, *prediction_shape)``.
    """
    size = int(np.prod(prediction_shape))
    if targets.dtype.kind not in "fiub" or targets.size != len(targets) * size:
        return {}
    values = targets.astype(np.float64).reshape(len(targets), *prediction_shape)
    found = {"the targets": values}
    if not values.size or not (values.min() >= 0 and values.max() <= 1):
        return found
    classes = prediction_shape[-1] if prediction_shape else 1
    ways = {2, max(2, classes)} if smoothing else {2}
    for count in sorted(ways):
        label = values * (1 - smoothing) + smoothing / count
        share = np.clip(label, _EPSILON, 1 - _EPSILON)
        text = f" of labels smoothed over {count}" if smoothing else ""
        if smoothing:
            found[f"the shares{text}"] = label
        found[f"the log-odds{text}"] = np.log(share / (1 - share))
        found[f"the logs{text}"] = np.log(share)
    return found


def _counts(targets: Floats, weights: NDArray[np.generic] | None) -> Floats:
    """Return the weight of each target, in the shape of the targets."""
    if weights is None:
        return np.ones_like(targets)
    given = np.asarray(weights, np.float64)
    for _ in range(2):  # a weight per row, or per position with columns
        while given.ndim > targets.ndim and given.shape[-1] == 1:
            given = given[..., 0]
        padded = given.reshape(*given.shape, *[1] * (targets.ndim - given.ndim))
        try:
            return np.broadcast_to(np.maximum(padded, 0.0), targets.shape)
        except ValueError:
            given = given.reshape(len(given), -1).mean(axis=1)
    return np.ones_like(targets)


def _candidates(
    values: Floats, counts: Floats, prediction_shape: tuple[int, ...]
) -> dict[str, Floats]:
    size = int(np.prod(prediction_shape))
    per_row = values.reshape(len(values), -1)
    weight = counts.reshape(per_row.shape)
    if not np.isfinite(per_row).all():
        return {}
    if per_row.shape[1] == size:
        return _of_values(per_row, weight, prediction_shape)
    classes = prediction_shape[-1] if prediction_shape else 1
    flat = per_row.reshape(-1, 1), weight.reshape(-1, 1)
    if per_row.shape[1] * classes == size:
        return {
            **_of_classes(*flat, classes, prediction_shape),
            **_of_values(*flat, prediction_shape),
        }
    if size == 1:
        return _of_values(*flat, prediction_shape)
    return {}


def _of_values(
    per_row: Floats, weight: Floats, shape: tuple[int, ...]
) -> dict[str, Floats]:
    if len(per_row) < _ROWS_PER_POSITION:
        per_row, weight = per_row.reshape(-1, 1), weight.reshape(-1, 1)
        if len(per_row) < _ROWS_FOR_ONE:
            return {}
    mean, median = _mean(per_row, weight), _median(per_row, weight)
    share = np.clip(mean, _EPSILON, 1 - _EPSILON)
    found = {
        "the mean": mean,
        "the median": median,
        "0": np.zeros_like(mean),
        _LOG: np.log(np.maximum(mean, _EPSILON)),
        _LOG_ODDS: np.log(share / (1 - share)),
    }
    if mean.size == 1:  # preferred by a hinge loss for labels 0/1 or -1/1
        low, high = float(per_row.min()), float(per_row.max())
        sign = 1.0 if float(mean[0]) > (low + high) / 2 else -1.0
        found[_MAJORITY] = np.full_like(mean, sign)
    return {
        name: np.broadcast_to(
            value.reshape(shape) if value.size == np.prod(shape) else value, shape
        )
        for name, value in found.items()
    }


def _mean(per_row: Floats, weight: Floats) -> Floats:
    total = weight.sum(axis=0)
    mean = (per_row * weight).sum(axis=0) / np.where(total > 0, total, 1.0)
    return np.asarray(mean)


def _median(per_row: Floats, weight: Floats) -> Floats:
    if (weight == weight.flat[0]).all():
        return np.asarray(np.median(per_row, axis=0))
    order = np.argsort(per_row, axis=0)
    upto = np.cumsum(np.take_along_axis(weight, order, axis=0), axis=0)
    middle = np.argmax(upto >= upto[-1] / 2, axis=0)[None]
    found = np.take_along_axis(order, middle, axis=0)
    return np.asarray(np.take_along_axis(per_row, found, axis=0)[0], np.float64)


def _of_classes(
    indices: Floats, weight: Floats, classes: int, shape: tuple[int, ...]
) -> dict[str, Floats]:
    indices, weight = indices[weight > 0], weight[weight > 0]
    if (
        indices.size < _ROWS_PER_POSITION
        or indices.min() < 0
        or indices.max() >= classes
        or not np.array_equal(indices, np.round(indices))
    ):
        return {}
    counts = np.bincount(indices.astype(np.int64).ravel(), weight.ravel(), classes)
    share = counts / counts.sum()
    return {
        "the class frequencies": np.broadcast_to(share, shape),
        _LOG_FREQUENCIES: np.broadcast_to(np.log(np.maximum(share, _EPSILON)), shape),
    }
