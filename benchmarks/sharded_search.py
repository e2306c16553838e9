"""How much faster two workers run a search of 2,000 examples in four shards than one.

    python benchmarks/sharded_search.py

Prints the seconds of both, and their ratio.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHARDS, EXAMPLES = 4, 2_000
TEST = f"""
import keras
import pytest
from sklearn.datasets import load_diabetes


def build():
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((10,)), *layers])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


@pytest.mark.converges(
    steps=200, max_examples={EXAMPLES}, shards={SHARDS}, diagnose=False
)
@pytest.mark.corruptions(scales=(1e-6, 1e6))
def test_searched(lossguard, corruption):
    x, y = load_diabetes(return_X_y=True)
    x, y = corruption(x.astype("float32"), y.astype("float32"))
    x = (x - x.mean(0)) / (x.std(0) + 1e-9)
    lossguard.fit(build, x, (y - y.mean()) / y.std())
"""


def run(folder: Path, workers: int) -> tuple[float, str]:
    """Seconds of a session, and its last line."""
    (folder / "test_it.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", f"-n{workers}"]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    began = time.perf_counter()
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=folder,
        env=quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.strip().splitlines()[-1]
    return time.perf_counter() - began, re.sub(r" in .*", "", last)


def main() -> None:
    seconds = {}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            seconds[workers], outcome = run(Path(folder), workers)
        print(f"{workers} workers: {seconds[workers]:.0f} s, {outcome}")
    print(f"ratio {seconds[1] / seconds[2]:.2f}")


if __name__ == "__main__":
    main()
