"""What is known of the data of a training, beside the statistics of columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...core.changed_labels import changed_labels
from ...core.data_facts import DataFacts
from ...core.leaks import target_among_inputs
from ...core.lone_targets import share_of_lone_targets
from ...core.turned_targets import turned_targets
from ..backend.batch import Batch
from ..backend.data import ArrayData
from ..backend.tensors import arrays_of

__all__ = ["facts_of_data", "with_what_came_again"]


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


def with_what_came_again(fed: DataFacts, batches: Sequence[Batch]) -> DataFacts:
    """What is known of rows that came again with another class, or a mirrored target;
    nothing where rows have weights, as those of actions that are drawn anew.
    """
    if any(arrays_of(it.sample_weight) for it in batches):
        return fed
    rows = [(arrays_of(it.x), arrays_of(it.y)) for it in batches]
    return replace(
        fed, changed_labels=changed_labels(rows), turned_targets=turned_targets(rows)
    )
