"""A baseline as values: what some trainings reached, each from several seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Baseline", "Measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One training of a test, run from several seeds.

    Attributes:
        model: Name of the model.
        steps: Updates, None where the training itself decides.
        seeds: It was run from.
        data: Checksum of what it was trained on.
        half: Share of the starting loss whose removal counts as half of the way;
            None for a loss without a floor.
        metrics: By name, one value per seed.
        notes: Why something was not measured.
        inputs: Types of the inputs, as ``("float32",)``; empty where not known.
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
        """As builtins."""
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
        """From builtins.

        Raises:
            KeyError, TypeError, ValueError: They are none of ours.
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
    """What a test's trainings reached when it was written.

    Attributes:
        test: File name and name of the test.
        seed: That was in force when it was written.
        environment: Versions and device it was written under.
        trainings: In the order of the test.
    """

    test: str
    seed: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    trainings: tuple[Measured, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As builtins."""
        return {
            "test": self.test,
            "seed": self.seed,
            "environment": dict(self.environment),
            "trainings": [it.to_json() for it in self.trainings],
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Baseline:
        """From builtins.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: They are none of ours.
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
        raise ValueError(f"{value!r} is no finite number")
    return number
