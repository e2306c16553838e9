"""Measures whether baselines fail changes for the worse, and nothing else.

Three programs train on data of scikit-learn. Each gets a baseline from 20 seeds and is
compared with it unchanged and as changed by three pull requests; this is repeated
twenty times with other seeds. The unchanged programs are also compared two hundred
times on seeds other than those of the baseline: random numbers differ likewise on
another machine, or after a refactoring that draws them in another order.
"""

from __future__ import annotations

import json
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
from keras import layers
from sklearn.datasets import load_diabetes, load_digits, load_wine

from pytest_lossguard.core.errors import NotConverged
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.session.baseline import BaselineRequest
from pytest_lossguard.session.guard import Guard
from pytest_lossguard.training import Trainer

#: Baselines of each program, and runs of the unchanged programs on other seeds.
WORSE, UNCHANGED = 20, 200


@dataclass(frozen=True, kw_only=True)
class Program:
    """A training, with the settings that a pull request may change."""

    build: Callable[[float], Any]
    data: Callable[[bool], tuple[Any, Any]]
    rate: float
    steps: int
    scaled: bool = True

    def passes(self, trainer: Trainer, path: Path, seed: int, update: Any = "") -> bool:
        """Train, and return whether the comparison with the baseline passes."""
        policy = Policy(baseline=True, diagnose=False)
        guard = Guard(policy=policy, seed=seed, trainer=lambda: trainer)
        try:
            x, y = self.data(self.scaled)
            guard.fit(lambda: self.build(self.rate), x, y, steps=self.steps)
            asked = BaselineRequest(path=path, test="benchmark", update=update)
            guard.check_baseline(asked)
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


def standardized(table: Any) -> Any:
    return (table - table.mean(axis=0)) / table.std(axis=0)


def diabetes(scaled: bool) -> tuple[Any, Any]:
    x, y = load_diabetes(return_X_y=True, scaled=False)
    x = standardized(x) if scaled else x
    return x.astype("float32"), standardized(y).astype("float32")


def wine(scaled: bool) -> tuple[Any, Any]:
    x, y = load_wine(return_X_y=True)
    return (standardized(x) if scaled else x).astype("float32"), y.astype("int32")


def digits(scaled: bool) -> tuple[Any, Any]:
    x, y = load_digits(return_X_y=True)
    x = x / 16 if scaled else x * 16  # like 16-bit pixels
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


def main(worse: int, unchanged: int, names: list[str]) -> None:
    """Print how many runs fail, unchanged and by change."""
    trainer = Trainer()
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            program = PROGRAMS[name]
            caught, false, spent = dict.fromkeys(PULL_REQUESTS, 0), 0, [0.0, 0.0]
            for index in range(worse):
                path, seed = Path(folder, f"{name}{index}.json"), 1000 * index
                began = time.perf_counter()
                program.passes(trainer, path, seed, "all")
                written = time.perf_counter()
                false += not program.passes(trainer, path, seed)
                spent[0] += written - began
                spent[1] += time.perf_counter() - written
                for change, apply in PULL_REQUESTS.items():
                    caught[change] += not apply(program).passes(trainer, path, seed)
            each = [f"{it / worse:.1f} s" for it in spent]
            print(f"{name}: written in {each[0]}, compared in {each[1]}; as it is")
            print(f"  {false} of {worse} fail")
            for change, count in caught.items():
                print(f"  {change}: {count} of {worse} fail", flush=True)
        failed = sum(
            not on_other_seeds(trainer, Path(folder), names[index % len(names)], index)
            for index in range(unchanged)
        )
        print(f"unchanged, on other seeds: {failed} of {unchanged} fail")


def on_other_seeds(trainer: Trainer, folder: Path, name: str, index: int) -> bool:
    """Whether an unchanged program passes on seeds that are not in its baseline."""
    given = json.loads(Path(folder, f"{name}0.json").read_text())
    seeds = given["trainings"][0]["seeds"]
    given["trainings"][0]["seeds"] = [it + 100 * (index + 1) for it in seeds]
    path = Path(folder, "other.json")
    path.write_text(json.dumps(given))
    return PROGRAMS[name].passes(trainer, path, 0)


if __name__ == "__main__":
    chosen = [it for it in sys.argv[1:] if it in PROGRAMS]
    counts = [int(it) for it in sys.argv[1:] if it.isdigit()]
    worse, unchanged = counts or (WORSE, UNCHANGED)
    main(worse, unchanged, chosen or list(PROGRAMS))
