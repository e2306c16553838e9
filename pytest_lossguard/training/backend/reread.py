"""Datasets that can be read once more without anybody noticing."""

from __future__ import annotations

from typing import Any

from ...core.errors import CannotChange, UsageError
from .batch import ENOUGH_ROWS
from .data import ArrayData, first_rows, kept_arrays
from .private_api import is_stateful, mapped_by, sources_of

__all__ = ["rows_once_more"]

#: Kinds of dataset that yield the same each time and keep nothing from one reading to
#: the next, as a shuffle keeps its seed, a cache what was read, a generator anything.
_SAME_AGAIN = frozenset(
    f"{it}Dataset"
    for it in (
        *("Tensor", "TensorSlice", "Range", "Zip", "Concatenate", "Repeat", "Take"),
        *("Skip", "Batch", "ParallelBatch", "PaddedBatch", "Unbatch", "Prefetch"),
        *("Map", "ParallelMap", "Options"),
    )
)
#: Operations that keep a state and leave it as it is.
_HARMLESS = frozenset(
    {"PartitionedCall", "StatefulPartitionedCall", "ReadVariableOp", "ReadFile"}
)


def rows_once_more(dataset: Any, most: int = ENOUGH_ROWS) -> ArrayData | None:
    """Some rows of a dataset of batches that was read before.

    Args:
        dataset: It.
        most: As many rows are enough.

    Returns:
        None where reading it could be noticed, or where its rows are no arrays.
    """
    try:
        if not _is_the_same_again(dataset):
            return None
        rows, rows_per_step = first_rows(dataset, most)
        return None if rows is None else kept_arrays(rows, rows_per_step)
    except (CannotChange, UsageError):
        return None
    except Exception:  # the user's own functions, or another version of TensorFlow
        return None


def _is_the_same_again(dataset: Any) -> bool:
    if type(dataset).__name__.lstrip("_") not in _SAME_AGAIN:
        return False
    graph = mapped_by(dataset)
    if graph is not None and not _is_pure(graph):
        return False
    return all(map(_is_the_same_again, sources_of(dataset)))


def _is_pure(graph: Any) -> bool:
    """Whether no operation of a function has a state that running it moves."""
    whole = graph.as_graph_def()
    nodes = [
        *whole.node,
        *(it for one in whole.library.function for it in one.node_def),
    ]
    return not any(it.op not in _HARMLESS and is_stateful(it.op) for it in nodes)
