"""What is known of the data of a training, beside the statistics of columns."""

from __future__ import annotations

from dataclasses import replace

from ...core.data_facts import DataFacts
from ...core.leaks import target_among_inputs
from ...core.lone_targets import share_of_lone_targets
from ..backend.batch import Batch
from ..backend.data import ArrayData
from ..backend.tensors import arrays_of

__all__ = ["facts_of_data"]


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
