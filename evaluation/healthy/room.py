"""What the rooms of healthy programs share: how one is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..bases import BASES, Base, Data, Knobs
from ..program import Program, Setup

__all__ = [
    "base",
    "by",
    "dense",
    "healthy",
    "minus_error",
    "on",
    "setup",
    "stacked",
    "variant",
]


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


def by(name: str, learning_rate: Any, **options: Any) -> Callable[[], Any]:
    """An optimizer to be made; a rate that is a function makes a schedule."""

    def make() -> Any:
        import keras

        rate = learning_rate() if callable(learning_rate) else learning_rate
        return getattr(keras.optimizers, name)(rate, **options)

    return make


def dense(
    inputs: int,
    hidden: Sequence[int],
    outputs: int = 1,
    *,
    optimizer: Callable[[], Any],
    loss: Any = "mse",
    activation: str | None = "relu",
    last: str | None = None,
    options: dict[str, Any] | None = None,
    last_options: dict[str, Any] | None = None,
) -> Callable[[], Any]:
    """A builder of a dense net.

    Args:
        inputs: Columns.
        hidden: Units of each hidden layer.
        outputs: Units of the last layer.
        optimizer: Makes the optimizer.
        loss: A name, or a function that makes the loss.
        activation: Of the hidden layers.
        last: Of the last layer.
        options: Further keywords of the hidden layers.
        last_options: Further keywords of the last layer.
    """

    def build() -> Any:
        import keras
        from keras import layers

        stack = [layers.Dense(it, activation, **(options or {})) for it in hidden]
        model = keras.Sequential(
            [
                keras.Input((inputs,)),
                *stack,
                layers.Dense(outputs, last, **(last_options or {})),
            ]
        )
        model.compile(optimizer(), loss() if callable(loss) else loss)
        return model

    return build


def stacked(
    shape: tuple[int, ...],
    stack: Callable[[], Sequence[Any]],
    *,
    optimizer: Callable[[], Any],
    loss: Any,
    dtype: str | None = None,
) -> Callable[[], Any]:
    """A builder of a Sequential model of layers made anew each time."""

    def build() -> Any:
        import keras

        model = keras.Sequential([keras.Input(shape, dtype=dtype), *stack()])
        model.compile(optimizer(), loss)
        return model

    return build


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
