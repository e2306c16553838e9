"""Watched trainings, including reading their traces, compared with unwatched ones."""

from __future__ import annotations

import gc
import itertools
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import keras
import tensorflow as tf
from measure import measured
from subjects import (
    embedding,
    images,
    mlp,
    numbers,
    steady_epochs,
    wide_cnn,
    wide_dense,
    words,
)

from pytest_lossguard.training import watching

BATCH_SIZE, REPETITIONS = 32, 11
FIRST_STEP_BAR = 1.15


class Clock(keras.callbacks.Callback):
    """Records when `fit` began and when each step ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = [time.perf_counter()]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record the time."""
        del batch, logs
        self.ticks.append(time.perf_counter())

    @property
    def first(self) -> float:
        """Seconds until the end of the first step, including tracing."""
        return self.ticks[1] - self.ticks[0]

    @property
    def later(self) -> float:
        """Median seconds of the later steps."""
        ends = self.ticks[1:]
        return median(b - a for a, b in itertools.pairwise(ends))


def measured_mlp() -> Any:
    """Return an MLP with a metric, whose variables Keras creates during tracing."""
    model = mlp()
    model.compile("adam", "mse", metrics=["mae"])
    return model


def mlp_by_sgd() -> Any:
    model = mlp()
    model.compile("sgd", "mse")
    return model


def by_fit(model: Any, x: Any, y: Any, epochs: int, clock: Clock) -> None:
    how = {"epochs": epochs, "batch_size": BATCH_SIZE, "verbose": 0}
    model.fit(x, y, callbacks=[clock], **how)


def by_hand(model: Any, x: Any, y: Any, epochs: int, clock: Clock) -> None:
    """Train in a loop over a compiled step, as in the Keras guides."""
    loss_of = keras.losses.MeanSquaredError()

    @tf.function(autograph=False)
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_weights)
        model.optimizer.apply_gradients(
            zip(gradients, model.trainable_weights, strict=True)
        )
        return loss

    rows = tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH_SIZE)
    for _ in range(epochs):
        for batch in rows:
            step(*batch)
            clock.on_train_batch_end(0)


def compare(
    name: str,
    build: Callable[[], Any],
    data: tuple[Any, Any],
    epochs: int,
    bar: float,
    train: Callable[..., None] = by_fit,
) -> None:
    """Print the times of the whole training, its first step and a later one."""
    clocks: dict[Callable[[], None], list[Clock]] = {}

    def plain() -> Clock:
        model = build()
        clock = Clock()
        train(model, *data, epochs, clock)
        return clock

    def unwatched() -> None:
        clocks[unwatched].append(plain())

    def watched() -> None:
        with watching(seed=0) as watch:
            clocks[watched].append(plain())
        (_,) = watch.traces()  # exactly one training was recorded

    clocks.update({unwatched: [], watched: []})
    unwatched()
    watched()
    pairs = measured(watched, unwatched, REPETITIONS, between=gc.collect)
    pairs.report(f"watch {name}", "unwatched", bar)
    both = list(zip(clocks[watched][1:], clocks[unwatched][1:], strict=True))
    for what, limit in (("first", FIRST_STEP_BAR), ("later", bar)):
        times = [(getattr(a, what), getattr(b, what)) for a, b in both]
        ratio = median(a / b for a, b in times)
        ours, theirs = (1e3 * median(side) for side in zip(*times, strict=True))
        print(
            f"  {what} step: {ratio:.2f} x (bar {limit:.2f}), {ours:.2f} ms against"
            f" {theirs:.2f} ms",
            flush=True,
        )


def compare_later_steps(
    name: str, build: Callable[[], Any], data: tuple[Any, Any], bar: float
) -> None:
    """Compare later epochs of a watched model and of an equal unwatched model,
    alternately.

    Both models stay in memory: if memory bandwidth limits a step, the time of a
    training also depends on where its weights are stored.
    """
    with watching(seed=0) as watch:
        seen, unseen = build(), build()

        def watched() -> None:
            by_fit(seen, *data, 1, Clock())

        def unwatched() -> None:
            with watch.paused():
                by_fit(unseen, *data, 1, Clock())

        watched()
        unwatched()
        pairs = measured(watched, unwatched, REPETITIONS, between=gc.collect)
    pairs.report(f"watch {name}, later steps", "unwatched", bar)


if __name__ == "__main__":
    steady_epochs()
    # 1,600 small steps.
    compare("mlp", mlp, numbers(rows=10_240), epochs=5, bar=1.15)
    # 416 steps of more than 10 ms.
    compare("cnn", wide_cnn, images(), epochs=13, bar=1.05)
    compare("mlp with a metric", measured_mlp, numbers(rows=10_240), 5, 1.15)
    # 96 steps of some 20 ms, and 320 of 3 ms.
    compare_later_steps("dense, 10 million", wide_dense, numbers(rows=3_072), 1.05)
    compare_later_steps("embedding", embedding, words(rows=10_240), 1.15)
    # Traced once also if unwatched: SGD creates no variables in its first step.
    compare("mlp by sgd", mlp_by_sgd, numbers(rows=10_240), 1, bar=1.15)
    # In a custom training loop.
    compare("mlp by hand", mlp, numbers(rows=10_240), 5, 1.15, by_hand)
