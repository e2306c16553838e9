"""Cost of recording as parameters and steps grow: writes RESULTS.md and a plot.

Both values of a pair are CPU seconds, which depend least on other programs on the
machine: of one training step, watched and unwatched, by number of parameters; and of a
whole training in the graph and in a bare loop, by number of steps.
"""

from __future__ import annotations

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import gc
import platform
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from fit_against_bare_loop import bare_loop
from subjects import dense, mlp, numbers, steady_epochs

from pytest_lossguard.training import Trainer, watching

HERE = Path(__file__).parent
PARAMETERS = (10**4, 10**5, 10**6, 10**7, 10**8)
STEPS = (10, 100, 1_000, 10_000, 100_000)
BATCH_SIZE, INPUTS, HIDDEN = 32, 64, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One measurement: CPU seconds with recording and without."""

    size: int
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Cost with recording as a multiple of the cost without."""
        return self.ours / self.theirs


class StepTimes(keras.callbacks.Callback):  # type: ignore[misc]
    """Records CPU seconds at the end of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record the time."""
        del batch, logs
        self.ends.append(time.process_time())


def step_seconds(parameters: int, watched: bool) -> float:
    """Return the median CPU seconds of a step, without the first two steps."""
    steps = 8 if parameters > 10**7 else 60
    x = np.random.default_rng(0).normal(size=(steps * BATCH_SIZE, INPUTS))
    x, times = x.astype("float32"), StepTimes()
    width = int((parameters / HIDDEN) ** 0.5)
    with watching(seed=0) if watched else nullcontext():
        dense(width, INPUTS).fit(
            x, x[:, :1], batch_size=BATCH_SIZE, verbose=0, callbacks=[times]
        )
    return float(np.median(np.diff(times.ends[2:])))


def by_parameters(parameters: int) -> Point:
    repetitions = 4 if parameters > 10**7 else 10
    ours: list[float] = []
    theirs: list[float] = []
    for repetition in range(repetitions):
        for watched in (True, False) if repetition % 2 else (False, True):
            gc.collect()  # the weights of the previous model
            seconds = step_seconds(parameters, watched)
            (ours if watched else theirs).append(seconds)
    return Point(size=parameters, ours=median(ours), theirs=median(theirs))


def by_steps(steps: int) -> Point:
    trainer, model, (x, y) = Trainer(), mlp(), numbers()
    bare = bare_loop(mlp(), x, y, steps)

    def fit() -> None:
        trainer.fit_seeds(model, x, y, steps=steps, batch_size=BATCH_SIZE, seeds=(0,))

    fit()
    bare()
    repetitions = max(1, min(15, 20_000 // steps))
    pairs = [(_work(fit), _work(bare)) for _ in range(repetitions)]
    ours, theirs = zip(*pairs, strict=True)
    return Point(size=steps, ours=median(ours), theirs=median(theirs))


def _work(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def plot(path: Path, groups: dict[str, list[Point]]) -> None:
    """Plot the cost with recording over the cost without, one panel per group."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "lossguard"  # the same file each time
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(groups), figsize=(8, 3), sharey=True)
    for panel, (name, points) in zip(panels, groups.items(), strict=True):
        panel.axhline(1, color="0.7", linewidth=1)
        panel.plot([it.size for it in points], [it.ratio for it in points], "o-")
        panel.set(xscale="log", xlabel=name, ylim=(0, None))
    panels[0].set_ylabel("with recording / without")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def table(unit: str, points: list[Point], scale: float, caption: str) -> list[str]:
    lines = [
        f"| {unit} | with, {caption} | without, {caption} | ratio |",
        "|---|---|---|---|",
    ]
    for it in points:
        ours, theirs = it.ours * scale, it.theirs * scale
        lines.append(f"| {it.size:,} | {ours:.3g} | {theirs:.3g} | {it.ratio:.2f} |")
    return lines


def main() -> None:
    write(
        [_formatted(by_parameters(it)) for it in PARAMETERS],
        [_formatted(by_steps(it)) for it in STEPS],
    )


def write(parameters: list[Point], steps: list[Point]) -> None:
    """Write the tables below the marker of RESULTS.md, and the plot."""
    plot(HERE / "growth.svg", {"parameters": parameters, "steps": steps})
    results = HERE / "RESULTS.md"
    before, marker, _ = results.read_text().partition("<!-- growth -->")
    lines = [
        *("", "CPU time of all threads, medians; TensorFlow " + tf.__version__ + ","),
        f"Keras {keras.__version__}, Python {platform.python_version()},"
        f" {os.cpu_count()} cores; load average {os.getloadavg()[1]:.1f}.",
        *(
            "",
            "One step of a stack of four equal dense layers, SGD, batch of 32, under",
        ),
        *("`model.fit`, watched and not:", ""),
        *table("parameters", parameters, 1e3, "ms a step"),
        *("", "A warm `lossguard.fit` of the small MLP, scoring included, against the"),
        *("same steps as a bare loop that records nothing:", ""),
        *table("steps", steps, 1e3, "ms in all"),
        *("", "![cost of recording](growth.svg)", ""),
    ]
    results.write_text(before + marker + "\n".join(lines))


def _formatted(point: Point) -> Point:
    print(f"{point.size:,}: {point.ratio:.2f} x the CPU time", flush=True)
    return point


if __name__ == "__main__":
    steady_epochs()
    main()
