"""The held-out loss without what Keras leaves out of it or adds to it."""

from __future__ import annotations

from typing import Any

from ..backend.data import ArrayData
from ..backend.private_api import flat_layers
from ..backend.snapshot import preserved_seeds
from ..backend.tensors import RowsFunction
from ..record.recording import Recording
from .scorer import Scorer, as_tensors

__all__ = ["HeldOutLoss", "penalty_of_weights"]


class HeldOutLoss:
    """Held-out rows of a training with ``class_weight``, by the loss that it minimizes:
    Keras leaves the weights of the classes out of its own ``val_loss``.
    """

    def __init__(self, model: Any, data: ArrayData | None) -> None:
        layers = flat_layers(model)
        has_state = any(getattr(it, "stateful", False) for it in layers)
        self._batch = None
        if data is not None and len(data) and not has_state:
            self._batch = as_tensors(data.probe())
        self._scorer: Scorer | None = None

    def loss(self, recording: Recording) -> float | None:
        """Of the model as it is; None where it cannot be scored."""
        known = recording.taped.model_and_loss
        if self._batch is None or known is None:
            return None
        try:
            with preserved_seeds():
                scorer = self._scorer or Scorer(known, None, RowsFunction)
                self._scorer = scorer
                return scorer.probe(self._batch).loss
        except Exception:  # any model of the user's may refuse to be called again
            self._batch = None
            return None


def penalty_of_weights(model: Any) -> float:
    """What penalties on weights add to the ``val_loss`` of Keras."""
    known = ((getattr(it, "regularizer", None), it) for it in model.trainable_variables)
    return float(sum(float(it(variable)) for it, variable in known if it is not None))
