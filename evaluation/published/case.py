"""What a published bug is written down as, and the Keras parts it is made of."""

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
        data: Makes the rows to train on.
        layers: The stack below the input.
        loss: Its name, a part, or a function of labels and predictions.
        optimizer: A part.
        epochs, batch_size: How long.
        quality: See `Setup`.
        test: Makes the rows to measure the quality on, where the training rows
            would flatter.
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
        """The same training, some of it changed."""
        return replace(self, **changes)

    def setup(self, seed: int) -> Setup:
        """The same rows for every seed: they are part of what was published."""
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
        """The compiled model."""
        shape = self.data()[0].shape[1:]
        return compiled(shape, self.layers, self.optimizer, self.loss)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One published bug.

    Attributes:
        id: As the literature knows it.
        fault: What is wrong, in a few words.
        fits, causes: See `Program`; names between blanks.
        seeds_that_fail: See `Program`.
        training: The program with the bug.
        fix: What the fix changes about it, or the fixed training; None where
            there is no fix.
        broken: Whether the program should fail: some are healthy, or work all
            the same.
        family: Where it shares data and model with other cases.
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
        """The program with the bug, and the fixed one where there is one."""
        family, fixed = self.family or self.id, self._fixed()
        fits = tuple(self.fits.split())
        bug = Program(
            name=f"published/{self.id}/broken",
            source="published",
            family=family,
            broken=self.broken,
            setup=self.training.setup,
            fault=self.fault,
            # What has a fix is made better by a change.
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
    """Share of the values, of all outputs, on the right side of 0.5."""
    return float(np.mean((np.asarray(predictions) > 0.5) == (np.asarray(y) > 0.5)))


def drawn_wide(units: int, activation: str = "linear", *, bias: bool = True) -> Part:
    """A dense layer whose weights have a deviation of 1, and its biases as well."""
    wide = Initializer.RandomNormal(stddev=1.0)
    start = {"bias_initializer": wide} if bias else {"use_bias": False}
    return Layer.Dense(units, activation, kernel_initializer=wide, **start)
