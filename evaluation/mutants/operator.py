"""A mutation operator: one fault from the literature, and the bases it applies to."""

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
    """A mutation operator.

    Attributes:
        name: Unique.
        fault: The fault, in the terms of the literature.
        needs: Traits of which a base must have at least one; empty for every base.
        bars: Traits that a base must not have.
        share: Percentage of the suitable bases that are used; they are selected by
            checksum, so that no result can influence the selection.
        knobs: Changes to the model.
        data: Changed data: ``(base, seed) -> Data``.
        epochs: Returns the number of epochs, given that of the base.
        batch_size: Returns the rows per step, given the number of rows.
        fits: Kinds of finding that are true of the mutant.
        causes: Causes of the contract that are true of the mutant.
        mistake: Whether the change is wrong regardless of its effect, so that a judge
            who reports it is right: such a mutant never counts as healthy.
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
        """Whether the operator applies to a base and the base is selected."""
        if (self.needs and not self.needs & base.traits) or self.bars & base.traits:
            return False
        lot = zlib.crc32(f"{base.name}/{self.name}".encode()) % 100
        return lot < self.share

    def setup(self, base: Base, seed: int) -> Any:
        """Return the training of the base with the fault."""
        data = base.data(seed) if self.data is None else self.data(base, seed)
        rows = len(data.x["table"] if isinstance(data.x, dict) else data.x)
        return base.setup(
            seed,
            Knobs(**self.knobs),
            data=data,
            epochs=self.epochs(base.epochs) if self.epochs else None,
            batch_size=self.batch_size(rows) if self.batch_size else None,
        )
