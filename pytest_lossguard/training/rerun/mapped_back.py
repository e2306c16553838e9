"""Scores a changed program by the loss and on the targets of the original program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...core.change import Change, ChangeName
from ..backend.data import ArrayData
from ..backend.frameworks import tf
from ..backend.private_api import compiled_loss
from ..backend.snapshot import Snapshot
from ..backend.tensors import as_tensor, flatten, map_structure
from ..record.recording import ModelAndLoss
from ..score.scorer import Scorer, as_tensors
from .data_changes import standards

#: Changes after which predictions can be mapped back to those of the original program.
_READABLE: frozenset[ChangeName] = frozenset(
    {"standardize_targets", "canonical_output"}
)
#: Changes of the task itself: the original program has to be scored on the changed
#: targets and rows to be comparable.
_EASIER: frozenset[ChangeName] = frozenset({"clip_targets", "balance_classes"})
_TINY = 1e-7


def measures_otherwise(changes: Sequence[Change]) -> bool:
    """Whether the loss of a rerun with these changes has another unit or task than the
    original loss.
    """
    return any(it.kind in _READABLE | _EASIER for it in changes)


def easier(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes of the task itself."""
    return tuple(it for it in changes if it.kind in _EASIER)


class MeasuredOtherwise:
    """Scores another program by the loss and on the targets of a reference program, so
    that both losses have the same unit.

    Args:
        model: The reference program, built and compiled.
        data: The rows and targets of the reference program.
        inputs: The same rows as the scored program takes them.
        changes: The changes from the reference to the scored program.
        rows_per_step: Rows per step of the reference program.

    Attributes:
        loss: The loss after `score`; None if the predictions cannot be mapped back or
            scored.
    """

    def __init__(
        self,
        model: Any,
        data: ArrayData,
        inputs: ArrayData,
        changes: Sequence[Change],
        rows_per_step: int,
    ) -> None:
        self.loss: float | None = None
        self._model, self._data, self._inputs = model, data, inputs
        self._kinds = {it.kind: it for it in changes}
        self._rows = rows_per_step

    def score(self, trained: Any) -> None:
        """Score a trained program; ``loss`` is None if that fails."""
        by = compiled_loss(self._model)
        if by is None or len(self._inputs) != len(self._data):
            return
        try:
            with Snapshot(self._model.metrics_variables).in_force():
                self.loss = self._least(by, trained)
        except Exception:  # a user's model or loss may raise here
            self.loss = None

    def _least(self, loss: Any, trained: Any) -> float | None:
        scorer = Scorer(ModelAndLoss(self._model, loss), self._rows)
        batch = as_tensors(self._data.probe())
        x = map_structure(as_tensor, self._inputs.probe().x)
        wanted = self._model(batch.x, training=False)
        predictions = trained(x, training=False)
        costs = [
            scorer.cost(batch, it) for it in self._mapped_back(predictions, wanted)
        ]
        finite = [it for it in costs if np.isfinite(it)]
        return min(finite, default=None)

    def _mapped_back(self, predictions: Any, wanted: Any) -> Iterator[Any]:
        """Map predictions back to the targets of the reference program.

        Yields:
            Each way to read the predictions; the one with the lowest loss counts.
        """
        if "standardize_targets" in self._kinds:
            columns = self._kinds["standardize_targets"].at
            how = iter([standards(it, columns) for it in flatten(self._data.y)])
            predictions = map_structure(lambda it: _undone(it, next(how)), predictions)
        shapes = [it.shape for it in flatten(wanted)]
        if [it.shape for it in flatten(predictions)] == shapes:
            yield predictions
            if "canonical_output" in self._kinds:
                yield from _as_logits(predictions)
        elif "canonical_output" in self._kinds and shapes[0][1:] == (1,):
            classes = tf.constant(np.unique(np.asarray(flatten(self._data.y)[0])))
            named = tf.gather(classes, tf.argmax(predictions, axis=-1))
            yield tf.cast(named, wanted.dtype)[..., None]


def _undone(predictions: Any, how: tuple[Any, Any]) -> Any:
    mean, std = how
    return predictions * tf.cast(std, predictions.dtype) + tf.cast(
        mean, predictions.dtype
    )


def _as_logits(shares: Any) -> Iterator[Any]:
    if bool(tf.reduce_all((shares >= 0) & (shares <= 1))):
        inside = tf.clip_by_value(shares, _TINY, 1 - _TINY)
        yield tf.math.log(inside / (1 - inside))
        yield tf.math.log(inside)
