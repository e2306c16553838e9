"""Regularizers of a model, and whether the differentiated loss leaves out
``model.losses``: regularizers and ``add_loss``.
"""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import tf
from ..backend.private_api import flat_layers
from ..backend.snapshot import Snapshot, variables_and_states
from ..backend.tensors import as_tensor, first_of, map_structure, variable_key
from ..record.recording import Recording

#: Most rows that a model is called with.
_ROWS = 8


def penalty_left_out(recording: Recording, rows: Any) -> float:
    """Return the sum of ``model.losses`` at the end of a training whose differentiated
    loss is the data loss alone.

    Returns:
        0 if the differentiated loss includes more than the data loss, if either was not
        recorded, or if other gradients of the same variables were taken: those may be
        the gradients of the penalty.
    """
    steps = recording.table()
    if not len(steps) or recording.model is None or not steps.data_loss_seen[-1]:
        return 0.0
    if steps.loss[-1] != steps.data_loss[-1]:
        return 0.0
    if not recording.apart.isdisjoint(map(variable_key, recording.variables)):
        return 0.0
    return _of_weights(recording) or _of_a_call(recording, rows)


def has_regularizer(layer: Any) -> bool:
    """Whether a layer has a regularizer of its weights or outputs."""
    names = (it for it in dir(layer) if it.endswith("_regularizer"))
    return any(getattr(layer, it, None) is not None for it in names)


def _of_weights(recording: Recording) -> float:
    keys = set(map(variable_key, recording.variables))
    penalties = (
        float(it.regularizer(it))
        for it in recording.model.trainable_variables
        if getattr(it, "regularizer", None) is not None and variable_key(it) in keys
    )
    return sum(penalties)


def _of_a_call(recording: Recording, rows: Any) -> float:
    """Return the penalties that a call adds, as activity regularizers do."""
    model = recording.model
    if rows is None or not any(map(_may_add, flat_layers(model))):
        return 0.0
    now = Snapshot([*variables_and_states(model), *model.metrics_variables])
    try:
        some = map_structure(lambda it: as_tensor(first_of(it, _ROWS)), rows)
        model(some, training=True)
        return sum(float(tf.reduce_sum(it)) for it in model.losses)
    except Exception:  # a user's model may raise when it is called again
        return 0.0
    finally:
        now.restore()


def _may_add(layer: Any) -> bool:
    return bool(getattr(layer, "activity_regularizer", None) or layer.losses)
