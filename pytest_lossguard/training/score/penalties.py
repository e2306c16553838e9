"""The losses that a model has of its own: regularizers, and what it adds."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import tf
from ..backend.private_api import flat_layers
from ..backend.snapshot import Snapshot
from ..backend.tensors import as_tensor, first_of, map_structure, variable_key
from ..record.recording import Recording

__all__ = ["penalty_left_out"]

#: Rows that a model is called with.
_ROWS = 8


def penalty_left_out(recording: Recording, rows: Any) -> float:
    """The model's own losses in the end, where the loss that is differentiated is the
    data loss and no more; 0 where it is not, or neither is seen, or where gradients
    of the same variables were taken apart from it: they may be those of the penalty.
    """
    steps = recording.table()
    if not len(steps) or recording.model is None or not steps.data_loss_seen[-1]:
        return 0.0
    if steps.loss[-1] != steps.data_loss[-1]:
        return 0.0
    if not recording.apart.isdisjoint(map(variable_key, recording.variables)):
        return 0.0
    return _of_weights(recording) or _of_a_call(recording, rows)


def _of_weights(recording: Recording) -> float:
    keys = set(map(variable_key, recording.variables))
    penalties = (
        float(it.regularizer(it))
        for it in recording.model.trainable_variables
        if getattr(it, "regularizer", None) is not None and variable_key(it) in keys
    )
    return sum(penalties)


def _of_a_call(recording: Recording, rows: Any) -> float:
    """Of what it adds when it is called, as activity regularizers do."""
    model = recording.model
    if rows is None or not any(map(_may_add, flat_layers(model))):
        return 0.0
    now = Snapshot([*model.variables, *model.metrics_variables])
    try:
        some = map_structure(lambda it: as_tensor(first_of(it, _ROWS)), rows)
        model(some, training=True)
        return sum(float(tf.reduce_sum(it)) for it in model.losses)
    except Exception:  # any model of the user's may refuse to be called again
        return 0.0
    finally:
        now.restore()


def _may_add(layer: Any) -> bool:
    return bool(getattr(layer, "activity_regularizer", None) or layer.losses)
