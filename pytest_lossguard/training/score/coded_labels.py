"""Compares the classes that a model predicts with the labels of held-out rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.coded_labels import (
    Agreement,
    Classified,
    agreement,
    predicted_classes,
)
from ...core.near_rows import nearer_to_one_another
from ...core.rows import class_of_rows
from ..backend.batch import Batch
from ..backend.private_api import (
    call_model,
    compiled_loss,
    takes_logits,
)
from ..backend.snapshot import live_statistics, stateful_layers, unchanged
from ..backend.tensors import arrays_of, flatten
from .loss_parts import parts_of
from .scorer import as_tensors


def agreement_of_model(model: Any, trained: Batch, held_out: Batch) -> Agreement | None:
    """Compare predictions of the current weights with the labels of both batches, and
    restore all variables and seeds.

    Returns:
        None if the rows have no classes, or the model cannot be called again.
    """
    if stateful_layers(model):
        return None

    def predict(batch: Batch) -> Any:
        return call_model(model, as_tensors(batch).x)

    with unchanged(model), live_statistics(model):
        return agreement_by(predict, compiled_loss(model), trained, held_out)


def agreement_by(
    predict: Callable[[Batch], Any], loss: Any, trained: Batch, held_out: Batch
) -> Agreement | None:
    """Compare predictions with the labels of both batches.

    Args:
        predict: Function from a batch of arrays to the outputs of the model.
        loss: The loss that the model was trained by.
        trained: Some training rows.
        held_out: Some held-out rows.

    Returns:
        None if the rows have no classes, or the model cannot be called again.
    """
    try:
        one = _classified(predict, loss, trained)
        other = None if one is None else _classified(predict, loss, held_out)
        if one is None or other is None:
            return None
        (mine, classes), (theirs, _) = one, other
        found = agreement(mine, theirs, classes)
        inputs = arrays_of(held_out.x), arrays_of(trained.x)
        near = None if found is None else nearer_to_one_another(*inputs)
        if found is None or near is None:
            return found
        return replace(found, nearer=near[0], compared=near[1])
    except Exception:  # a user's model may raise when it is called again
        return None


def _classified(
    predict: Callable[[Batch], Any], loss: Any, batch: Batch
) -> tuple[Classified, int] | None:
    """Return labels and predicted classes of a batch, and the number of classes."""
    labels = class_of_rows(arrays_of(batch.y))
    if labels is None:
        return None
    outputs = flatten(predict(batch))
    if len(outputs) != 1 or len(outputs[0]) != len(labels):
        return None
    parts = (getattr(it, "loss", it) for it in parts_of(loss))
    are_logits = any(map(takes_logits, parts))
    found = predicted_classes(np.asarray(outputs[0]), are_logits=are_logits)
    return None if found is None else (Classified(found[0], labels), found[1])
