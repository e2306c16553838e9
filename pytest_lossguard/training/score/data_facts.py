"""What is known of the data of a training, beside the statistics of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...core.changed_labels import changed_labels
from ...core.data_facts import ChangedLabels, DataFacts
from ...core.leaks import target_among_inputs
from ...core.lone_targets import share_of_lone_targets
from ..backend.batch import Batch
from ..backend.data import ArrayData
from ..backend.tensors import arrays_of

__all__ = ["changed_labels_of", "facts_of_data"]


def facts_of_data(
    seen: ArrayData | Batch | None, fed: DataFacts | None = None
) -> DataFacts | None:
    """Of the rows that a training was fed, or a sample of them.

    Args:
        seen: The rows.
        fed: What is known of how they came.
    """
    if seen is None:
        return fed
    inputs, targets = arrays_of(seen.x), arrays_of(seen.y)
    return replace(
        fed or DataFacts(),
        among_inputs=target_among_inputs(inputs, targets),
        lone_targets=share_of_lone_targets(targets),
    )


def changed_labels_of(batches: Sequence[Batch]) -> ChangedLabels | None:
    """Rows that came again with another class; none where rows have weights, as those
    of actions that are drawn anew.
    """
    if any(arrays_of(it.sample_weight) for it in batches):
        return None
    return changed_labels([(arrays_of(it.x), arrays_of(it.y)) for it in batches])
