"""Relations that a training step must keep: what a row's loss may depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CountedLabels",
    "InputUse",
    "LabelUse",
    "MixedRows",
    "SoftmaxOverRows",
    "StepRelations",
]


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
class SoftmaxOverRows:
    """A softmax over the axis of the batch, in a loss that takes labels row by row.

    Attributes:
        units: Columns, over each of which shares are taken.
        place: Where the user wrote it, as ``"train.py:12"``.
        by_class: Whether labels name one column of each row; else they are numbers for
            all of them, which may rank the rows.
    """

    units: int
    place: str
    by_class: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelUse:
    """What a loss of the user's own makes of the labels of a batch.

    Attributes:
        loss: Its name.
        use: ``"ignored"``: the gradient is the same whatever they are; ``"pairs"``: it
            is the same whichever row has which, and each row meets all of them;
            ``"as a set"``: likewise, by something of all rows at once.
        rows: Rows whose labels were exchanged.
        changed: By how much of its size the gradient changed.
    """

    loss: str
    use: Literal["ignored", "pairs", "as a set"]
    rows: int
    changed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputUse:
    """What a model makes of its inputs.

    Attributes:
        model: Its name.
        rows: Rows that were given the inputs of another one.
        before, after: The farthest that an output moved by that, as a share of the size
            of all, with the first and with the last weights.
    """

    model: str
    rows: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedLabels:
    """What other labels changed in a step in places that must not count.

    Attributes:
        model: The name of what is trained.
        places, of: Rows or positions whose labels were changed, and all of them.
        unit: What they are.
        changed: By how much of its size the gradient of the step changed.
    """

    model: str
    places: int
    of: int
    unit: Literal["rows", "positions"]
    changed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRelations:
    """What one step of a training was seen to depend on.

    Attributes:
        mixed_rows: Where its loss mixes rows that do not belong together.
        labels: How its loss uses labels, where that is not row by row.
        inputs: What a model makes of its inputs whose loss cannot be scored again.
        shared_rows: Rows over which the outputs of each unit add up to 1, instead of
            those of each row; 0 where they do not.
        weightless: What labels of weight 0 do.
        padded: What labels do at positions that the model marks as padding.
    """

    mixed_rows: MixedRows | SoftmaxOverRows | None = None
    labels: LabelUse | None = None
    inputs: InputUse | None = None
    shared_rows: int = 0
    weightless: CountedLabels | None = None
    padded: CountedLabels | None = None
