"""Loss scaling for half precision, and undoing it in gradients."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import tf
from .recording import TapeRecord


def loss_scale(optimizer: Any) -> Any:
    """Return the scale that an optimizer divides gradients by, or None."""
    scale = getattr(optimizer, "dynamic_scale", None)
    if scale is None:  # no `LossScaleOptimizer`, or not built yet
        scale = getattr(optimizer, "initial_scale", optimizer.loss_scale_factor)
    return scale


def unscaled(grads: list[Any], optimizer: Any) -> list[Any]:
    """Return the gradients of the unscaled loss."""
    scale = loss_scale(optimizer)
    if scale is None:
        return grads
    return [
        None if it is None else tf.convert_to_tensor(it) / tf.cast(scale, it.dtype)
        for it in grads
    ]


def is_scaled(grads: list[Any], optimizer: Any, taped: TapeRecord) -> bool:
    """Whether gradients of a scaled loss reach an optimizer that does not unscale them.

    Args:
        grads: Gradients given to the optimizer.
        optimizer: The optimizer.
        taped: Record of the tape that the gradients come from.
    """
    given = [id(it) for it in grads if it is not None]
    is_plain = bool(given) and loss_scale(optimizer) is None
    return is_plain and taped.scaled.issuperset(given)
