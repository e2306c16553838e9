"""Finds layers that a model calls and that Keras does not count as its own."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator
from typing import Any

from ...core.step_facts import UntrackedLayers
from ..backend.frameworks import keras
from ..backend.private_api import calls_of, flat_layers
from ..backend.tensors import raw, variable_key, variable_path
from ..record.recording import Recording
from ..record.untracked import Outside
from .made_weights import made_weights


def untracked_layers(recording: Recording) -> UntrackedLayers | None:
    """Return the layers and variables that the model of a recording reads, that belong
    to no model, and that nothing trained; None if there are none.
    """
    outside = recording.untracked(recording.variables)
    if not outside:
        return None
    owners = _owners_of(outside)
    moved = {variable_key(it.variable) for it in outside if it.moved}
    layers: dict[int, Any] = {}
    names: dict[str, None] = {}
    count = 0
    for it in outside:
        own = owners[variable_key(it.variable)]
        if it.moved or any(_is_meant(one, moved) for one in own):
            continue
        if not own and math.prod(it.variable.shape) == 1:
            continue  # a number that a callback may set
        count += 1
        if own:
            layer = min(own, key=lambda one: len(one.weights))
            layers[id(layer)] = layer
            names[str(layer.name)] = None
        else:
            names[_name_of(it)] = None
    if not names:
        return None
    made = [made_weights(it) for it in layers.values()]
    return UntrackedLayers(
        names=tuple(names),
        variables=count,
        in_fit=bool(layers) and all(it.in_fit for it in outside),
        misfit=max((math.inf if it.moved else it.misfit for it in made), default=0.0),
    )


def _owners_of(outside: list[Outside]) -> dict[int, list[Any]]:
    """Return all layers and models of the process that have each variable.

    Nothing leads from a variable to its layer, so that all objects are looked at. It
    takes some 0.1 s, and happens only if a model read such a variable.
    """
    owners: dict[int, list[Any]] = {variable_key(it.variable): [] for it in outside}
    for layer in gc.get_objects():
        if issubclass(type(layer), keras.Layer):
            for variable in _weights_of(layer):
                if variable_key(variable) in owners:
                    owners[variable_key(variable)].append(layer)
    return owners


def _weights_of(layer: Any) -> list[Any]:
    try:
        return list(layer.weights)
    except Exception:  # a layer whose constructor raised
        return []


def _is_meant(layer: Any, moved: set[int]) -> bool:
    """Whether a layer is kept apart on purpose: it is frozen, part of a model, or
    something else changed one of its variables.
    """
    if isinstance(layer, keras.Model) or not layer.trainable or calls_of(layer):
        return True
    return any(variable_key(it) in moved for it in layer.weights)


def _name_of(outside: Outside) -> str:
    """Return the attribute that holds a variable, else its own name."""
    return next(_attributes(outside), variable_path(outside.variable))


def _attributes(outside: Outside) -> Iterator[str]:
    for layer in flat_layers(outside.model):
        for name, value in vars(layer).items():
            if raw(value) is outside.variable:
                yield f"{layer.name}.{name}"
