"""Losses of predictions that do not look at the inputs: the best constant, the middle
of the targets' range, and the targets themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.constant_predictions import (
    constant_candidates,
    perfect_candidates,
    uninformed_prediction,
)
from ..backend.batch import Batch
from ..backend.frameworks import keras, tf
from ..backend.tensors import flatten, is_composite
from .loss_parts import smoothing_of

#: A prediction with at most this loss is perfect.
_NOTHING = 1e-5
#: Scores predictions: called with targets, weights, the prediction of each output, and
#: the masks.
_Score = Callable[[Any, Any, list[Any], list[Any]], Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to predict.

    Attributes:
        batch: The rows.
        outputs: ``tf.TensorSpec`` of each output of the model.
        masks: Returns the Keras mask of each output; empty if no output has one.
    """

    batch: Batch
    outputs: list[Any]
    masks: Callable[[], list[Any]]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The shape of each output for one row."""
        return [tuple(it.shape[1:]) for it in self.outputs]

    @property
    def targets(self) -> list[Any]:
        """The targets, one per output; empty where they match no constant."""
        targets = flatten(self.batch.y)
        if len(targets) != len(self.outputs) or any(map(is_composite, targets)):
            return []
        return [np.asarray(it) for it in targets]


def best_constant(
    rows: Rows, score: _Score, *, probabilities: bool
) -> tuple[float, str, list[Any]] | None:
    """Choose the best constant of each output in turn; outputs that come later keep
    their first candidate meanwhile.

    Args:
        rows: The rows.
        score: Scores one prediction for all rows.
        probabilities: Whether all outputs lie between 0 and 1.

    Returns:
        The loss, the name and the constants; None if there is no candidate, or none
        has a finite loss.
    """
    masks = rows.masks()
    candidates = _candidates(rows, masks, probabilities=probabilities)
    batch, dtype = rows.batch, keras.backend.floatx()
    chosen, best = [0] * len(candidates), np.inf
    for output, choices in enumerate(candidates):
        losses = []
        for index in range(len(choices)):
            picks = [*chosen[:output], index, *chosen[output + 1 :]]
            trial = [
                tf.constant(list(choice.values())[pick], dtype)
                for choice, pick in zip(candidates, picks, strict=True)
            ]
            losses.append(float(score(batch.y, batch.sample_weight, trial, masks)))
        finite = np.where(np.isfinite(losses), losses, np.inf)
        chosen[output] = int(np.argmin(finite))
        best = float(finite.min())
    if not np.isfinite(best):
        return None
    names = [
        list(choice)[pick] for choice, pick in zip(candidates, chosen, strict=True)
    ]
    leaves = [
        tf.constant(choice[it], dtype)
        for choice, it in zip(candidates, names, strict=True)
    ]
    return best, names[0] if len(set(names)) == 1 else "constants", leaves


def _candidates(
    rows: Rows, masks: list[Any], *, probabilities: bool
) -> list[dict[str, Any]]:
    """Return candidate constants for each output; empty if an output has none."""
    targets, weights = flatten(rows.batch.y), flatten(rows.batch.sample_weight)
    if len(rows.shapes) != len(targets):
        return []
    if len(weights) != len(targets):
        weights = weights[:1] * len(targets) or [None] * len(targets)
    masks = masks or [None] * len(targets)
    candidates = [
        constant_candidates(
            np.asarray(target),
            shape,
            weights=_counting(weight, mask),
            probabilities=probabilities,
        )
        for target, shape, weight, mask in zip(
            targets, rows.shapes, weights, masks, strict=True
        )
    ]
    return candidates if all(candidates) else []


def _counting(weight: Any, mask: Any) -> Any:
    """Return the weight of each row or position in the loss, mask included; None if
    there are neither weights nor a mask.
    """
    if mask is None:
        return None if weight is None else np.asarray(weight)
    counts = np.asarray(mask, np.float64)
    if weight is None:
        return counts
    given = np.asarray(weight, np.float64)
    return counts * given.reshape(*given.shape, *[1] * (counts.ndim - given.ndim))


def loss_of_middle(rows: Rows, score: _Score) -> float | None:
    """Return the loss of the middle of the targets' range, or of the same probability
    for each class; None if there is none.
    """
    pairs = zip(rows.targets, rows.shapes, strict=False)
    middles = [uninformed_prediction(target, shape) for target, shape in pairs]
    if not middles or any(it is None for it in middles):
        return None
    leaves = [tf.constant(it, keras.backend.floatx()) for it in middles]
    loss = float(score(rows.batch.y, rows.batch.sample_weight, leaves, rows.masks()))
    return loss if np.isfinite(loss) else None


def least_loss(rows: Rows, loss: Any, score: _Score) -> float | None:
    """Return the lowest loss that predictions made from the targets reach.

    Args:
        rows: The rows.
        loss: The loss object.
        score: Scores a prediction for each row.
    """
    outputs, targets, batch = rows.outputs, rows.targets, rows.batch
    candidates = [
        perfect_candidates(*it)
        for it in zip(
            targets, rows.shapes, smoothing_of(loss, len(outputs)), strict=False
        )
    ]
    if not candidates or not all(candidates):
        return None
    masks = rows.masks()
    chosen, best = [next(iter(it.values())) for it in candidates], np.inf
    for output, choices in enumerate(candidates):
        for prediction in choices.values():
            trial = [*chosen[:output], prediction, *chosen[output + 1 :]]
            leaves = [
                tf.constant(leaf, it.dtype)
                for leaf, it in zip(trial, outputs, strict=True)
            ]
            try:
                found = float(score(batch.y, batch.sample_weight, leaves, masks))
            except Exception:  # a custom loss may raise for these predictions
                return None
            if found < best:
                best, chosen = found, trial
            if 0 <= best <= _NOTHING:
                break
    return best if np.isfinite(best) else None
