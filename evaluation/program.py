"""Programs of the corpus: what they train, and whether they should fail."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["Part", "Program", "Setup", "accuracy", "part_of", "r_squared"]

Part = Literal["tune", "report"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """Training of one program, as the arguments of ``lossguard.fit``.

    Attributes:
        build: Returns the compiled `keras.Model`; the caller sets the seed.
        x, y, sample_weight: The training data, arrays or nested structures.
        epochs: Passes over the data.
        batch_size: Rows per step.
        shuffle: Whether rows are shuffled anew each epoch.
        validation_data: Held-out ``(x, y)``; None if the program has none.
        test: Clean held-out ``(x, y)`` in the program's own encoding, to measure the
            quality of the trained model; None to use the training data.
        quality: ``(y, predictions) -> float``, higher is better: accuracy, R squared,
            or a negative loss. It must not depend on the program's loss.
    """

    build: Callable[[], Any]
    x: Any
    y: Any = None
    sample_weight: Any = None
    epochs: int = 10
    batch_size: int = 32
    shuffle: bool = True
    validation_data: Any = None
    test: tuple[Any, Any] | None = None
    quality: Callable[[Any, Any], float] | None = None

    def how(self) -> dict[str, Any]:
        """Return the keywords of ``lossguard.fit`` other than model, x and y."""
        return {
            "sample_weight": self.sample_weight,
            "validation_data": self.validation_data,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """One program of the corpus.

    Attributes:
        name: Unique, for example ``published/SO-41596619/broken``.
        source: Where the program comes from.
        family: Name shared by programs with the same data and model; a family is
            wholly in one part of the corpus.
        broken: Whether the judge should fail the program.
        setup: Returns the `Setup` for a seed, which also seeds generated data.
        fault: The injected or reported fault, in the terms of the literature.
        fits: Kinds of finding that are true of the program.
        causes: Causes of the contract that are true of the program.
        fixed: ``setup`` of the repaired program; None if there is none.
        seeds_that_fail: Share of the seeds on which the program is broken; None if
            unknown.
    """

    name: str
    source: Literal["published", "mutant", "healthy"]
    family: str
    broken: bool
    setup: Callable[[int], Setup]
    fault: str = ""
    fits: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    fixed: Callable[[int], Setup] | None = None
    seeds_that_fail: float = 1.0

    @property
    def part(self) -> Part:
        """The part of the corpus: only ``"tune"`` may set thresholds."""
        return part_of(self.family)


def part_of(family: str) -> Part:
    """Return the part of a family by a checksum of its name, so that no result can
    influence the split.
    """
    return "report" if zlib.crc32(family.encode()) % 2 else "tune"


def accuracy(y: Any, predictions: Any) -> float:
    """Return the share of right classes: by argmax, or by 0.5 for a single unit."""
    predictions, y = np.asarray(predictions), np.asarray(y)
    if predictions.shape[-1] == 1:
        return float(np.mean((predictions.ravel() > 0.5) == (y.ravel() > 0.5)))
    labels = y.argmax(-1) if y.shape == predictions.shape else y.reshape(-1)
    return float(np.mean(predictions.argmax(-1).reshape(-1) == labels.reshape(-1)))


def r_squared(y: Any, predictions: Any) -> float:
    """Return the share of variance explained over all values; may be negative."""
    y, predictions = np.asarray(y, float).ravel(), np.asarray(predictions).ravel()
    if not np.isfinite(predictions).all() or y.shape != predictions.shape:
        return float("-inf")
    rest = np.sum((y - predictions.astype(float)) ** 2)
    return float(1 - rest / max(np.sum((y - y.mean()) ** 2), 1e-12))
