"""Relations that a training step must keep: what a row's loss may depend on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MixedRows", "StepRelations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedRows:
    """One operation of a loss that pairs each row with every other.

    Attributes:
        predictions, labels: Shapes of what it combines, None where a size is not
            known before the step runs.
        place: Where the user wrote it, as ``"train.py:12"``.
    """

    predictions: tuple[int | None, ...]
    labels: tuple[int | None, ...]
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRelations:
    """What one step of a training was seen to depend on.

    Attributes:
        mixed_rows: Where its loss mixes rows that do not belong together.
    """

    mixed_rows: MixedRows | None = None
