"""Relations that a training step must keep: what the loss of a row may depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedRows:
    """An operation in the loss that pairs each row with every other row.

    Attributes:
        predictions, labels: Shapes of the two operands; None for sizes that are unknown
            before the step runs.
        place: Location in the user's code, such as ``"train.py:12"``.
    """

    predictions: tuple[int | None, ...]
    labels: tuple[int | None, ...]
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftmaxOverRows:
    """A softmax over the batch axis, in a loss that takes labels row by row.

    Attributes:
        units: Number of columns; the softmax is taken over each of them.
        place: Location in the user's code, such as ``"train.py:12"``.
        by_class: Whether the labels name one column of each row; otherwise they are
            numbers for all columns, and the loss may rank the rows.
    """

    units: int
    place: str
    by_class: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatedTwice:
    """A softmax or sigmoid of values that are the result of one.

    Attributes:
        by: The activation.
        units: Number of classes of a softmax; None if unknown, and for a sigmoid.
        scale: Factor between the two, as 1 / temperature.
        place: Location in the user's code, such as ``"train.py:12"``.
    """

    by: Literal["softmax", "sigmoid"]
    units: int | None
    scale: float
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelUse:
    """How a custom loss uses the labels of a batch.

    Attributes:
        loss: Name of the loss.
        use: ``"ignored"``: the gradient does not depend on the labels; ``"pairs"``: the
            gradient does not depend on which row has which label, and each row is
            compared with all labels; ``"as a set"``: likewise, but through an aggregate
            of all rows.
        rows: Number of rows whose labels were exchanged.
        changed: Relative change of the gradient.
    """

    loss: str
    use: Literal["ignored", "pairs", "as a set"]
    rows: int
    changed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InputUse:
    """How a model uses its inputs.

    Attributes:
        model: Name of the model.
        rows: Number of rows that were given the inputs of another row.
        before, after: Largest resulting change of an output, as a share of the size of
            all outputs, with the initial and with the final weights.
    """

    model: str
    rows: int
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedLabels:
    """The effect of changed labels at places that must not count in the loss.

    Attributes:
        model: Name of the trained model.
        places, of: Number of rows or positions whose labels were changed, and of all of
            them.
        unit: ``"rows"`` or ``"positions"``.
        changed: Relative change of the gradient of the step.
    """

    model: str
    places: int
    of: int
    unit: Literal["rows", "positions"]
    changed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedSequence:
    """An input sequence that equals the targets.

    Attributes:
        index: Index of the input.
        where: Name of the input, such as ``"input 1"``.
        ahead: 0 if it equals the targets at the same positions; 1 if at the next ones,
            which a prediction must not see.
        rows, of: Number of rows that are equal, and of all rows that were compared.
        ids: Number of distinct ids or numbers in the equal rows.
        is_all: Whether nothing else tells of a target at the same position: there is no
            other input, and an id tells nothing of the next one.
    """

    index: int
    where: str
    ahead: int = 0
    rows: int
    of: int
    ids: int
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRelations:
    """What one step of a training was found to depend on.

    Attributes:
        mixed_rows: Place where the loss mixes unrelated rows; None if there is none.
        labels: How the loss uses labels, if not row by row; otherwise None.
        inputs: How the model uses its inputs, if its loss cannot be scored again;
            otherwise None.
        shared_rows: Number of rows over which the outputs of each unit add up to 1,
            instead of the outputs of each row; 0 if they do not.
        weightless: Effect of labels with weight 0; None if it was not measured.
        padded: Effect of labels at positions that the model marks as padding; None if
            it was not measured.
        twice: A softmax or sigmoid that the loss takes twice; None if there is none.
        copied: An input that the model only has to copy, position by position; None if
            there is none.
    """

    mixed_rows: MixedRows | SoftmaxOverRows | None = None
    labels: LabelUse | None = None
    inputs: InputUse | None = None
    shared_rows: int = 0
    weightless: CountedLabels | None = None
    padded: CountedLabels | None = None
    twice: ActivatedTwice | None = None
    copied: CopiedSequence | None = None
