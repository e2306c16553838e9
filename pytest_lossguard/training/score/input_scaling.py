"""Whether a model scales its inputs itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.trace import Rescaled
from ..backend.frameworks import keras


def normalizes_inputs(model: Any) -> bool:
    """Whether one of the first two layers rescales the inputs; a `Normalization` that
    was never adapted does not.
    """
    rescaling = (
        keras.layers.Normalization,
        keras.layers.Rescaling,
        keras.layers.BatchNormalization,
        keras.layers.LayerNormalization,
    )
    first = [it for it in _layers(model)[:2] if isinstance(it, rescaling)]
    return any(not _is_never_adapted(it) for it in first)


def _is_never_adapted(layer: Any) -> bool:
    """Whether a `Normalization` still has mean 0 and variance 1, its values before
    ``adapt``.
    """
    if not isinstance(layer, keras.layers.Normalization) or layer.mean is None:
        return False
    mean, variance = np.asarray(layer.mean), np.asarray(layer.variance)
    return bool(np.all(mean == 0) and np.all(variance == 1))


def rescaled_by(model: Any) -> Rescaled | None:
    """Return the first layer if it is a `Rescaling` with a single nonzero scale."""
    first = next(iter(_layers(model)), None)
    scale: Any = getattr(first, "scale", None)
    if not isinstance(first, keras.layers.Rescaling) or np.ndim(scale) or not scale:
        return None
    return Rescaled(layer=first.name, scale=float(scale))


def _layers(model: Any) -> list[Any]:
    return [
        it
        for it in getattr(model, "layers", ())
        if not isinstance(it, keras.layers.InputLayer)
    ]
