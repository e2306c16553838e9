"""Computes the held-out loss with class weights, which Keras leaves out, and the
weight penalties that Keras adds.
"""

from __future__ import annotations

from typing import Any

from ..backend.data import ArrayData
from ..backend.snapshot import preserved_seeds, stateful_layers
from ..backend.tensors import RowsFunction
from ..record.recording import Recording
from .scorer import Scorer, as_tensors


class HeldOutLoss:
    """Scores the held-out rows of a training with ``class_weight`` by the loss that the
    training minimizes; Keras leaves class weights out of ``val_loss``.
    """

    def __init__(self, model: Any, data: ArrayData | None) -> None:
        self._batch = None
        if data is not None and len(data) and not stateful_layers(model):
            self._batch = as_tensors(data.probe())
        self._scorer: Scorer | None = None

    def loss(self, recording: Recording) -> float | None:
        """Return the loss with the current weights; None if it cannot be computed."""
        known = recording.taped.model_and_loss
        if self._batch is None or known is None:
            return None
        try:
            with preserved_seeds():
                scorer = self._scorer or Scorer(known, None, RowsFunction)
                self._scorer = scorer
                return scorer.probe(self._batch).loss
        except Exception:  # a user's model may raise when it is called again
            self._batch = None
            return None


def penalty_of_weights(model: Any) -> float:
    """Return the sum of weight regularization that Keras includes in ``val_loss``."""
    known = ((getattr(it, "regularizer", None), it) for it in model.trainable_variables)
    return float(sum(float(it(variable)) for it, variable in known if it is not None))
