"""How a healthy program is written down: as a row, or as a function of a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..bases import BASES, Base, Data, Knobs
from ..keras_parts import Layers, Part, compiled
from ..program import Program, Setup

__all__ = [
    "Case",
    "base",
    "healthy",
    "minus_error",
    "net",
    "on",
    "programs",
    "setup",
    "variant",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A healthy program that is data.

    Attributes:
        name: Unique, with hyphens.
        why: What is awkward about it.
        on: The base whose family it is of.
        data: The rows of a seed; default those of the base.
        layers, optimizer, loss, dtype: See `net`.
        quality: See `Setup`.
        epochs, batch_size: How long it trains.
    """

    name: str
    why: str
    on: str
    data: Callable[[int], Data] | None = None
    layers: Layers
    optimizer: Part
    loss: Any = "mse"
    dtype: str | None = None
    quality: Callable[[Any, Any], float]
    epochs: int
    batch_size: int = 32

    def setup(self, seed: int) -> Setup:
        """The training of a seed."""
        data = (self.data or base(self.on).data)(seed)
        build = net(
            data.x.shape[1:], self.layers, self.optimizer, self.loss, self.dtype
        )
        return setup(
            *(data, build, self.quality), epochs=self.epochs, batch_size=self.batch_size
        )


def programs(*cases: Case | Program) -> tuple[Program, ...]:
    """The programs of rows and of what is a program already."""
    return tuple(
        it if isinstance(it, Program) else named(it.name, it.setup, it.on, why=it.why)
        for it in cases
    )


def healthy(function: Callable[[int], Setup]) -> Program:
    """Make a program of a function of a seed; its docstring says what is awkward.

    It has data of its own, and so is a family of its own.
    """
    return named(function.__name__, function, function.__name__)


def on(of: str) -> Callable[[Callable[[int], Setup]], Program]:
    """The same for a program on a base's data: it is of the base's family."""
    return lambda function: named(function.__name__, function, of)


def named(
    name: str, function: Callable[[int], Setup], family: str, why: str = ""
) -> Program:
    """A healthy program; ``why`` it is awkward is the function's docstring."""
    name, family = (it.replace("_", "-") for it in (name, family))
    return Program(
        name=f"healthy/{name}",
        source="healthy",
        family=family,
        broken=False,
        setup=function,
        fault=why or (function.__doc__ or "").strip(),
    )


def base(name: str) -> Base:
    """A base by name."""
    return next(it for it in BASES if it.name == name)


def variant(name: str, of: str, change: Callable[[Any], None], **how: Any) -> Program:
    """A base whose healthy model is changed, mostly compiled anew.

    Args:
        name: Of the program.
        of: The base's name.
        change: Acts on the compiled model.
        how: Fields of `Setup` that differ.
    """
    origin = base(of)

    def build() -> Any:
        model = origin.build(Knobs())
        change(model)
        return model

    def start(seed: int) -> Setup:
        return replace(origin.setup(seed), build=build, **how)

    return named(name, start, origin.family, why=name.replace("_", " "))


def net(
    inputs: int | tuple[int, ...],
    layers: Layers,
    optimizer: Part,
    loss: Any = "mse",
    dtype: str | None = None,
) -> Callable[[], Any]:
    """A builder of a sequential model; see `keras_parts.compiled`.

    Args:
        inputs: Columns, or the shape of one row.
        layers: The stack below the input.
        optimizer: A part.
        loss: A name, a part or a function.
        dtype: Of the input.
    """
    shape = (inputs,) if isinstance(inputs, int) else inputs
    return lambda: compiled(shape, layers, optimizer, loss, dtype=dtype)


def setup(
    data: Data,
    build: Callable[[], Any],
    quality: Callable[[Any, Any], float],
    **how: Any,
) -> Setup:
    """A training on data."""
    return Setup(
        build=build,
        x=data.x,
        y=data.y,
        test=(data.test_x, data.test_y),
        quality=quality,
        **how,
    )


def minus_error(y: Any, predictions: Any) -> float:
    """Mean absolute error saved against the median's, as a share."""
    y, predictions = np.asarray(y, float).ravel(), np.asarray(predictions).ravel()
    error = np.abs(y - predictions).mean()
    return float(1 - error / np.abs(y - np.median(y)).mean())
