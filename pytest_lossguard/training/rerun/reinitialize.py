"""Redraws the weights of a model that was given as an object, by its initializers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.errors import CannotChange, first_line
from ..backend.frameworks import keras
from ..backend.private_api import flat_layers
from ..backend.snapshot import seeded_call

#: The RMS of two draws from one initializer differs by less than this factor: 2.5 for
#: some 16 values or more, 10 for fewer (one value drawn uniformly is below a tenth of
#: another in one of twenty cases; a weight that is wrongly taken for learned only
#: keeps its value).
_ALIKE, _ALIKE_FEW, _FEW = 2.5, 10.0, 16


def redraw_weights(model: Any, seed: int) -> None:
    """Redraw weights by the initializers of their layers.

    A weight that is not like a new draw was learned, loaded or set by hand, as in a
    pretrained backbone, and is kept.

    Args:
        model: A built model.
        seed: Seed of the draw.

    Raises:
        CannotChange: A layer cannot be rebuilt from its configuration.
    """
    layers = [it for it in _leaves(model) if it.weights and not hasattr(it, "adapt")]
    fresh = seeded_call(seed, lambda: [_made_anew(it) for it in layers])
    for layer, other in zip(layers, fresh, strict=True):
        pairs = zip(layer.weights, other.weights, strict=True)
        for variable, drawn in pairs:
            if _is_seed_state(variable):
                continue
            value = np.asarray(drawn)
            if _is_alike(np.asarray(variable), value):
                variable.assign(value)


def _leaves(model: Any) -> Iterator[Any]:
    """Yield the layers of a model and of nested models, without these models."""
    for layer in flat_layers(model, include_self=False, recursive=False):
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        else:
            yield layer


def _made_anew(layer: Any) -> Any:
    try:
        fresh = type(layer).from_config(layer.get_config())
        fresh.build_from_config(layer.get_build_config())
    except Exception as error:  # a custom layer may not support from_config
        raise CannotChange(
            f"layer {layer.name!r} cannot be rebuilt from its configuration"
            f" ({first_line(error)})"
        ) from error
    shapes = [[tuple(it.shape) for it in one.weights] for one in (layer, fresh)]
    if shapes[0] != shapes[1]:
        raise CannotChange(
            f"layer {layer.name!r}, rebuilt from its configuration, has other weights"
        )
    return fresh


def _is_seed_state(variable: Any) -> bool:
    return not str(variable.dtype).startswith(("float", "bfloat"))


def _is_alike(value: Any, drawn: Any) -> bool:
    """Whether two arrays could be two draws from one initializer."""
    low, high = sorted(_root_mean_square(it) for it in (value, drawn))
    if low == 0.0:
        return high == 0.0
    return high / low <= (_ALIKE if value.size >= _FEW else _ALIKE_FEW)


def _root_mean_square(value: Any) -> float:
    return float(np.sqrt(np.mean(np.square(value, dtype=np.float64))))
