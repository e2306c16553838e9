"""A base: data, a model with adjustable parts, and a measure of quality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..program import Program, Setup, accuracy, part_of, r_squared

__all__ = [
    "Base",
    "Data",
    "Knobs",
    "bounded_accuracy",
    "bounded_r_squared",
    "deviance_explained",
    "logit_accuracy",
]


class Data(NamedTuple):
    """Training rows, and clean test rows of the same distribution."""

    x: Any
    y: Any
    test_x: Any
    test_y: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Settings of a base's model that can be changed; the defaults are healthy.

    None means the base's own setting.

    Attributes:
        rate: Factor of the learning rate.
        momentum: Momentum of SGD, or ``beta_1`` of Adam.
        schedule: ``"decays"`` halves the learning rate at every step.
        clip: Norm that each gradient is clipped to.
        activation: Activation of the hidden layers; ``"linear"`` drops it.
        last: Activation of the last layer; ``"linear"`` drops it.
        loss: Name of the loss.
        twist: ``"summed"`` sums the losses of the rows, ``"negative"`` flips the sign,
            ``"broadcast"`` subtracts ``(n,)`` labels from ``(n, 1)`` outputs.
        initializer: Initializer of all kernels: a Keras name or a key of
            `model_parts.STARTS`.
        penalty: L2 factor of all kernels.
        dropout: Dropout rate after each hidden layer.
        units: Units of each hidden layer.
        depth: Number of hidden layers.
        frozen: ``"first"``, or ``"hidden"`` for all layers but the last.
        cut: Whether the gradient to the first layer is stopped.
    """

    rate: float = 1.0
    momentum: float | None = None
    schedule: str | None = None
    clip: float | None = None
    activation: str | None = None
    last: str | None = None
    loss: str | None = None
    twist: str | None = None
    initializer: str | None = None
    penalty: float = 0.0
    dropout: float = 0.0
    units: int | None = None
    depth: int | None = None
    frozen: str | None = None
    cut: bool = False


HEALTHY = Knobs()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Base:
    """A healthy program that faults can be injected into.

    Attributes:
        name: Unique.
        raw: Returns the unscaled data of a seed.
        build: Returns the compiled model for some knobs.
        epochs, batch_size: Training settings.
        quality: ``(y, predictions) -> float``, higher is better, never infinite.
        floor: Quality that the healthy training exceeds on every seed.
        scale: The preprocessing; fits on the training rows only.
        traits: Properties that operators require, such as ``"binary"``: see
            `evaluation.mutants`.
    """

    name: str
    raw: Callable[[int], Data]
    build: Callable[[Knobs], Any]
    epochs: int
    batch_size: int = 32
    quality: Callable[[Any, Any], float]
    floor: float
    scale: Callable[[Data], Data] = field(default=lambda data: data)
    traits: frozenset[str] = frozenset()

    @property
    def family(self) -> str:
        """The name of the base: its mutants and variants share data and model."""
        return self.name

    @property
    def part(self) -> str:
        """The part of the corpus that contains the whole family."""
        return part_of(self.family)

    def data(self, seed: int) -> Data:
        """Return the preprocessed rows of a seed."""
        return self.scale(self.raw(seed))

    def setup(
        self,
        seed: int,
        knobs: Knobs = HEALTHY,
        *,
        data: Data | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
    ) -> Setup:
        """Return the training of one seed, with optional changes."""
        data = self.data(seed) if data is None else data
        return Setup(
            build=lambda: self.build(knobs),
            x=data.x,
            y=data.y,
            epochs=epochs or self.epochs,
            batch_size=batch_size or self.batch_size,
            test=(data.test_x, data.test_y),
            quality=self.quality,
        )

    def program(self) -> Program:
        """Return the base itself as a healthy program."""
        return Program(
            name=f"healthy/base/{self.name}",
            source="healthy",
            family=self.family,
            broken=False,
            setup=self.setup,
        )


def _finite(predictions: Any) -> bool:
    return bool(np.isfinite(np.asarray(predictions)).all())


def bounded_accuracy(y: Any, predictions: Any) -> float:
    """Like `accuracy`, but 0 for predictions that are not finite."""
    return accuracy(y, predictions) if _finite(predictions) else 0.0


def logit_accuracy(y: Any, predictions: Any) -> float:
    """Return the share of rows whose logit has the right sign."""
    if not _finite(predictions):
        return 0.0
    right = (np.asarray(predictions).ravel() > 0) == (np.asarray(y).ravel() > 0.5)
    return float(np.mean(right))


def bounded_r_squared(y: Any, predictions: Any) -> float:
    """Like `r_squared`, but never below -1."""
    return max(-1.0, r_squared(y, predictions))


def deviance_explained(y: Any, predictions: Any) -> float:
    """Return the share of the Poisson deviance explained, never below -1."""
    y = np.asarray(y, float).ravel()
    mean = np.asarray(predictions, float).ravel()
    if not np.isfinite(mean).all():
        return -1.0
    rest = _deviance(y, np.maximum(mean, 1e-6))
    return max(-1.0, 1 - rest / _deviance(y, np.full_like(y, y.mean())))


def _deviance(y: Any, mean: Any) -> float:
    logs = np.where(y > 0, y * np.log(np.maximum(y, 1e-12) / mean), 0.0)
    return float(np.sum(logs - (y - mean)))
