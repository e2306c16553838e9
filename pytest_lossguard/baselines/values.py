"""The values of a baseline: metrics of the trainings of a test, from several seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The metrics of one training of a test, measured from several seeds.

    Attributes:
        model: The name of the model.
        steps: The number of updates of a training by ``fit``; None for other
            trainings, which decide on their own length.
        seeds: The seeds that the training was run from.
        data: The checksum of the training data.
        half: The share of the starting loss whose removal counts as half way; None
            for a loss without a lower bound.
        metrics: The values of each metric by its name, one value per seed.
        notes: Why some margins were not measured.
        inputs: The dtypes of the inputs, as ``("float32",)``; empty where not known.
    """

    model: str
    steps: int | None
    seeds: tuple[int, ...]
    data: str
    half: float | None
    metrics: Mapping[str, tuple[float, ...]]
    notes: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON-serializable builtins."""
        return {
            "model": self.model,
            "steps": self.steps,
            "seeds": list(self.seeds),
            "data": self.data,
            "half": self.half,
            "metrics": {name: list(values) for name, values in self.metrics.items()},
            "notes": list(self.notes),
            "inputs": list(self.inputs),
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Measured:
        """Make an instance from the builtins that `to_json` returns.

        Raises:
            KeyError, TypeError, ValueError: The builtins have another form.
        """
        return cls(
            model=str(given["model"]),
            steps=None if given["steps"] is None else int(given["steps"]),
            seeds=tuple(int(it) for it in given["seeds"]),
            data=str(given["data"]),
            half=None if given["half"] is None else _finite(given["half"]),
            metrics={
                str(name): tuple(_finite(it) for it in values)
                for name, values in given["metrics"].items()
            },
            notes=tuple(str(it) for it in given.get("notes", ())),
            inputs=tuple(str(it) for it in given.get("inputs", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The metrics of all trainings of a test, as they were when they were written.

    Attributes:
        test: The file name and name of the test.
        seed: The seed of the test when the baseline was written.
        environment: The versions and the device that the baseline was written with.
        trainings: The measured trainings, in the order of the test.
    """

    test: str
    seed: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    trainings: tuple[Measured, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the baseline as JSON-serializable builtins."""
        return {
            "test": self.test,
            "seed": self.seed,
            "environment": dict(self.environment),
            "trainings": [it.to_json() for it in self.trainings],
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Baseline:
        """Make a baseline from the builtins that `to_json` returns.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: The builtins have another
                form.
        """
        return cls(
            test=str(given["test"]),
            seed=int(given["seed"]),
            environment={str(k): str(v) for k, v in given["environment"].items()},
            trainings=tuple(Measured.from_json(it) for it in given["trainings"]),
        )


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not a finite number")
    return number
