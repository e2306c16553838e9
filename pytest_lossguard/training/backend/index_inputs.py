"""Whether a model reads integer inputs as numbers or as indices into a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from .frameworks import keras
from .private_api import calls_of, flat_layers, functional_of, has_graph, input_name_of
from .tensors import flatten, is_composite

#: How a layer or model reads integers.
Reads = Literal["numbers", "indices", "unknown"]

#: Layers that use integers as indices.
_LOOK_UP = (
    keras.layers.Embedding,
    keras.layers.CategoryEncoding,
    keras.layers.Hashing,
    keras.layers.HashedCrossing,
    keras.layers.IntegerLookup,
    keras.layers.StringLookup,
)
#: Operations of `keras.ops` that use integers as indices.
_LOOK_UP_OPERATIONS = frozenset(
    {"OneHot", "Take", "TakeAlongAxis", "MultiHot", "Equal"}
)


def reads_as_numbers(model: Any, structure: Any) -> tuple[bool, ...]:
    """Tell for each input array whether it holds integers that are read as numbers.

    Gray levels are numbers; token ids are indices. If the model does not show how it
    reads an input, for example because it has custom layers, only `uint8` counts as
    numbers: token ids are not stored in that type.

    Args:
        model: The model, or None if it was not seen.
        structure: Inputs of the model, a nested structure of arrays.

    Returns:
        One bool per leaf of ``structure``; False for arrays that are not integer.
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
    """Return how each of ``count`` inputs is read.

    A functional model is followed from each input; otherwise all layers of the model
    decide together.
    """
    inputs = inputs_of(model, structure, count)
    if inputs is None:
        return [_read_by(model)] * count
    return [_read_from(functional_of(model), it) for it in inputs]


def inputs_of(model: Any, structure: Any, count: int) -> list[Any] | None:
    """Return the symbolic input of a functional model that each array is given to.

    Args:
        model: A model, or None.
        structure: Inputs of the model, a nested structure of arrays.
        count: Number of arrays.

    Returns:
        One symbolic tensor per array; None if the model shows no graph, or takes
        another number of inputs.
    """
    functional = functional_of(model)
    inputs = flatten(getattr(functional, "inputs", None) or [])
    if not has_graph(functional) or len(inputs) != count:
        return None
    if isinstance(structure, Mapping):
        named = {input_name_of(it): it for it in inputs}
        inputs = [named.get(key) for key in sorted(structure)]
    return inputs if all(it is not None for it in inputs) else None


def _read_by(part: Any) -> Reads:
    """Return how a layer or a whole model reads integers, whichever input they are."""
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
    """Return how an input is read by the first layers that it reaches."""
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
