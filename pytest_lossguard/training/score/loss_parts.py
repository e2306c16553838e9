"""The parts of a compiled loss, their names and their label smoothing."""

from __future__ import annotations

from typing import Any

from ..backend.private_api import flat_losses, loss_options


def parts_of(loss: Any) -> list[Any]:
    """Return the parts of a compiled loss, or the loss object itself in a list."""
    return [part for part in flat_losses(loss) or [loss] if part]


def smoothing_of(loss: Any, outputs: int) -> list[float]:
    """Return the label smoothing of each output's loss, from 0 to 1."""
    found = [
        float(
            getattr(it, "label_smoothing", 0.0)
            or loss_options(it).get("label_smoothing", 0.0)
        )
        for it in (getattr(part, "loss", part) for part in parts_of(loss))
    ]
    return found if len(found) == outputs else [max(found, default=0.0)] * outputs


def describe_losses(loss: Any) -> tuple[str, ...]:
    """Return the name of a loss object, or of each part of a compiled loss."""
    return tuple(map(_loss_name, parts_of(loss)))


def _loss_name(loss: Any) -> str:
    """Return the name of the loss function: Keras names the parts of a compiled loss
    after the outputs.
    """
    inner = getattr(loss, "loss", loss)
    function = getattr(getattr(inner, "fn", None), "__name__", None)
    return str(function or getattr(inner, "name", None) or getattr(loss, "name", loss))
