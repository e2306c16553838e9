"""Hand-written training loops, correct and broken, for tests of single steps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from pytest_lossguard.core.errors import StopTraining
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Trace
from pytest_lossguard.judge import judge
from pytest_lossguard.training import set_seed, watching

MSE = keras.losses.MeanSquaredError()


def batches(steps: int, rows: int = 16, columns: int = 4) -> Iterator[tuple[Any, Any]]:
    """Yield batches whose target is a linear function of the inputs."""
    generator = np.random.default_rng(0)
    slope = generator.standard_normal((columns, 1)).astype("float32")
    for _ in range(steps):
        x = generator.standard_normal((rows, columns)).astype("float32")
        yield tf.constant(x), tf.constant(x @ slope)


def traces_of(body: Callable[[], Any]) -> list[Trace]:
    """Return the traces recorded while a body trains."""
    set_seed(0)
    with watching(seed=0) as watch, contextlib.suppress(StopTraining):
        body()
    return watch.traces()


def findings_of(body: Callable[[], Any]) -> list[Any]:
    """Return all findings of the trainings of a body."""
    return found_in(traces_of(body))


def found_in(traces: list[Trace]) -> list[Any]:
    """Return all findings of traces."""
    return [it for trace in traces for it in judge(trace, Policy())]


def kinds_of(body: Callable[[], Any]) -> set[str]:
    """Return the kinds of the errors found in the trainings of a body."""
    return {it.kind for it in findings_of(body) if it.severity == "error"}


def train(
    model: Any,
    forward: Callable[[Any, Any], Any],
    *,
    steps: int = 4,
    wrap: Callable[[Any], Any] = tf.function,
    variables: Callable[[Any], list[Any]] = lambda it: it.trainable_variables,
    optimizer: Any = None,
    epochs: int = 1,
) -> None:
    """Train in a loop whose forward pass is ``forward(model, x)``."""
    optimizer = optimizer or keras.optimizers.Adam(0.01)

    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            loss = MSE(y, forward(model, x))
        moved = variables(model)
        optimizer.apply(tape.gradient(loss, moved), moved)

    step = wrap(step)
    data = list(batches(steps))
    for x, y in data * epochs:
        step(x, y)
