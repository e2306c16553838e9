"""Specifications of Keras objects, written before Keras is imported.

``Layer.Dropout(0.5)`` specifies ``keras.layers.Dropout(0.5)``. A dense layer without
options is written as its units and its activation: ``"64 relu"``, ``"1 linear"``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Constraint",
    "Initializer",
    "Layer",
    "Layers",
    "Loss",
    "Optimizer",
    "Part",
    "Regularizer",
    "Schedule",
    "compiled",
    "make",
]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A call of a Keras class; arguments may be parts, too.

    Attributes:
        module: Module in ``keras``, for example ``"layers"``.
        name: Name of the class.
        args, options: Positional and keyword arguments of the call.
    """

    module: str
    name: str
    args: tuple[Any, ...]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parts:
    """A Keras module: calling an attribute makes a `Part` of the class of that name."""

    module: str

    def __getattr__(self, name: str) -> Callable[..., Part]:
        return lambda *args, **options: Part(self.module, name, args, options)


Constraint = Parts("constraints")
Initializer = Parts("initializers")
Layer = Parts("layers")
Loss = Parts("losses")
Optimizer = Parts("optimizers")
Regularizer = Parts("regularizers")
Schedule = Parts("optimizers.schedules")

#: A stack of layers: parts, dense layers as text, or Keras layers.
Layers = Sequence[Any]


def make(part: Any) -> Any:
    """Return a new Keras object for a part; return anything else unchanged."""
    if not isinstance(part, Part):
        return part
    import keras

    place = keras
    for name in (*part.module.split("."), part.name):
        place = getattr(place, name)
    options = {name: make(value) for name, value in part.options.items()}
    return place(*map(make, part.args), **options)


def compiled(
    shape: Sequence[int | None],
    layers: Layers,
    optimizer: Any,
    loss: Any,
    *,
    dtype: str | None = None,
    **options: Any,
) -> Any:
    """Return a compiled `keras.Sequential`.

    Args:
        shape: Input shape without the batch axis.
        layers: The layers after the input.
        optimizer: A name or a part.
        loss: A name, a part or a function.
        dtype: Dtype of the input; default that of Keras.
        options: Further keywords of ``compile``.
    """
    import keras

    inputs = keras.Input(tuple(shape), dtype=dtype)
    model = keras.Sequential([inputs, *map(_layer, layers)])
    model.compile(make(optimizer), make(loss), **options)
    return model


def _layer(part: Any) -> Any:
    if not isinstance(part, str):
        return make(part)
    units, activation = part.split()
    return make(Layer.Dense(int(units), activation))
