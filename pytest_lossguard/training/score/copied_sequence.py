"""Checks whether a model only has to copy its input, for targets that equal an input at
the same positions or at the next ones.

At one position, ids are exchanged between rows. If those of the input first change the
prediction at this very position, and those of the target its loss, the model sees what
it has to predict there and nothing that comes later: a decoder whose targets were not
shifted. In an autoencoder, earlier predictions change too; where the model or the loss
shifts the ids itself, the two positions differ.

Where an input equals the targets one position later, no prediction may change with what
the input has there: a model that is not causal sees what it has to predict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.copied_sequence import (
    copied_sequences,
    exchanged,
    first_moved,
    places_to_test,
    positions_moved,
)
from ...core.relations import CopiedSequence
from ..backend.batch import Batch
from ..backend.frameworks import keras, tf
from ..backend.tensors import arrays_of, flatten, map_structure

#: Number of axes of predictions: rows, positions, and ids.
_AXES = 3


def copied_input(
    batch: Batch, predict: Callable[[Any], Any], score: Callable[..., Any]
) -> CopiedSequence | None:
    """Find an input sequence that the model only has to copy.

    Args:
        batch: Some rows that were trained on.
        predict: Function from inputs to the model's predictions.
        score: Function from labels, predictions and weights to the loss.
    """
    parts = (arrays_of(it) for it in batch.parts)
    found = [*copied_sequences(*parts)]
    seen = [fact for fact, ids in found if _is_seen(fact, ids, batch, predict, score)]
    # An encoder may see all of what its decoder must not: one that does not look ahead
    # is enough.
    causal = sum(it.ahead for it in seen) < sum(fact.ahead for fact, _ in found)
    return next((it for it in seen if not (it.ahead and causal)), None)


def _is_seen(
    copied: CopiedSequence,
    ids: Any,
    batch: Batch,
    predict: Callable[[Any], Any],
    score: Callable[..., Any],
) -> bool:
    """Whether a prediction is made from the value that it has to be, and, where they
    stand at the same position, from none after it.
    """
    end = ids.shape[1] - copied.ahead
    rows, positions = places_to_test(ids[:, :end])
    x, y, weight = (map_structure(lambda it: _rows(it, rows), it) for it in batch.parts)
    inputs, (labels,), ids = flatten(x), flatten(y), ids[rows]

    def outputs(moved: Any) -> Any:
        leaves = [*inputs[: copied.index], moved, *inputs[copied.index + 1 :]]
        leaves = [tf.convert_to_tensor(it) for it in leaves]
        return predict(keras.tree.pack_sequence_as(x, leaves))

    def gradient(moved: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(made)
            moved = keras.tree.pack_sequence_as(y, [tf.convert_to_tensor(moved)])
            value = score(moved, made, weight)
        return np.asarray(tape.gradient(value, made))

    def uses(position: int) -> bool:
        there = exchanged(inputs[copied.index], position + copied.ahead)
        moved = positions_moved(ids, plain, np.asarray(outputs(there)))
        return bool(moved[position] and (copied.ahead or not moved[:position].any()))

    made = outputs(inputs[copied.index])
    if not tf.is_tensor(made) or made.shape.rank != _AXES:
        return False
    plain = np.asarray(made)
    if not all(map(uses, positions)):
        return False
    slope = gradient(labels)
    return all(
        first_moved(ids, slope, gradient(exchanged(labels, it))) == it
        for it in positions
    )


def _rows(leaf: Any, rows: Any) -> Any:
    return None if leaf is None else np.asarray(leaf)[rows]
