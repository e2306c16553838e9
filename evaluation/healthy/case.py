"""Ways to write a healthy program: as a `Case`, or as a function of a seed."""

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
    """A healthy program written as data.

    Attributes:
        name: Unique, with hyphens.
        why: What makes the program hard to judge.
        on: The base whose family the program belongs to.
        data: Returns the rows of a seed; default those of the base.
        layers, optimizer, loss, dtype: See `net`.
        quality: See `Setup`.
        epochs, batch_size: Training settings.
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
        """Return the training of a seed."""
        data = (self.data or base(self.on).data)(seed)
        build = net(
            data.x.shape[1:], self.layers, self.optimizer, self.loss, self.dtype
        )
        return setup(
            *(data, build, self.quality), epochs=self.epochs, batch_size=self.batch_size
        )


def programs(*cases: Case | Program) -> tuple[Program, ...]:
    """Return the programs; cases are converted, programs are kept unchanged."""
    return tuple(
        it if isinstance(it, Program) else named(it.name, it.setup, it.on, why=it.why)
        for it in cases
    )


def healthy(function: Callable[[int], Setup]) -> Program:
    """Decorator that makes a program of a function of a seed; its docstring says what
    makes the program hard to judge.

    The program has its own data, and so is its own family.
    """
    return named(function.__name__, function, function.__name__)


def on(of: str) -> Callable[[Callable[[int], Setup]], Program]:
    """Like `healthy`, for a program on the data and in the family of a base."""
    return lambda function: named(function.__name__, function, of)


def named(
    name: str, function: Callable[[int], Setup], family: str, why: str = ""
) -> Program:
    """Return a healthy program; ``why`` defaults to the function's docstring."""
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
    """Return the base of this name."""
    return next(it for it in BASES if it.name == name)


def variant(name: str, of: str, change: Callable[[Any], None], **how: Any) -> Program:
    """Return a program that is a base with a changed model, usually compiled anew.

    Args:
        name: Name of the program.
        of: Name of the base.
        change: Modifies the compiled model.
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
    """Return a builder of a sequential model; see `keras_parts.compiled`.

    Args:
        inputs: Number of columns, or the input shape without the batch axis.
        layers: The layers after the input.
        optimizer: A part.
        loss: A name, a part or a function.
        dtype: Dtype of the input.
    """
    shape = (inputs,) if isinstance(inputs, int) else inputs
    return lambda: compiled(shape, layers, optimizer, loss, dtype=dtype)


def setup(
    data: Data,
    build: Callable[[], Any],
    quality: Callable[[Any, Any], float],
    **how: Any,
) -> Setup:
    """Return a training on data."""
    return Setup(
        build=build,
        x=data.x,
        y=data.y,
        test=(data.test_x, data.test_y),
        quality=quality,
        **how,
    )


def minus_error(y: Any, predictions: Any) -> float:
    """Return the share of the median's absolute error that the predictions avoid."""
    y, predictions = np.asarray(y, float).ravel(), np.asarray(predictions).ravel()
    error = np.abs(y - predictions).mean()
    return float(1 - error / np.abs(y - np.median(y)).mean())
