"""Do baselines fail what got worse, and nothing else?

Three programs on data of scikit-learn; each gets a baseline from seed 0. Then pull
requests that make it worse, on 20 other seeds each, and the unchanged program on 200.
"""

from __future__ import annotations

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_diabetes, load_digits, load_wine

from pytest_lossguard.errors import NotConverged
from pytest_lossguard.guard import Guard
from pytest_lossguard.policy import Policy
from pytest_lossguard.training import Trainer

#: Seeds of the pull requests, and of the unchanged programs in turn.
WORSE, UNCHANGED = 20, 200


@dataclass(frozen=True, kw_only=True)
class Program:
    """A training, and what a pull request may change of it."""

    build: Callable[[float], Any]
    data: Callable[[bool], tuple[Any, Any]]
    rate: float
    steps: int
    scaled: bool = True

    def run(self, trainer: Trainer, path: Path, seed: int, update: str) -> bool:
        """Whether it passes."""
        policy = Policy(baseline=True, diagnose=False)
        guard = Guard(policy=policy, seed=seed, trainer=lambda: trainer)
        try:
            x, y = self.data(self.scaled)
            guard.fit(lambda: self.build(self.rate), x, y, steps=self.steps)
            guard.hold(path, "benchmark", update)
        except NotConverged:
            return False
        return True


def compiled(stack: list[Any], loss: str, rate: float) -> Any:
    model = keras.Sequential(stack)
    model.compile(keras.optimizers.Adam(rate), loss)
    return model


def regressor(rate: float) -> Any:
    stack = [keras.Input((10,)), layers.Dense(32, activation="relu"), layers.Dense(1)]
    return compiled(stack, "mse", rate)


def classifier(rate: float) -> Any:
    hidden = layers.Dense(16, activation="relu")
    stack = [keras.Input((13,)), hidden, layers.Dense(3, activation="softmax")]
    return compiled(stack, "sparse_categorical_crossentropy", rate)


def small_cnn(rate: float) -> Any:
    stack = [
        keras.Input((8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
    return compiled(stack, "sparse_categorical_crossentropy", rate)


def standardised(table: Any) -> Any:
    return (table - table.mean(axis=0)) / table.std(axis=0)


def diabetes(scaled: bool) -> tuple[Any, Any]:
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x = standardised(x) if scaled else x
    return x.astype("float32"), standardised(y).astype("float32")


def wine(scaled: bool) -> tuple[Any, Any]:
    x, y = load_wine(return_X_y=True)
    return (standardised(x) if scaled else x).astype("float32"), y.astype("int32")


def digits(scaled: bool) -> tuple[Any, Any]:
    x, y = load_digits(return_X_y=True)
    x = x / 16 if scaled else x * 16  # as 16-bit pixels
    return x.reshape(-1, 8, 8, 1).astype("float32"), y.astype("int32")


PROGRAMS = {
    "regressor": Program(build=regressor, data=diabetes, rate=0.01, steps=100),
    "classifier": Program(build=classifier, data=wine, rate=0.01, steps=100),
    "cnn": Program(build=small_cnn, data=digits, rate=0.003, steps=100),
}
PULL_REQUESTS: dict[str, Callable[[Program], Program]] = {
    "doubles the learning rate (half the headroom)": lambda it: replace(
        it, rate=2 * it.rate
    ),
    "halves it (twice the steps)": lambda it: replace(it, rate=it.rate / 2),
    "removes the scaler": lambda it: replace(it, scaled=False),
}


def main(worse: int, unchanged: int) -> None:
    trainer = Trainer()
    with tempfile.TemporaryDirectory() as folder:
        for name, program in PROGRAMS.items():
            path = Path(folder, f"{name}.json")
            began = time.perf_counter()
            program.run(trainer, path, 0, "all")
            print(f"{name}: written in {time.perf_counter() - began:.1f} s")
            for change, apply in PULL_REQUESTS.items():
                seeds = range(1000, 1000 + worse)
                changed = apply(program)
                failed = sum(
                    not changed.run(trainer, path, seed, "") for seed in seeds
                )
                print(f"{name}, {change}: {failed} of {worse} fail", flush=True)
        began, good, names = time.perf_counter(), 0, list(PROGRAMS)
        for index in range(unchanged):
            name = names[index % len(names)]
            path = Path(folder, f"{name}.json")
            good += PROGRAMS[name].run(trainer, path, 2000 + 16 * index, "")
        seconds = (time.perf_counter() - began) / max(1, unchanged)
        print(f"unchanged: {unchanged - good} of {unchanged} fail; {seconds:.1f} s each")


if __name__ == "__main__":
    main(*(int(it) for it in sys.argv[1:3])) if len(sys.argv) > 2 else main(
        WORSE, UNCHANGED
    )
