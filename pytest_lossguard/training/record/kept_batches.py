"""Keep some of the first and last batches of a training, to score and rerun it.

Batches of eager steps are copied at once; graphs write them to variables that are read
later.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend.batch import Batch
from ..backend.tensors import flatten, own_variable, to_numpy, value_of
from .last_value import LastValue, kind_of
from .recording import TapeRecord


def keep_batch(
    taped: TapeRecord, batch: tuple[Any, Any, Any], *, counts: bool, in_xla: bool
) -> None:
    """Keep the batch of the current step if it is needed.

    Args:
        taped: Record of the step's tape, which keeps the batches.
        batch: Inputs, labels and weights.
        counts: Whether to keep some of the first and last batches; otherwise some of
            the first are kept of eager steps, and the last one of a graph.
        in_xla: Whether XLA compiles the step, which then needs known shapes.
    """
    if taped.graph is None:
        if taped.wants_data:
            taped.batches.append(Batch(*to_numpy(batch)))
        elif counts and taped.wants_late:
            taped.keep_late(Batch(*to_numpy(batch)))
        return
    if in_xla and not all(leaf.shape.is_fully_defined() for leaf in flatten(batch)):
        return
    kind = kind_of(batch)
    if kind not in taped.last_values:  # shared, so that earlier traces are read too
        taped.last_values[kind] = LastValue(batch)
    taped.last_value = taped.last_values[kind]
    taped.last_value.assign(batch)
    if not counts:
        return
    if taped.batches_written is None:
        taped.batches_written = own_variable(np.int32(0))
    taped.batches_written.assign_add(1, read_value=False)


def pull_batch(taped: TapeRecord) -> None:
    """Read the batch that a graph wrote last, if more batches are needed."""
    if taped.last_value is None or not (taped.wants_data or taped.wants_late):
        return
    count = int(value_of(taped.batches_written))
    if count != taped.pulled:
        taped.pulled = count
        batch = Batch(*taped.last_value.value())
        if taped.wants_data:
            taped.batches.append(batch)
        else:
            taped.keep_late(batch)
