"""Peak and resident memory: of one large training, and of a thousand small ones."""

from __future__ import annotations

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LAYERS, WIDTH, STEPS, BATCH_SIZE = 12, 2048, 6, 32  # 50.5 million parameters
PEAK_BAR, GROWTH_BAR, TRAININGS, WARM_UP = 1.1, 1.01, 1000, 200
#: Models of different widths, and after how many of them memory is first measured, so
#: that the cache of programs is full.
STRUCTURES, FIRST = 160, 40
#: Trainings between garbage collections.
COLLECTED = 20
MIB = 1 << 20


def large(optimizer: str) -> tuple[Any, Any, Any]:
    """Return a model of 50 million parameters, and rows for it."""
    import keras
    import numpy as np
    from keras import layers

    model = keras.Sequential([keras.Input((64,))])
    for _ in range(LAYERS + 1):
        model.add(layers.Dense(WIDTH, activation="relu"))
    model.add(layers.Dense(1))
    model.compile(optimizer, "mse")
    x = np.random.default_rng(0).normal(size=(STEPS * BATCH_SIZE, 64))
    return model, x.astype("float32"), x[:, :1].astype("float32")


def unwatched(optimizer: str) -> None:
    model, x, y = large(optimizer)
    model.fit(x, y, batch_size=BATCH_SIZE, verbose=0)


def watched(optimizer: str) -> None:
    from pytest_lossguard.training import watching

    with watching(seed=0) as watch:
        unwatched(optimizer)
    watch.traces()


def by_fit(optimizer: str) -> None:
    from pytest_lossguard.training import Trainer

    model, x, y = large(optimizer)
    Trainer().fit_seeds(model, x, y, steps=STEPS, batch_size=BATCH_SIZE, seeds=(0,))[0]


def thousand_fits() -> None:
    """Train one model by one `Trainer`: Keras keeps .2 MiB of each model ever built."""
    from subjects import mlp, numbers

    from pytest_lossguard.training import Trainer

    trainer, model, data = Trainer(), mlp(), numbers()
    repeated(
        lambda: trainer.fit_seeds(model, *data, steps=20, batch_size=32, seeds=(0,))[0]
    )


def thousand_watched() -> None:
    """Train one eager model, which has no traced step, in a new watch each time."""
    from pytest_lossguard.training import watching

    fit = eager_fit()

    def training() -> None:
        with watching(seed=0) as watch:
            fit()
        watch.traces()

    repeated(training)


def thousand_unwatched() -> None:
    """Train one eager model by Keras alone."""
    repeated(eager_fit())


def eager_fit() -> Callable[[], object]:
    from subjects import mlp, numbers

    x, y = numbers(rows=64)
    model = mlp()
    model.run_eagerly = True
    return lambda: model.fit(x, y, batch_size=32, verbose=0)


def new_by_fit() -> None:
    """Train new models, which are not kept, by one `Trainer`."""
    from pytest_lossguard.training import Trainer

    trainer = Trainer()
    new_structures(
        lambda build, x, y: trainer.fit_seeds(build, x, y, steps=3, seeds=(0,))[0]
    )


def new_by_keras() -> None:
    """Train new models, which are not kept, by `model.fit`."""
    new_structures(lambda build, x, y: build().fit(x, y, verbose=0))


def new_structures(train: Callable[[Callable[[], Any], Any, Any], object]) -> None:
    import keras
    import numpy as np
    from keras import layers

    width = 0

    def build() -> Any:
        hidden = layers.Dense(width, activation="relu")
        model = keras.Sequential([keras.Input((4,)), hidden, layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    def training() -> None:
        nonlocal width
        width += 1
        rows = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
        train(build, rows, rows[:, :1])

    repeated(training, FIRST, STRUCTURES)


def repeated(
    training: Callable[[], object], first: int = WARM_UP, last: int = TRAININGS
) -> None:
    """Print the resident size after the first and after all trainings.

    Keras leaves some ten kilobytes of reference cycles in each eager training, which
    Python collects only after hundreds of trainings. Collecting garbage regularly
    excludes them.
    """
    import gc

    sizes = []
    for count in range(1, last + 1):
        training()
        if count % COLLECTED == 0:
            gc.collect()
        if count in (first, last):
            sizes.append(resident())
    print(*sizes)


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    import psutil

    return float(psutil.Process().memory_info().rss / MIB)


def peak() -> float:
    """Return the peak resident memory of this process in MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(case: str) -> list[float]:
    """Return the numbers that one case prints, run in a separate process."""
    command = [sys.executable, str(Path(__file__)), case]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(it) for it in output.split()]


def main() -> None:
    for optimizer in ("adam", "sgd"):
        (plain,) = measured(f"unwatched:{optimizer}")
        for how in ("watched", "by_fit"):
            (found,) = measured(f"{how}:{optimizer}")
            print(
                f"peak {how} {optimizer}: {found / plain:.3f} x unwatched (bar"
                f" {PEAK_BAR}), {found:.0f} against {plain:.0f} MiB",
                flush=True,
            )
    for how in ("thousand_fits", "thousand_watched", "thousand_unwatched"):
        warm, last = measured(how)
        print(
            f"resident {how}: {last / warm:.3f} x after {TRAININGS} of what it was"
            f" after {WARM_UP} (bar {GROWTH_BAR}), {last:.0f} against {warm:.0f} MiB",
            flush=True,
        )
    for how in ("new_by_fit", "new_by_keras"):
        few, many = measured(how)
        each = (many - few) / (STRUCTURES - FIRST)
        print(f"resident {how}: {each:.2f} MiB stay of each new model", flush=True)


def run_case(case: str) -> None:
    how, _, optimizer = case.partition(":")
    if not optimizer:
        once = (thousand_fits, thousand_watched, thousand_unwatched)
        {it.__name__: it for it in (*once, new_by_fit, new_by_keras)}[how]()
        return
    {"unwatched": unwatched, "watched": watched, "by_fit": by_fit}[how](optimizer)
    print(peak())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_case(sys.argv[1])
    else:
        main()
