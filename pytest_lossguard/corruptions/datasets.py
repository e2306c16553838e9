"""Corruption of arrays or of a whole `tf.data.Dataset`.

Datasets are recognized by their methods: TensorFlow is not imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.errors import UsageError
from .leaves import Array
from .sample import sequence_like

#: The cardinality of an infinite dataset.
_INFINITE = -1


def corrupted(x: Any, y: Any, corrupt: Callable[..., tuple[Any, Any, Any]]) -> Any:
    """Corrupt inputs and targets, or a dataset of both.

    Args:
        x: Arrays in any structure, or a `tf.data.Dataset`.
        y: Targets, or None; must be None for a dataset.
        corrupt: As in `on_dataset`.

    Returns:
        ``(x, y)`` where both were given, else ``x``.

    Raises:
        UsageError: Targets were given beside a dataset.
    """
    if hasattr(x, "as_numpy_iterator"):
        if y is not None:
            raise UsageError(
                "corruption got y beside a dataset, which brings its own: call"
                " corruption(dataset)"
            )
        return on_dataset(x, corrupt)
    x, given, _ = corrupt(x, y)
    return x if y is None else (x, given)


def on_dataset(dataset: Any, corrupt: Callable[..., tuple[Any, Any, Any]]) -> Any:
    """Corrupt a whole `tf.data.Dataset` of rows or of batches.

    Args:
        dataset: A dataset with elements ``x``, ``(x, y)`` or
            ``(x, y, sample_weight)``.
        corrupt: Takes ``x``, ``y`` and sample weights, each None where missing, and
            returns the three corrupted.

    Returns:
        A dataset of the corrupted rows, with the batch size of ``dataset``.

    Raises:
        UsageError: The dataset is infinite or empty, or holds ragged or sparse data.
    """
    whole, batch = _whole(dataset)
    if isinstance(whole, tuple) and len(whole) in (2, 3):
        whole = sequence_like(whole, list(corrupt(*whole)[: len(whole)]))
    else:
        whole, *_ = corrupt(whole, None)
    made = dataset.from_tensor_slices(whole)
    if batch is None:
        return made
    even = len(_leaves(whole)[0]) % batch == 0
    fixed = even and not _has_open_batch(dataset)
    return made.batch(batch, drop_remainder=fixed)


def elements_of(dataset: Any) -> Any:
    """Return all rows of a `tf.data.Dataset` of rows or of batches, as whole arrays.

    Raises:
        UsageError: The dataset is infinite or empty, or holds ragged or sparse data.
    """
    return _whole(dataset)[0]


def _whole(dataset: Any) -> tuple[Any, int | None]:
    """Return all rows and the batch size, None for a dataset of single rows."""
    if int(dataset.cardinality()) == _INFINITE:
        raise UsageError(
            "corruption got a dataset without an end: corrupt it before .repeat()"
        )
    for spec in _leaves(dataset.element_spec):
        if type(spec).__name__ in ("RaggedTensorSpec", "SparseTensorSpec"):
            raise UsageError(
                "corruption cannot act on ragged or sparse tensors, but the dataset"
                f" holds {spec}: pad them, or make them dense, first"
            )
    elements = list(dataset.as_numpy_iterator())
    if not elements:
        raise UsageError("corruption got an empty dataset: give one with rows")
    batch = _batch_size(dataset, elements[0])
    return _gathered(np.stack if batch is None else np.concatenate, elements), batch


def _gathered(gather: Callable[[list[Any]], Array], elements: list[Any]) -> Any:
    """Combine the structures of all elements into one structure of whole arrays."""
    first = elements[0]
    if first is None:
        return None
    if isinstance(first, Mapping):
        return {key: _gathered(gather, [it[key] for it in elements]) for key in first}
    if isinstance(first, tuple):
        columns = (list(it) for it in zip(*elements, strict=True))
        return sequence_like(first, [_gathered(gather, it) for it in columns])
    try:
        return gather(elements)
    except ValueError:
        raise UsageError(
            "corruption cannot act on ragged data, but the dataset holds elements of"
            " different shapes: pad them to one length first"
        ) from None


def _leaves(structure: Any) -> list[Any]:
    if isinstance(structure, Mapping):
        structure = tuple(structure.values())
    if isinstance(structure, tuple):
        return [leaf for part in structure for leaf in _leaves(part)]
    return [] if structure is None else [structure]


def _batch_size(dataset: Any, element: Any) -> int | None:
    """Return the number of rows per element, None if each element is one row."""
    shapes = [np.shape(leaf) for leaf in _leaves(element)]
    sizes = {shape[:1] for shape in shapes}
    if len(sizes) != 1 or sizes == {()}:
        return None
    batched = _has_open_batch(dataset) or _is_batched(dataset)
    if batched is None:
        batched = any(len(shape) > 1 for shape in shapes)
    return int(shapes[0][0]) if batched else None


def _has_open_batch(dataset: Any) -> bool:
    """Whether the size of the first axis is open, as without drop_remainder."""
    shapes = [getattr(it, "shape", None) for it in _leaves(dataset.element_spec)]
    return any(it is not None and it.rank and it[0] is None for it in shapes)


def _is_batched(dataset: Any) -> bool | None:
    """Whether the last transformation that made or unmade batches made them; None if
    there is no such transformation.
    """
    step = type(dataset).__name__
    if "Unbatch" in step or "TensorSlice" in step:
        return False
    if "Batch" in step:
        return True
    inputs: Any = getattr(dataset, "_inputs", tuple)()
    return _is_batched(inputs[0]) if inputs else None
