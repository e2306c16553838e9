"""Keep the last values of tensors in a graph so that they can be read outside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.frameworks import tf
from ..backend.tensors import (
    as_tensor,
    is_composite,
    map_structure,
    own_variable,
    to_numpy,
)


def kind_of(structure: Any) -> str:
    """Return a key of a nested structure of tensors that does not depend on shapes."""
    return str(map_structure(_spec, structure))


class LastValue:
    """Variables that hold the last value of a nested structure of tensors.

    Args:
        structure: The tensors; leaves may be ragged, sparse or None.
    """

    def __init__(self, structure: Any) -> None:
        self._leaves = map_structure(_leaf, structure)

    def assign(self, structure: Any) -> None:
        """Store the values of a structure of the same kind; see `kind_of`."""
        map_structure(_assign, self._leaves, structure)

    def value(self) -> Any:
        """Return the values stored last, as NumPy arrays."""
        return to_numpy(map_structure(_value, self._leaves))


@dataclass(frozen=True, slots=True)
class _Leaf:
    spec: Any
    holders: tuple[Any, ...]


def _leaf(given: Any) -> _Leaf | None:
    if given is None:
        return None
    return _Leaf(_spec(given), tuple(map(_holder, _parts(given))))


def _assign(leaf: _Leaf | None, given: Any) -> None:
    if leaf is not None:
        for holder, part in zip(leaf.holders, _parts(given), strict=True):
            holder.assign(part)


def _value(leaf: _Leaf | None) -> Any:
    if leaf is None:
        return None
    parts = [it.value() for it in leaf.holders]
    return tf.nest.pack_sequence_as(leaf.spec, parts, expand_composites=True)


def _parts(given: Any) -> list[Any]:
    """Return the dense parts of a ragged or sparse tensor, or a dense tensor itself."""
    flat: list[Any] = tf.nest.flatten(as_tensor(given), expand_composites=True)
    return flat


def _spec(given: Any) -> Any:
    if given is None:
        return None
    unknown = [None] * given.shape.rank if is_composite(given) else None
    if isinstance(given, tf.RaggedTensor):
        ranks = given.ragged_rank, given.row_splits.dtype
        return tf.RaggedTensorSpec(unknown, given.dtype, *ranks)
    if isinstance(given, tf.SparseTensor):
        return tf.SparseTensorSpec(unknown, given.dtype)
    return tf.TensorSpec(None, tf.convert_to_tensor(given).dtype)


def _holder(tensor: Any) -> Any:
    """Create a variable for a dense tensor that accepts values of any shape."""
    known = tensor.shape.is_fully_defined()
    shape = tensor.shape if known else [0] * (tensor.shape.rank or 0)
    return own_variable(
        np.zeros(shape, tensor.dtype.as_numpy_dtype),
        shape=tf.TensorShape(None),
        validate_shape=False,
    )
