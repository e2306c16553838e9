"""The judge alone, on a trace of 1,000 steps and 50 variables."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import LayerStats
from pytest_lossguard.judge import judge
from tests.support.traces import column, falling, make_trace

STEPS, VARIABLES, REPEATS = 1000, 50, 200
BAR_MS = 5.0


def main() -> None:
    """Print the median time of one judgment, in milliseconds."""
    generator = np.random.default_rng(0)
    curve = np.array(falling(1.0, 0.9, STEPS)) * generator.lognormal(0, 0.3, STEPS)
    trace = make_trace(
        curve,
        start=1.0,
        end=0.9,
        constant=0.8,
        variables=tuple(f"net/dense_{it}/kernel" for it in range(VARIABLES)),
        grad_norm=generator.lognormal(0, 1, (STEPS, VARIABLES)),
        layers=tuple(
            LayerStats(name=f"dense_{it}", activation="relu", units=64)
            for it in range(VARIABLES // 2)
        ),
        inputs=(column("input", mean=np.zeros(100), std=np.ones(100)),),
    )
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        judge(trace, Policy())
        times.append(1e3 * (time.perf_counter() - began))
    print(f"judge: {median(times):.2f} ms (bar {BAR_MS:g})")


if __name__ == "__main__":
    main()
