"""Measures whether XLA compilation of a training loop pays off, and after how many
runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from fit_against_bare_loop import bare_loop
from subjects import SUBJECTS

REPETITIONS = 5


def times(loop: Callable[[], Any]) -> tuple[float, float]:
    """Return the CPU seconds of the first call, and the median of later calls."""
    seconds = []
    for _ in range(1 + REPETITIONS):
        began = time.process_time()
        loop()
        seconds.append(time.process_time() - began)
    return seconds[0], median(seconds[1:])


def compare(name: str, build: Callable[[], Any], x: Any, y: Any) -> None:
    first, later = times(bare_loop(build(), x, y))
    first_xla, later_xla = times(bare_loop(build(), x, y, xla=True))
    gain, verdict = later - later_xla, "never pays"
    if gain > 0:
        verdict = f"pays after {(first_xla - first) / gain:.0f} trainings"
    print(
        f"xla {name}: first call {first_xla:.2f} s against {first:.2f} s, later ones"
        f" {later_xla * 1e3:.1f} ms against {later * 1e3:.1f} ms: {verdict}",
        flush=True,
    )


if __name__ == "__main__":
    for name, (build, data) in SUBJECTS.items():
        compare(name, build, *data())
