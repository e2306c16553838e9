"""Warm `lossguard.fit` compared with a loop of the same steps that records nothing."""

from __future__ import annotations

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from measure import measured
from subjects import SUBJECTS

from pytest_lossguard.training import Trainer

STEPS, BATCH_SIZE, REPETITIONS, BAR = 80, 32, 30, 1.15


def bare_loop(
    model: Any, x: Any, y: Any, steps: int = STEPS, *, xla: bool = False
) -> Callable[[], Any]:
    """Return a hand-written loop, traced once, that does not restore the weights."""
    model.train_on_batch(x[:BATCH_SIZE], y[:BATCH_SIZE])  # creates all variables

    @tf.function(autograph=False, jit_compile=xla)
    def loop(x: Any, y: Any, order: Any) -> Any:
        def body(step: Any) -> Any:
            rows = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            model.train_step((tf.gather(x, rows), tf.gather(y, rows)))
            return step + 1

        return tf.while_loop(lambda step: step < steps, body, [0])

    random = np.random.default_rng(0)
    epochs = -(-steps * BATCH_SIZE // len(x))
    order = np.concatenate([random.permutation(len(x)) for _ in range(epochs)])
    data = tf.constant(x), tf.constant(y), tf.constant(order, tf.int32)
    return lambda: loop(*data)[0].numpy()


def compare(name: str, build: Callable[[], Any], x: Any, y: Any) -> None:
    trainer, model = Trainer(), build()
    bare = bare_loop(build(), x, y)

    def fit() -> Any:
        return trainer.fit_seeds(
            model, x, y, steps=STEPS, batch_size=BATCH_SIZE, seeds=(0,)
        )[0]

    for warm_up in (fit, bare, fit, bare):
        warm_up()
    measured(fit, bare, REPETITIONS).report(f"fit {name}", "the bare loop", BAR)


if __name__ == "__main__":
    for name, (build, data) in SUBJECTS.items():
        compare(name, build, *data())
