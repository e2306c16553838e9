"""Several seeds in one call of `fit_seeds` compared with one by one, both warm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from fit_against_bare_loop import BATCH_SIZE, STEPS
from measure import measured
from subjects import SUBJECTS, images, mlp, numbers

from pytest_lossguard.training import Trainer

REPETITIONS = 9


def wide(units: int) -> Callable[[], Any]:
    """Return a builder of a model whose products use all processors."""

    def build() -> Any:
        layers = [keras.Input((28, 28, 1)), keras.layers.Flatten()]
        layers += [keras.layers.Dense(units, "relu") for _ in range(2)]
        model = keras.Sequential([*layers, keras.layers.Dense(10, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    return build


def compare(
    name: str, build: Callable[[], Any], x: Any, y: Any, seeds: int = 8
) -> None:
    trainer = Trainer()
    how: dict[str, Any] = {
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "reuse_built": True,
    }

    def together() -> None:
        trainer.fit_seeds(build, x, y, seeds=range(seeds), **how)

    def one_by_one() -> None:
        for seed in range(seeds):
            trainer.fit_seeds(build, x, y, seeds=(seed,), **how)[0]

    one_by_one()
    together()
    pairs = measured(together, one_by_one, REPETITIONS)
    pairs.report_gain(f"{seeds} seeds of {name}", "one after another", 1)


if __name__ == "__main__":
    for seeds in (2, 4, 16):
        compare("mlp", mlp, *numbers(), seeds=seeds)
    for name, (build, data) in SUBJECTS.items():
        compare(name, build, *data())
    for units in (64, 256, 1024):
        compare(f"784-{units}-{units}-10", wide(units), *images())
