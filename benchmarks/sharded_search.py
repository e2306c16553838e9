"""Speedup of a search of 2,000 examples in four shards by two workers over one.

    python benchmarks/sharded_search.py [REPEATS]

Prints medians over the repeats: the seconds of a session, and the processor seconds of
its busiest worker, on which other programs on the machine have less influence. Then
prints the ratios to one worker with four shards, and to one with the whole search.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

EXAMPLES = 2_000
TEST = """
import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import RobustScaler


def build():
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((10,)), *layers])
    model.compile(keras.optimizers.Adam(0.003), "mse")
    return model


@pytest.mark.converges(
    steps=600, max_examples=EXAMPLES, shards=SHARDS, diagnose=False
)
@pytest.mark.corruptions
def test_searched(lossguard, corruption):
    x, y = corruption(*load_diabetes(return_X_y=True))
    x = np.clip(RobustScaler().fit_transform(x), -5, 5)
    lossguard.fit(build, x, (y - y.mean()) / y.std())
"""
CONFTEST = """
import os
import time
from pathlib import Path


def pytest_sessionfinish():
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        Path(f"{worker}.seconds").write_text(str(time.process_time()))
"""
#: Numbers of shards and workers.
SETTINGS = {"undivided": (1, 1), "one worker": (4, 1), "two workers": (4, 2)}


def run(shards: int, workers: int) -> tuple[float, float, int]:
    """Return seconds of a session and of its busiest worker, and the trainings."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        test = TEST.replace("EXAMPLES", str(EXAMPLES)).replace("SHARDS", str(shards))
        (folder / "test_it.py").write_text(test)
        (folder / "conftest.py").write_text(CONFTEST)
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        command = [sys.executable, "-m", "pytest", "-q", f"-n{workers}"]
        began = time.perf_counter()
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", "--lossguard-json=r.json"],
            cwd=folder,
            env={**os.environ, **quiet},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        busiest = max(float(it.read_text()) for it in folder.glob("*.seconds"))
        tests = json.loads((folder / "r.json").read_text())["tests"]
        return seconds, busiest, sum(it["search"]["unique"] for it in tests)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    found: dict[str, list[tuple[float, float, int]]] = {it: [] for it in SETTINGS}
    for _ in range(repeats):
        for name, (shards, workers) in SETTINGS.items():
            found[name].append(run(shards, workers))
    middle = {
        name: [median(column) for column in zip(*rows, strict=True)]
        for name, rows in found.items()
    }
    for name, (seconds, busiest, unique) in middle.items():
        text = f"{seconds:.0f} s, busiest worker {busiest:.0f} s of processor time"
        print(f"{name:<12} {text}, {unique:.0f} different trainings")
    fast = middle["two workers"]
    for name in ("one worker", "undivided"):
        ratios = [slow / quick for slow, quick in zip(middle[name], fast, strict=True)]
        print(f"{name} / two workers: {ratios[0]:.2f}, processor {ratios[1]:.2f}")


if __name__ == "__main__":
    main()
