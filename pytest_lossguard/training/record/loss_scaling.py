"""Losses that are scaled for half precision, and gradients that are scaled back."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import tf
from .recording import TapeRecord

__all__ = ["is_scaled", "loss_scale", "unscaled"]


def loss_scale(optimizer: Any) -> Any:
    """What an optimizer divides gradients by, None where by nothing."""
    scale = getattr(optimizer, "dynamic_scale", None)
    if scale is None:  # no such optimizer, or one that was not built yet
        scale = getattr(optimizer, "initial_scale", optimizer.loss_scale_factor)
    return scale


def unscaled(grads: list[Any], optimizer: Any) -> list[Any]:
    """The gradients as they were before the loss was scaled for them."""
    scale = loss_scale(optimizer)
    if scale is None:
        return grads
    return [
        None if it is None else tf.convert_to_tensor(it) / tf.cast(scale, it.dtype)
        for it in grads
    ]


def is_scaled(grads: list[Any], optimizer: Any, taped: TapeRecord) -> bool:
    """Whether gradients of a loss that was scaled come as they are to an optimizer that
    does not divide them.
    """
    given = [id(it) for it in grads if it is not None]
    is_plain = bool(given) and loss_scale(optimizer) is None
    return is_plain and taped.scaled.issuperset(given)
