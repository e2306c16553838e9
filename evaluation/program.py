"""What the corpus is made of: programs that train, and whether they should fail."""

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
    """What one program trains, as the arguments of ``lossguard.fit``.

    Attributes:
        build: Makes the compiled `keras.Model`; seeded by the caller.
        x, y, sample_weight: The training data, arrays or nested structures.
        epochs: Passes over the data.
        batch_size: Rows per step.
        shuffle: Whether rows are shuffled anew each epoch.
        validation_data: Held-out ``(x, y)``, where the program has any.
        test: Clean held-out ``(x, y)`` in the program's own encoding, to measure
            how good the trained model is; None where the training data serve.
        quality: ``(y, predictions) -> float``, higher is better: accuracy, R
            squared, or minus a loss. It must not depend on the program's loss.
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
        """The keywords of ``lossguard.fit`` beside model, x and y."""
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
        name: Unique, as ``published/SO-41596619/broken``.
        source: Where it comes from.
        family: Programs of one family share their data and model; a family is
            wholly in one part of the corpus.
        broken: Whether a judge should fail it.
        setup: From a seed, which draws whatever data are generated.
        fault: What was done to it, in the words of the literature.
        fits: Kinds of finding that are true of it.
        causes: Causes of the contract that are true of it.
        fixed: The repaired program, for a broken one that has one.
        seeds_that_fail: Share of the seeds on which it is broken, where known.
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
        """Whether it may set thresholds, or only reports."""
        return part_of(self.family)


def part_of(family: str) -> Part:
    """Split by family, in a way that no result can influence: by a checksum."""
    return "report" if zlib.crc32(family.encode()) % 2 else "tune"


def accuracy(y: Any, predictions: Any) -> float:
    """Share of rows whose class is predicted: argmax, or 0.5 for a single unit."""
    predictions, y = np.asarray(predictions), np.asarray(y)
    if predictions.shape[-1] == 1:
        return float(np.mean((predictions.ravel() > 0.5) == (y.ravel() > 0.5)))
    labels = y.argmax(-1) if y.shape == predictions.shape else y.reshape(-1)
    return float(np.mean(predictions.argmax(-1).reshape(-1) == labels.reshape(-1)))


def r_squared(y: Any, predictions: Any) -> float:
    """Share of the variance explained, all values together; may be below 0."""
    y, predictions = np.asarray(y, float).ravel(), np.asarray(predictions).ravel()
    if not np.isfinite(predictions).all() or y.shape != predictions.shape:
        return float("-inf")
    rest = np.sum((y - predictions.astype(float)) ** 2)
    return float(1 - rest / max(np.sum((y - y.mean()) ** 2), 1e-12))
