"""One healthy program, written as data as much as possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..keras_parts import Layers, compiled
from ..program import Part, part_of

__all__ = ["Case", "Split", "net"]

#: Keywords of ``model.fit`` that ``lossguard.fit`` accepts.
_TAKEN = frozenset({"epochs", "batch_size", "shuffle"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Training and held-out data, after the program's preprocessing.

    Attributes:
        x, y: Training data; y may be None, x a `tf.data.Dataset`.
        held_x, held_y: Held-out data for the score, never trained on.
        weight: Sample weights of the training rows; None if there are none.
        more: Further data for custom training loops.
    """

    x: Any
    held_x: Any
    y: Any = None
    held_y: Any = None
    weight: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One healthy program.

    Attributes:
        name: Unique; it alone decides which half the case belongs to.
        data: Returns the data of a seed.
        model: Returns the compiled model (or whatever is trained) for the data.
        score: Returns the quality on the held-out data; higher is better.
        floor: The least score of a run that counts as healthy.
        fit: The keywords of ``model.fit`` other than x, y and weights. A function
            returns
            keywords that belong to one run (callbacks, held-out data).
        train: A custom training loop; None for one call of ``model.fit``.
    """

    name: str
    data: Callable[[int], Split]
    model: Callable[[Split], Any]
    score: Callable[[Any, Split], float]
    floor: float
    fit: Mapping[str, Any] | Callable[[Split], Mapping[str, Any]] = field(
        default_factory=dict
    )
    train: Callable[[Any, Split], Any] | None = None

    @property
    def half(self) -> Part:
        """The half of the case: only ``"tune"`` may be used to improve the judge."""
        return part_of(f"diverse/{self.name}")

    @property
    def fits(self) -> bool:
        """Whether ``lossguard.fit`` can train the program unchanged."""
        return self.train is None and not callable(self.fit) and {*self.fit} <= _TAKEN

    def run(self, split: Split) -> Any:
        """Train as a user's test would, and return the trained model."""
        model = self.model(split)
        if self.train is not None:
            trained = self.train(model, split)
            return model if trained is None else trained
        how = self.fit(split) if callable(self.fit) else self.fit
        weight = {} if split.weight is None else {"sample_weight": split.weight}
        model.fit(split.x, split.y, **weight, **how, verbose=0)
        return model


def net(
    layers: Layers,
    optimizer: Any = "adam",
    loss: Any = "mse",
    shape: tuple[int | None, ...] | None = None,
    dtype: str | None = None,
    **options: Any,
) -> Callable[[Split], Any]:
    """Return a builder of a sequential model; see `keras_parts.compiled`.

    Args:
        layers: The layers after the input.
        optimizer: A name or a part.
        loss: A name, a part or a function.
        shape: Input shape without the batch axis; default that of the data.
        dtype: Dtype of the input; default that of the data.
        options: Further keywords of ``compile``.
    """

    def build(split: Split) -> Any:
        first = np.asarray(split.held_x[:1])
        kind = dtype or ("int32" if first.dtype.kind in "iu" else "float32")
        row = first.shape[1:] if shape is None else shape
        return compiled(row, layers, optimizer, loss, dtype=kind, **options)

    return build
