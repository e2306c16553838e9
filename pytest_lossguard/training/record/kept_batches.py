"""Batches that a training is scored on and run again with: some of the first and last.

What runs eagerly is copied at once; a graph writes to variables that are read later.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend.batch import Batch
from ..backend.tensors import flatten, own_variable, to_numpy, value_of
from .last_value import LastValue, kind_of
from .recording import TapeRecord

__all__ = ["keep_batch", "pull_batch"]


def keep_batch(
    taped: TapeRecord, batch: tuple[Any, Any, Any], *, counts: bool, in_xla: bool
) -> None:
    """Keep a batch of a step at hand.

    Args:
        taped: Of the step.
        batch: Inputs, labels and weights.
        counts: Whether some of the first and last are kept; else some of the first
            that run eagerly and the last one of a graph.
        in_xla: Whether XLA compiles the step: it takes known shapes only.
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
    if kind not in taped.last_values:  # else each trace would orphan the last one's
        taped.last_values[kind] = LastValue(batch)
    taped.last_value = taped.last_values[kind]
    taped.last_value.assign(batch)
    if not counts:
        return
    if taped.batches_written is None:
        taped.batches_written = own_variable(np.int32(0))
    taped.batches_written.assign_add(1, read_value=False)


def pull_batch(taped: TapeRecord) -> None:
    """Read what a graph wrote last, where more batches are wanted."""
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
