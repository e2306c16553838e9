"""Ways to update, run and feed the same small model."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from .case import BATCH, COLUMNS, Case, adam, table

_Kinds = keras.optimizers


def mlp(optimizer: Any, **how: Any) -> keras.Model:
    model = keras.Sequential(
        [
            keras.Input((COLUMNS,)),
            keras.layers.Dense(16, "relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(optimizer, "mse", **how)
    return model


def by(
    kind: Any,
    rate: float,
    broken_rate: float = 100.0,
    *,
    slow: bool = False,
    **options: Any,
) -> Case:
    return Case(
        slow=slow,
        build=lambda it: mlp(kind(it, **options)),
        data=table,
        rate=rate,
        broken_rate=broken_rate,
    )


def floored_adafactor(floor: float) -> Any:
    """Adafactor with the learning rate as ``epsilon_2``, as it limits its learning
    rate.
    """
    return _Kinds.Adafactor(0.1, epsilon_2=floor)


def several_optimizers(rate: float) -> Any:
    chosen = _Kinds.OptimizerMap(default_optimizer=adam(rate))
    chosen["dense"] = _Kinds.RMSprop(rate)
    return _Kinds.MultiOptimizer(chosen)


OPTIMIZERS = {
    "SGD": by(_Kinds.SGD, 0.03, 1.0),
    "SGD with Nesterov momentum": by(
        _Kinds.SGD, 0.01, 1.0, momentum=0.9, nesterov=True, slow=True
    ),
    "Adadelta": by(_Kinds.Adadelta, 3.0, 1e4, slow=True),
    "Adafactor": by(floored_adafactor, 1e-3, 1e6, slow=True),
    "Adagrad": by(_Kinds.Adagrad, 0.1, slow=True),
    "Adam": by(_Kinds.Adam, 0.03, slow=True),
    "Adam with amsgrad": by(_Kinds.Adam, 0.03, amsgrad=True, slow=True),
    "AdamW": by(_Kinds.AdamW, 0.03, slow=True),
    "Adamax": by(_Kinds.Adamax, 0.03, slow=True),
    "Ftrl": by(_Kinds.Ftrl, 0.1, slow=True),
    "Lamb": by(_Kinds.Lamb, 0.03, slow=True),
    "Lion": by(_Kinds.Lion, 0.01, slow=True),
    "Nadam": by(_Kinds.Nadam, 0.03, slow=True),
    "RMSprop": by(_Kinds.RMSprop, 0.01),
    "LossScaleOptimizer": by(lambda rate: _Kinds.LossScaleOptimizer(adam(rate)), 0.03),
    "use_ema": by(_Kinds.Adam, 0.03, use_ema=True, ema_overwrite_frequency=4),
    "clipnorm": by(_Kinds.SGD, 0.1, 1e6, clipnorm=1.0),
    "global_clipnorm": by(_Kinds.SGD, 0.1, 1e6, global_clipnorm=1.0),
    "clipvalue": by(_Kinds.SGD, 0.1, 1e6, clipvalue=0.5, slow=True),
    "gradient_accumulation_steps": by(_Kinds.Adam, 0.1, gradient_accumulation_steps=2),
    "weight_decay": by(_Kinds.Adam, 0.03, weight_decay=1e-3, slow=True),
    "ExponentialDecay": by(
        lambda rate: adam(_Kinds.schedules.ExponentialDecay(rate, 10, 0.9)), 0.05
    ),
    "CosineDecay with warm-up": by(
        lambda rate: adam(
            _Kinds.schedules.CosineDecay(0.0, 30, warmup_target=rate, warmup_steps=10)
        ),
        0.05,
        slow=True,
    ),
    "PiecewiseConstantDecay": by(
        lambda rate: adam(
            _Kinds.schedules.PiecewiseConstantDecay([20], [rate, rate / 10])
        ),
        0.05,
        slow=True,
    ),
}

#: Optimizers that the oldest supported Keras does not have.
NEWER: dict[str, Any] = {
    "Muon": lambda: by(_Kinds.Muon, 0.03, slow=True),
    "ScheduleFreeAdamW": lambda: by(_Kinds.ScheduleFreeAdamW, 0.03),
    "MultiOptimizer": lambda: by(several_optimizers, 0.03),
}
OPTIMIZERS |= {name: make() for name, make in NEWER.items() if hasattr(_Kinds, name)}


def run(**how: Any) -> Any:
    return lambda rate: mlp(adam(rate), **how)


def called(*callbacks: Any, slow: bool = False, ema: bool = False) -> Case:
    return Case(
        build=lambda rate: mlp(keras.optimizers.Adam(rate, use_ema=ema)),
        slow=slow,
        data=table,
        callbacks=callbacks,
        only_watched=True,
    )


def pipeline(change: Any) -> Case:
    return Case(
        build=run(),
        data=lambda: (change(tf.data.Dataset.from_tensor_slices(table())),),
    )


def generator() -> Any:
    x, y = table()
    while True:
        for first in range(0, len(x), BATCH):
            yield x[first : first + BATCH], y[first : first + BATCH]


class Rows(keras.utils.PyDataset):
    def __init__(self) -> None:
        super().__init__()
        self.x, self.y = table()

    def __len__(self) -> int:
        return len(self.x) // BATCH

    def __getitem__(self, index: int) -> Any:
        rows = slice(index * BATCH, (index + 1) * BATCH)
        return self.x[rows], self.y[rows]


callbacks = keras.callbacks

WAYS = {
    "steps_per_execution": Case(build=run(steps_per_execution=3), data=table),
    "jit_compile": Case(build=run(jit_compile=True), data=table),
    "run_eagerly": Case(build=run(run_eagerly=True), data=table, in_graph=False),
    "auto_scale_loss off": Case(
        build=run(auto_scale_loss=False), data=table, slow=True
    ),
    "metrics": Case(
        build=run(metrics=["mae"], weighted_metrics=["mse"]), data=table, slow=True
    ),
    "validation_split": Case(
        build=run(), data=table, fit={"validation_split": 0.25}, only_watched=True
    ),
    "batches, shuffled, repeated, prefetched": pipeline(
        lambda it: (
            it.cache()
            .shuffle(64, seed=1, reshuffle_each_iteration=False)
            .batch(BATCH)
            .prefetch(2)
        )
    ),
    "ReduceLROnPlateau": called(
        lambda: callbacks.ReduceLROnPlateau(monitor="loss", patience=1)
    ),
    "EarlyStopping": called(
        lambda: callbacks.EarlyStopping(
            monitor="loss", patience=8, restore_best_weights=True
        )
    ),
    "LearningRateScheduler": called(
        lambda: callbacks.LearningRateScheduler(lambda _, rate: rate * 0.95), slow=True
    ),
    "SwapEMAWeights": called(
        lambda: callbacks.SwapEMAWeights(swap_on_epoch=True), ema=True, slow=True
    ),
    "other callbacks": called(
        callbacks.TerminateOnNaN,
        callbacks.Callback,
        callbacks.History,
    ),
    "a Python generator": Case(
        build=run(),
        data=lambda: (generator(),),
        fit={"steps_per_epoch": 4},
        only_watched=True,
    ),
    "PyDataset": Case(build=run(), data=lambda: (Rows(),), only_watched=True),
}
