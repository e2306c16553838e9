"""Warm `lossguard.fit` compared with building a model and calling `model.fit`."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
from measure import measured
from subjects import mlp, numbers

from pytest_lossguard.training import Trainer

STEPS, BATCH_SIZE, REPETITIONS, BAR = 80, 32, 15, 20


def compare(name: str, model_or_factory: Any, bar: float | None = None) -> None:
    trainer, (x, y) = Trainer(), numbers()
    # Whole batches, one per step: `model.fit` cannot stop within an epoch.
    rows = np.resize(np.arange(len(x)), STEPS * BATCH_SIZE)

    def fit() -> None:
        trainer.fit_seeds(
            model_or_factory, x, y, steps=STEPS, batch_size=BATCH_SIZE, seeds=(0,)
        )[0]

    def by_keras() -> None:
        mlp().fit(x[rows], y[rows], batch_size=BATCH_SIZE, verbose=0)

    for warm_up in (fit, by_keras, fit):
        warm_up()
    pairs = measured(fit, by_keras, REPETITIONS, between=gc.collect)
    pairs.report_gain(f"fit {name}", "building it and model.fit", bar)


if __name__ == "__main__":
    compare("mlp", mlp(), BAR)
    compare("mlp from its factory", mlp)
