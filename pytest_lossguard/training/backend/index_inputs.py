"""Which inputs a model reads as numbers, and which as indices into a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from .frameworks import keras
from .private_api import calls_of, flat_layers, functional_of, has_graph, input_name_of
from .tensors import flatten, is_composite

__all__ = ["reads_as_numbers"]

#: How a part of a model reads integers.
Reads = Literal["numbers", "indices", "unknown"]

#: Layers that look integers up.
_LOOK_UP = (
    keras.layers.Embedding,
    keras.layers.CategoryEncoding,
    keras.layers.Hashing,
    keras.layers.HashedCrossing,
    keras.layers.IntegerLookup,
    keras.layers.StringLookup,
)
#: Operations of `keras.ops` on a model's input that do.
_LOOK_UP_OPERATIONS = frozenset(
    {"OneHot", "Take", "TakeAlongAxis", "MultiHot", "Equal"}
)


def reads_as_numbers(model: Any, structure: Any) -> tuple[bool, ...]:
    """Whether integers in each array of a model's inputs are numbers, as gray levels
    are, and no indices.

    Where the model does not tell, as one with layers of the user's own, only `uint8`
    is taken for numbers: nobody keeps tokens or ids in it.

    Args:
        model: It; None where it was not seen.
        structure: Its inputs.
    """
    leaves = flatten(structure)
    kinds = ["" if is_composite(it) else np.asarray(it).dtype.kind for it in leaves]
    if not any(kind in "iu" for kind in kinds if kind):
        return (False,) * len(leaves)
    reads = _reads(model, structure, len(leaves))
    return tuple(
        kind != ""
        and kind in "iu"
        and (how == "numbers" or (how == "unknown" and _are_bytes(leaf)))
        for leaf, kind, how in zip(leaves, kinds, reads, strict=True)
    )


def _are_bytes(leaf: Any) -> bool:
    return bool(np.asarray(leaf).dtype == np.uint8)


def _reads(model: Any, structure: Any, count: int) -> list[Reads]:
    """How each input is read: by the graph of a functional model, else by all of
    the model's layers.
    """
    functional = functional_of(model)
    inputs = flatten(getattr(functional, "inputs", None) or [])
    by_name = isinstance(structure, Mapping)
    if has_graph(functional) and len(inputs) == count:
        if by_name:
            named = {input_name_of(it): it for it in inputs}
            inputs = [named.get(key) for key in sorted(structure)]
        if all(it is not None for it in inputs):
            return [_read_from(functional, it) for it in inputs]
    return [_read_by(model)] * count


def _read_by(part: Any) -> Reads:
    """How a layer or a whole model, whatever comes in where, reads integers."""
    if part is None:
        return "unknown"
    layers = flat_layers(part)
    if any(isinstance(it, _LOOK_UP) for it in layers):
        return "indices"
    unknown = (
        isinstance(it, keras.layers.Lambda)
        or not (isinstance(it, keras.Model) or type(it).__module__.startswith("keras."))
        for it in layers
    )
    return "unknown" if not layers or any(unknown) else "numbers"


def _read_from(model: Any, tensor: Any) -> Reads:
    """How an input is read by the layers that it reaches first."""
    consumers: dict[int, list[Any]] = {}
    for operation in model.operations:
        for node in calls_of(operation):
            for it in node.input_tensors:
                consumers.setdefault(id(it), []).append(node)
    found = set(_first_reads(consumers, tensor, set()))
    for how in ("indices", "unknown"):
        if how in found:
            return how
    return "numbers"


def _first_reads(
    consumers: Mapping[int, list[Any]], tensor: Any, seen: set[int]
) -> Iterator[Reads]:
    for node in consumers.get(id(tensor), ()):
        if id(node) in seen:
            continue
        seen.add(id(node))
        part = node.operation
        if isinstance(part, keras.layers.Layer):
            how = _read_by(part)
        else:
            is_look_up = type(part).__name__ in _LOOK_UP_OPERATIONS
            how = "indices" if is_look_up else "numbers"
        yield how
        if how == "numbers" and not getattr(part, "weights", ()):
            for output in node.outputs:  # it has only been reshaped so far
                yield from _first_reads(consumers, output, seen)
