"""`model.fit` under watch, its trace read afterwards, against plain `model.fit`."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from measure import measured
from subjects import images, mlp, numbers, steady_epochs, wide_cnn

from pytest_lossguard.training import watching

BATCH_SIZE, REPETITIONS = 32, 11


def compare(
    name: str, build: Callable[[], Any], data: tuple[Any, Any], epochs: int, bar: float
) -> None:
    def plain() -> None:
        build().fit(*data, epochs=epochs, batch_size=BATCH_SIZE, verbose=0)

    def watched() -> None:
        with watching(seed=0) as watch:
            plain()
        (_,) = watch.traces()  # one training was seen

    plain()
    watched()
    pairs = measured(watched, plain, REPETITIONS, between=gc.collect)
    pairs.report(f"watch {name}", "model.fit unwatched", bar)


if __name__ == "__main__":
    steady_epochs()
    # 1,600 small steps.
    compare("mlp", mlp, numbers(rows=10_240), epochs=5, bar=1.15)
    # 416 steps of more than 10 ms.
    compare("cnn", wide_cnn, images(), epochs=13, bar=1.05)
