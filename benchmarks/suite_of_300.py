"""A test suite on two workers, marked and unmarked: processor time and memory.

60 models of five families with five tests each, and a training by `model.fit` in every
test. ``--models=10 --repetitions=1`` is a small run; ``--profile=FILE`` writes a
profile of one worker in a marked run, for `pstats`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

MODELS, TESTS, WORKERS, REPETITIONS, BAR = 60, 5, 2, 3, 0.15

BUILD = '''
import keras
import numpy as np
from keras import layers


def dense(width):
    hidden = [layers.Dense(width, activation="relu") for _ in range(2)]
    return keras.Sequential([keras.Input((10,)), *hidden, layers.Dense(1)]), "mse"


def normalized(width):
    model = keras.Sequential([keras.Input((10,))])
    for _ in range(2):
        model.add(layers.Dense(width))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    model.add(layers.Dense(1))
    return model, "mse"


def convolutions(width):
    stack = [
        keras.Input((12, 12, 1)),
        layers.Conv2D(width // 4, 3, activation="relu"),
        layers.MaxPool2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
    return keras.Sequential(stack), "sparse_categorical_crossentropy"


def recurrent(width):
    stack = [keras.Input((10, 4)), layers.LSTM(width), layers.Dense(1)]
    return keras.Sequential(stack), "mse"


def attention(width):
    x = inputs = keras.Input((10, 4))
    x = layers.Dense(width)(x)
    attended = layers.MultiHeadAttention(2, width // 2)(x, x)
    x = layers.LayerNormalization()(layers.add([x, attended]))
    outputs = layers.Dense(1)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, outputs), "mse"


FAMILIES = (dense, normalized, convolutions, recurrent, attention)
ROWS = 2000


def build_model(number):
    """One of ever other widths."""
    family = FAMILIES[number % len(FAMILIES)]
    model, loss = family(16 + 4 * (number // len(FAMILIES)))
    model.compile(keras.optimizers.Adam(0.01), loss)
    return model


def load(number, seed):
    """What it can learn."""
    draw = np.random.default_rng(seed)
    family = FAMILIES[number % len(FAMILIES)]
    if family is convolutions:
        y = draw.integers(0, 10, ROWS)
        patterns = np.random.default_rng(0).normal(size=(10, 12, 12, 1))
        return patterns[y] + draw.normal(0, 0.5, (ROWS, 12, 12, 1)), y
    if family in (recurrent, attention):
        x = draw.normal(size=(ROWS, 10, 4))
        return x, x[:, :, 0].mean(axis=1) * 3
    x = draw.normal(size=(ROWS, 10))
    return x, np.tanh(x[:, 0]) + x[:, 1]
'''

TEST = """
import os

import pytest
from models import build_model, load

if os.environ["MARKED"] == "1":
    pytestmark = pytest.mark.converges


@pytest.mark.parametrize("seed", range({tests}))
def test_model(seed):
    x, y = load({number}, seed)
    build_model({number}).fit(x, y, epochs={epochs}, verbose=0)
"""

#: Conftest of the suite: each process writes its CPU seconds, and each worker its
#: memory after each test.
CONFTEST = """
import json
import os
import time
from pathlib import Path

import psutil

SIZES = []
PROFILE = None


def pytest_sessionstart(session):
    global PROFILE
    worker = os.environ.get("PYTEST_XDIST_WORKER", "controller")
    if os.environ.get("PROFILED") and worker == "gw0":
        import cProfile

        PROFILE = cProfile.Profile()
        PROFILE.enable()


def pytest_runtest_logfinish(nodeid):
    SIZES.append(psutil.Process().memory_info().rss)


def pytest_sessionfinish(session):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "controller")
    if PROFILE is not None:
        PROFILE.disable()
        PROFILE.dump_stats(os.environ["PROFILED"])
    spent = {"seconds": time.process_time(), "sizes": SIZES}
    Path(os.environ["TOLD"], worker + ".json").write_text(json.dumps(spent))
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the suite.

    Attributes:
        seconds: CPU seconds of all processes and threads.
        sizes: For each worker, its resident bytes after each test.
    """

    seconds: float
    sizes: list[list[int]]

    def at(self, share: float) -> float:
        """Return the MiB of the larger worker after this share of its tests."""
        return max(it[int(share * (len(it) - 1))] for it in self.sizes) / 2**20


def write_suite(folder: Path, models: int, epochs: int) -> None:
    (folder / "models.py").write_text(BUILD, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    for number in range(models):
        text = TEST.format(number=number, tests=TESTS, epochs=epochs)
        path = folder / f"test_model_{number:02}.py"
        path.write_text(text, encoding="utf-8")


def run(folder: Path, workers: int, marked: bool, profile: str = "") -> Session:
    """Run the suite once.

    Raises:
        CalledProcessError: A test failed.
    """
    options = ["-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"-n{workers}"]
    options += [] if marked else ["-p", "no:lossguard"]
    with tempfile.TemporaryDirectory() as spent_in:
        environment = {
            **os.environ,
            "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "MARKED": str(int(marked)),
            "TOLD": spent_in,
            "PROFILED": profile,
        }
        command = [sys.executable, "-m", "pytest", *options]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            print(done.stdout[-3000:], done.stderr[-1000:])
            done.check_returncode()
        found: dict[str, Any] = {
            it.stem: json.loads(it.read_text(encoding="utf-8"))
            for it in Path(spent_in).glob("*.json")
        }
    seconds = sum(it["seconds"] for it in found.values())
    sizes = [it["sizes"] for name, it in found.items() if name != "controller"]
    return Session(seconds=seconds, sizes=sizes)


def report(pairs: list[tuple[Session, Session]]) -> None:
    shares = [ours.seconds / theirs.seconds - 1 for ours, theirs in pairs]
    each = ", ".join(f"{it:.1%}" for it in shares)
    print(f"own share of CPU time: {median(shares):.1%} (bar {BAR:.0%}); each: {each}")
    for name, index in (("marked", 0), ("unmarked", 1)):
        chosen = [pair[index] for pair in pairs]
        seconds = median(it.seconds for it in chosen)
        sizes = [
            f"{median(it.at(share) for it in chosen):.0f}"
            for share in (0.1, 0.25, 0.5, 0.75, 1)
        ]
        print(
            f"{name}: {seconds:.0f} s of CPU time; a worker's MiB after 10, 25, 50, 75"
            f" and 100 % of its tests: {', '.join(sizes)}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--profile", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_suite(folder, asked.models, asked.epochs)
        if asked.profile:
            run(folder, asked.workers, True, str(Path(asked.profile).resolve()))
            return
        pairs = []
        for repetition in range(asked.repetitions):
            order = (True, False) if repetition % 2 else (False, True)
            found = {it: run(folder, asked.workers, it) for it in order}
            pairs.append((found[True], found[False]))
            report(pairs[-1:])
        if len(pairs) > 1:
            report(pairs)


if __name__ == "__main__":
    main()
