"""Finds the inputs that an `Embedding` masks where they are 0."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from ...core.data_facts import MaskedTokens
from ...core.masked_tokens import masked_tokens
from ..backend.frameworks import keras
from ..backend.index_inputs import inputs_of
from ..backend.private_api import calls_of, flat_layers, functional_of
from ..backend.tensors import arrays_of

#: Number of axes of outputs that have positions, whose losses Keras masks.
_AXES = 3


def masked_inputs(model: Any, structure: Any) -> tuple[MaskedTokens, ...]:
    """Count the zeros among the inputs of each `Embedding` that masks them.

    Only layers of a functional or Sequential model that are given an input as it is
    are examined, and only if something in the model uses masks.

    Args:
        model: The model.
        structure: Its inputs, a nested structure of arrays.
    """
    layers = [
        it
        for it in flat_layers(model)
        if isinstance(it, keras.layers.Embedding) and it.mask_zero
    ]
    if not layers:
        return ()
    arrays = arrays_of(structure)
    inputs = inputs_of(model, structure, len(arrays))
    if inputs is None or not _uses_masks(model):
        return ()
    of_tensor = {id(it): array for it, array in zip(inputs, arrays, strict=True)}
    found = (
        masked_tokens(layer.name, of_tensor[id(tensor)], int(layer.input_dim))
        for layer in layers
        for tensor in _given_to(layer)
        if id(tensor) in of_tensor
    )
    return tuple(it for it in found if it is not None)


def _given_to(layer: Any) -> Iterator[Any]:
    """Yield the symbolic tensors that a layer is called with."""
    for call in calls_of(layer):
        yield from call.input_tensors


def _uses_masks(model: Any) -> bool:
    """Whether a layer takes masks, or the loss may: outputs have positions."""
    outputs = getattr(functional_of(model), "outputs", None) or ()
    return any(len(it.shape) >= _AXES for it in outputs) or any(
        "mask" in name
        for it in flat_layers(model)
        if not isinstance(it, keras.Model)
        for name in inspect.signature(it.call).parameters
    )
