"""What an operator is: one fault of the literature, and where it can occur."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..bases import Base, Data, Knobs

__all__ = ["COMMON", "FEWER", "HIGH", "LOW", "Operator"]

#: Findings that are true of any training that learned less than it could.
COMMON = ("worse_than_constant", "loss_not_decreasing", "plateau", "improvable")
#: Findings of steps that are too large.
HIGH = (
    *COMMON,
    "nonfinite_loss",
    "nonfinite_gradient",
    "diverging_loss",
    "exploding_gradient",
    "oscillating_loss",
    "noisy_loss",
    "constant_predictions",
    "dead_units",
    "saturated_activations",
    "impossible_loss",
    "masked_loss",
)
#: Findings of steps that are too small.
LOW = (*COMMON, "slow_convergence", "unchanged_weights", "constant_predictions")
#: Findings of a training that ended early.
FEWER = (*COMMON, "slow_convergence")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operator:
    """One fault.

    Attributes:
        name: Unique.
        fault: What it does, in the words of the literature.
        needs: Traits, one of which a base must have; empty for every base.
        bars: Traits that a base must not have.
        share: Of the bases that fit, in percent; which of them is left to a
            checksum, so that no result can influence it.
        knobs: What it changes about the model.
        data: What it changes about the data: ``(base, seed) -> Data``.
        epochs: The number of epochs, of the base's.
        batch_size: Rows per step, of the number of rows.
        fits: Kinds of finding that are true of it.
        causes: Causes of the contract that are true of it.
        mistake: Whether it is wrong whatever it costs, so that a judge who says so
            is right: such a mutant never counts as healthy.
    """

    name: str
    fault: str
    needs: frozenset[str] = frozenset()
    bars: frozenset[str] = frozenset()
    share: int = 100
    knobs: dict[str, Any] = field(default_factory=dict)
    data: Callable[[Base, int], Data] | None = None
    epochs: Callable[[int], int] | None = None
    batch_size: Callable[[int], int] | None = None
    fits: tuple[str, ...] = COMMON
    causes: tuple[str, ...] = ("unknown",)
    mistake: bool = False

    def applies(self, base: Base) -> bool:
        """Whether a base can have this fault, and is among those chosen."""
        if (self.needs and not self.needs & base.traits) or self.bars & base.traits:
            return False
        lot = zlib.crc32(f"{base.name}/{self.name}".encode()) % 100
        return lot < self.share

    def setup(self, base: Base, seed: int) -> Any:
        """The base's training with the fault."""
        data = base.data(seed) if self.data is None else self.data(base, seed)
        rows = len(data.x["table"] if isinstance(data.x, dict) else data.x)
        return base.setup(
            seed,
            Knobs(**self.knobs),
            data=data,
            epochs=self.epochs(base.epochs) if self.epochs else None,
            batch_size=self.batch_size(rows) if self.batch_size else None,
        )
