"""Trains on two replicas and, for comparison, on one device; prints the results as
JSON.

Runs as a separate program: virtual devices must be set up before TensorFlow starts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.fitting import train_once
from tests.support.programs import mlp, regression

BATCH, EPOCHS = 32, 4
X, Y = regression(rows=96)


def penalized() -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(8, "relu", kernel_regularizer="l2"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def by_fit(strategy: tf.distribute.Strategy, build: Callable[[], Any] = mlp) -> None:
    with strategy.scope():
        model = build()
    model.fit(X, Y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)


def by_loop(
    strategy: tf.distribute.Strategy,
    rate: float = 0.01,
    *,
    keras_loss: bool = True,
    eager: bool = False,
) -> None:
    """Train with a hand-written step that runs on each replica."""
    with strategy.scope():
        model, optimizer = mlp(), keras.optimizers.Adam(rate)
        loss_of = keras.losses.MeanSquaredError()
        optimizer.build(model.trainable_variables)
    rows = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)
    batches = strategy.experimental_distribute_dataset(rows)

    def average(y: Any, y_pred: Any) -> Any:
        each = tf.reduce_mean(tf.square(y - y_pred), axis=-1)
        return tf.nn.compute_average_loss(each, global_batch_size=BATCH)

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = (loss_of if keras_loss else average)(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return value

    def train_step(batch: Any) -> Any:
        losses = strategy.run(step, args=batch)
        return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    run = train_step if eager else tf.function(train_step)
    for _ in range(1 if eager else EPOCHS):
        for batch in batches:
            run(batch)


def adam(rate: float) -> Callable[[], keras.Model]:
    return lambda: mlp(optimizer=keras.optimizers.Adam(rate))


def summed() -> keras.Model:
    return mlp(loss=keras.losses.MeanSquaredError(reduction="sum"))


def loss_scaled() -> keras.Model:
    inner = keras.optimizers.Adam(0.01)
    return mlp(optimizer=keras.optimizers.LossScaleOptimizer(inner))


HEALTHY: dict[str, Callable[[tf.distribute.Strategy], None]] = {
    "fit": by_fit,
    "fit, penalized": lambda strategy: by_fit(strategy, penalized),
    "fit, loss that sums": lambda strategy: by_fit(strategy, summed),
    "fit, loss scaled": lambda strategy: by_fit(strategy, loss_scaled),
    "loop": by_loop,
    "loop, own average": lambda strategy: by_loop(strategy, keras_loss=False),
    "loop, eager": lambda strategy: by_loop(strategy, eager=True),
}
#: Cases that are also run on one device. Scaling the loss or a loop changes nothing
#: there.
ALONE = ("fit", "fit, penalized", "fit, loss that sums")
BROKEN: dict[str, Callable[[tf.distribute.Strategy], None]] = {
    "fit": lambda strategy: by_fit(strategy, adam(100.0)),
    "loop": lambda strategy: by_loop(strategy, rate=100.0),
}


def facts_of(trace: Any) -> dict[str, Any]:
    found = judge(trace, Policy())
    steps = trace.steps
    return {
        "loss": steps.loss.tolist(),
        "data_loss": steps.data_loss.tolist(),
        "grad_norm": steps.grad_norm.tolist(),
        "weight_norm": steps.weight_norm.tolist(),
        "update_norm": steps.update_norm.tolist(),
        "probe": trace.before and [trace.before.loss, trace.after.loss],
        "constant": trace.constant_loss,
        "batch_size": trace.batch_size,
        "errors": sorted(it.kind for it in found if it.severity == "error"),
        "notes": trace.notes,
    }


def watched(
    body: Callable[[tf.distribute.Strategy], None], strategy: tf.distribute.Strategy
) -> dict[str, Any]:
    set_seed(0)
    with watching(seed=0) as watch:
        body(strategy)
    (trace,) = watch.traces()
    return {**facts_of(trace), "unseen": watch.unseen}


def fitted(strategy: tf.distribute.Strategy, rate: float) -> dict[str, Any]:
    def build() -> keras.Model:
        with strategy.scope():
            return adam(rate)()

    how = {"epochs": EPOCHS, "batch_size": BATCH, "shuffle": False}
    return facts_of(train_once(Trainer(), build, X, Y, **how))


def main() -> None:
    with watching():  # must not start TensorFlow before the user's own code
        (cpu,) = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * 2
        )
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    one_device = tf.distribute.get_strategy()
    json.dump(
        {
            "mirrored": {name: watched(it, mirrored) for name, it in HEALTHY.items()},
            "one": {name: watched(HEALTHY[name], one_device) for name in ALONE},
            "broken": {name: watched(it, mirrored) for name, it in BROKEN.items()},
            "fitted": {rate: fitted(mirrored, rate) for rate in (0.01, 100.0)},
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
