"""Datasets that can be read once more without any side effect."""

from __future__ import annotations

from typing import Any

from ...core.errors import CannotChange, UsageError
from .data import ArrayData, first_rows, kept_arrays, rows_for_reruns
from .private_api import is_stateful, mapped_by, sources_of

#: Kinds of dataset that yield the same each time and keep no state between readings.
#: A shuffle keeps its seed, a cache the elements it has read, a generator anything.
_SAME_AGAIN = frozenset(
    f"{it}Dataset"
    for it in (
        *("Tensor", "TensorSlice", "Range", "Zip", "Concatenate", "Repeat", "Take"),
        *("Skip", "Batch", "ParallelBatch", "PaddedBatch", "Unbatch", "Prefetch"),
        *("Map", "ParallelMap", "Options"),
    )
)
#: Stateful operations that do not change their state.
_HARMLESS = frozenset(
    {"PartitionedCall", "StatefulPartitionedCall", "ReadVariableOp", "ReadFile"}
)


def rows_once_more(dataset: Any, *, whole: bool = False) -> ArrayData | None:
    """Read some rows of a dataset that was read before.

    Args:
        dataset: Dataset of batches, as `fit` takes them.
        whole: Whether only all its rows will do.

    Returns:
        The rows; None if reading them could have side effects, if they are not arrays,
        or if all are asked for and there may be more.
    """
    try:
        if not _is_the_same_again(dataset):
            return None
        found = rows_for_reruns(dataset) if whole else first_rows(dataset)
        if found.rows is None or (whole and not found.are_all):
            return None
        return kept_arrays(found.rows, found.rows_per_batch)
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
    """Whether no operation of a function changes state."""
    whole = graph.as_graph_def()
    nodes = [
        *whole.node,
        *(it for one in whole.library.function for it in one.node_def),
    ]
    return not any(it.op not in _HARMLESS and is_stateful(it.op) for it in nodes)
