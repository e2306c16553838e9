"""Checks whether a custom loss compares each prediction with the label of its own row.

The loss is called a few times on some rows, and its gradients with respect to the
predictions are compared: with the original labels, with labels permuted among the
rows, and with the label of one row repeated for all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from ...core.relations import LabelUse
from ..backend.batch import Batch
from ..backend.frameworks import is_of_keras, tf
from ..backend.private_api import compiled_loss
from ..backend.tensors import arrays_of, flatten
from ..record.recording import ModelAndLoss

#: Most rows that are compared, and the fewest that are conclusive.
_MOST_ROWS, _FEWEST_ROWS = 48, 4
#: Largest relative change of a gradient that may be rounding.
_ROUNDING = 1e-5
#: Largest deviation from 1 of a sum of probabilities, in half precision.
_ROUNDED_SUM = 1e-3

_Gradient = Callable[[Any, Any], Any]


def label_use(
    known: ModelAndLoss, name: str, batch: Batch, predict: Callable[[Any], Any]
) -> LabelUse | None:
    """Describe how a custom loss uses the labels, if not row by row.

    Built-in Keras losses and models with several losses are not checked, nor are
    labels that are all the same or equal to an input.

    Args:
        known: The model and its loss.
        name: The name of the loss for the report.
        batch: Some rows, with different labels.
        predict: Function from inputs to the model's predictions.

    Returns:
        None if the loss uses labels row by row, or was not checked.
    """
    if not _is_own(known) or known.model.losses:
        return None
    batch = _few(batch)
    inputs, labels = arrays_of(batch.x), arrays_of(batch.y)
    if len(labels) != 1 or not _tell_rows_apart(labels[0], inputs):
        return None
    y, outputs = labels[0], predict(batch.x)
    if tf.is_tensor(outputs) and outputs.shape.rank and len(outputs) == len(y):
        found = _used(_gradient_of(known.loss), y, outputs)
        if found is not None:
            use, changed = found
            return LabelUse(loss=name, use=use, rows=len(y), changed=changed)
    return None


def shared_rows(batch: Batch, predict: Callable[[Any], Any]) -> int:
    """Return the number of rows over which the outputs of each unit sum to 1, as after
    a softmax over the batch axis; 0 if they do not, or if each row sums to 1 too.
    """
    batch = _few(batch)
    for output in flatten(predict(batch.x)):
        if not tf.is_tensor(output) or output.shape.rank != 2:
            continue
        shares = np.asarray(output, np.float64)
        if len(shares) < 2 * _FEWEST_ROWS or shares.min() < 0:
            continue
        if _adds_up(shares.sum(axis=0)) and not _adds_up(shares.sum(axis=1)):
            return len(shares)
    return 0


def _adds_up(sums: Any) -> bool:
    return bool(np.all(np.abs(sums - 1) < _ROUNDED_SUM))


def _is_own(known: ModelAndLoss) -> bool:
    """Whether a model was compiled with a single loss that is not built into Keras."""
    given = getattr(known.model, "loss", None)
    if known.loss is not compiled_loss(known.model) or not callable(given):
        return False
    return not any(map(is_of_keras, (given, getattr(given, "fn", given))))


def _few(batch: Batch) -> Batch:
    """Return a batch of evenly spaced rows, without weights."""
    keep = slice(None, None, max(1, len(batch) // _MOST_ROWS))
    x, y = (
        tf.nest.map_structure(lambda it: np.asarray(it)[keep][:_MOST_ROWS], part)
        if arrays_of(part)
        else part
        for part in (batch.x, batch.y)
    )
    return Batch(x, y)


def _tell_rows_apart(labels: Any, inputs: list[Any]) -> bool:
    """Whether labels differ among rows, and do not equal an input."""
    rows = len(labels)
    if rows < _FEWEST_ROWS or labels.dtype.kind not in "fiub" or not inputs:
        return False
    if any(it.shape == labels.shape and np.array_equal(it, labels) for it in inputs):
        return False
    return len(np.unique(labels.reshape(rows, -1), axis=0)) > 1


def _gradient_of(loss: Any) -> _Gradient:
    def gradient(y: Any, predictions: Any) -> Any:
        predictions = tf.convert_to_tensor(predictions)
        with tf.GradientTape() as tape:
            tape.watch(predictions)
            value = tf.reduce_mean(loss(tf.convert_to_tensor(y), predictions))
        found = tape.gradient(value, predictions)
        return None if found is None else np.asarray(found, np.float64)

    return gradient


def _used(
    gradient: _Gradient, y: Any, outputs: Any
) -> tuple[Literal["ignored", "pairs", "as a set"], float] | None:
    """Return how a gradient depends on the labels, and how much it changes when they
    are permuted; None if it depends on which row has which label.
    """
    changes = []
    for predictions in _candidates(y, outputs):
        plain = gradient(y, predictions)
        if plain is None or not np.isfinite(plain).all() or not plain.any():
            continue
        exchanged = max(_change(plain, gradient(it, predictions)) for it in _orders(y))
        if exchanged > _ROUNDING:
            return None
        alike = (np.repeat(y[it : it + 1], len(y), axis=0) for it in _different(y))
        one = max(_change(plain, gradient(it, predictions)) for it in alike)
        changes.append((exchanged, one, predictions))
    if not changes:
        return None
    exchanged = max(it[0] for it in changes)
    if max(it[1] for it in changes) <= _ROUNDING:
        return "ignored", exchanged
    _, _, predictions = changes[0]
    return ("pairs" if _is_apart(gradient, y, predictions) else "as a set"), exchanged


def _candidates(y: Any, outputs: Any) -> Iterator[Any]:
    """Yield predictions to take the gradient at: the model's, and some in the range of
    the labels, because the slope of an absolute error tells only the sign of the error.
    """
    yield outputs.numpy()
    if int(np.prod(outputs.shape)) == y.size and y.dtype.kind == "f":
        mixed = (y + np.roll(y, 1, axis=0)) / 2 + 0.3 * np.std(y)
        yield mixed.reshape(outputs.shape).astype(outputs.dtype.as_numpy_dtype)


def _orders(y: Any) -> Iterator[Any]:
    """Yield permutations of the labels among the rows."""
    yield y[::-1]
    yield np.roll(y, 1, axis=0)
    yield y[np.random.default_rng(0).permutation(len(y))]


def _different(y: Any) -> list[int]:
    """Return the indices of the first two rows whose labels differ."""
    flat = y.reshape(len(y), -1)
    return [0, int(np.flatnonzero((flat != flat[0]).any(axis=1))[0])]


def _change(plain: Any, other: Any) -> float:
    """Return the largest difference of two gradients, relative to the largest value of
    ``plain``; infinity if ``other`` is None.
    """
    if other is None:
        return np.inf
    return float(np.max(np.abs(other - plain)) / np.max(np.abs(plain)))


def _is_apart(gradient: _Gradient, y: Any, predictions: Any) -> bool:
    """Whether the first row's gradient is independent of the other predictions."""
    plain = gradient(y, predictions)[:1]
    alone = np.repeat(predictions[:1], len(predictions), axis=0)
    return _change(plain, gradient(y, alone)[:1]) <= _ROUNDING if plain.any() else False
