"""The representation of a published bug, and the Keras parts it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..keras_parts import Initializer, Layer, Layers, Part, compiled
from ..program import Program, Setup
from .data import Data

__all__ = ["Case", "Training", "drawn_wide", "values_right"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """One training, as its author wrote it.

    Attributes:
        data: Returns the training rows.
        layers: The layers after the input.
        loss: A name, a part, or a function of labels and predictions.
        optimizer: A part.
        epochs, batch_size: Training settings.
        quality: See `Setup`.
        test: Returns the rows to measure the quality on; None for the training rows.
    """

    data: Data
    layers: Layers
    loss: Any
    optimizer: Part
    epochs: int
    batch_size: int = 32
    quality: Callable[[Any, Any], float]
    test: Data | None = None

    def but(self, **changes: Any) -> Training:
        """Return a copy of the training with some fields changed."""
        return replace(self, **changes)

    def setup(self, seed: int) -> Setup:
        """Return the training; the seed does not change the published rows."""
        del seed
        x, y = self.data()
        return Setup(
            build=self.build,
            x=x,
            y=y,
            epochs=self.epochs,
            batch_size=self.batch_size,
            test=self.test() if self.test else None,
            quality=self.quality,
        )

    def build(self) -> Any:
        """Return the compiled model."""
        shape = self.data()[0].shape[1:]
        return compiled(shape, self.layers, self.optimizer, self.loss)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One published bug.

    Attributes:
        id: Identifier in the literature.
        fault: What is wrong, in a few words.
        fits, causes: See `Program`; names separated by blanks.
        seeds_that_fail: See `Program`.
        training: The program with the bug.
        fix: Fields that the fix changes, or the fixed training; None if there is no
            fix.
        broken: Whether the program should fail: some are healthy, or work in spite of
            the bug.
        family: Family, if data and model are shared with other cases; default ``id``.
    """

    id: str
    fault: str = ""
    fits: str = ""
    causes: str = ""
    training: Training
    fix: Mapping[str, Any] | Training | None = None
    broken: bool = True
    family: str = ""
    seeds_that_fail: float = 1.0

    def programs(self) -> tuple[Program, ...]:
        """Return the program with the bug, and the fixed one if there is a fix."""
        family, fixed = self.family or self.id, self._fixed()
        fits = tuple(self.fits.split())
        bug = Program(
            name=f"published/{self.id}/broken",
            source="published",
            family=family,
            broken=self.broken,
            setup=self.training.setup,
            fault=self.fault,
            # If there is a fix, a change improves the program.
            fits=(*fits, "improvable") if fixed else fits,
            causes=tuple(self.causes.split()),
            fixed=fixed.setup if fixed else None,
            seeds_that_fail=self.seeds_that_fail if self.broken else 0.0,
        )
        if fixed is None:
            return (bug,)
        repaired = Program(
            name=f"published/{self.id}/fixed",
            source="published",
            family=family,
            broken=False,
            setup=fixed.setup,
        )
        return bug, repaired

    def _fixed(self) -> Training | None:
        if self.fix is None or isinstance(self.fix, Training):
            return self.fix
        return self.training.but(**self.fix)


def values_right(y: Any, predictions: Any) -> float:
    """Return the share of values, over all outputs, on the right side of 0.5."""
    return float(np.mean((np.asarray(predictions) > 0.5) == (np.asarray(y) > 0.5)))


def drawn_wide(units: int, activation: str = "linear", *, bias: bool = True) -> Part:
    """Return a dense layer with weights and biases drawn with standard deviation 1."""
    wide = Initializer.RandomNormal(stddev=1.0)
    start = {"bias_initializer": wide} if bias else {"use_bias": False}
    return Layer.Dense(units, activation, kernel_initializer=wide, **start)
