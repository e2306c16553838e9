"""Constant predictions worth trying: one of them is what the loss likes best.

Mean squared error prefers the mean, absolute error the median, cross-entropy the
class frequencies, from probabilities or as logits; a loss of the user's own may
prefer any of them. Each is only a candidate: the training's own loss decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .trace import Floats

__all__ = [
    "constant_candidates",
    "perfect_candidates",
    "uninformed_prediction",
]

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
    weights: NDArray[np.generic] | None = None,
    probabilities: bool = False,
) -> dict[str, Floats]:
    """Constants to try for one output.

    Args:
        targets: Labels of shape ``(rows, ...)``: values, one-hot rows or
            class indices.
        prediction_shape: Shape of the model's output for one row.
        weights: What each row counts, or each position of it; None where all count
            alike.
        probabilities: The output gives values from 0 to 1 only: logits, which
            some losses would score as impossibly good probabilities, are left out.

    Returns:
        Name of each constant and its value, of shape ``prediction_shape``.
        Empty where targets are not numeric or fit no such output.
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
    """What one predicts who only knows which targets there can be: the middle of their
    range, of classes each alike.

    A constant that costs far less is a cheap one: most rows have the same target.

    Args:
        targets: As of `constant_candidates`.
        prediction_shape: As of `constant_candidates`.

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


def perfect_candidates(
    targets: NDArray[np.generic], prediction_shape: tuple[int, ...], smoothing: float
) -> dict[str, Floats]:
    """Predictions that may cost the least: one of them is what the loss calls perfect.

    Args:
        targets: As for `constant_candidates`; class indices give none.
        prediction_shape: As for `constant_candidates`.
        smoothing: How far the loss moves labels toward each other, from 0 to 1.

    Returns:
        Name of each and its values, of shape ``(rows, *prediction_shape)``.
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
    """What each target counts, of the shape of the targets."""
    if weights is None:
        return np.ones_like(targets)
    given = np.asarray(weights, np.float64)
    for _ in range(2):  # a weight a row, or a position with columns
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
