"""Facts of the data that a training was fed: what stands where it should not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "AmongInputs",
    "ChangedLabels",
    "DataFacts",
    "RepeatedBatch",
    "TurnedTargets",
    "UnseenRows",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AmongInputs:
    """A target that stands among the inputs, the same in every row.

    Attributes:
        target: What it is called, as ``"the target"``.
        where: The input column, or time step and column, that it equals.
        rows: How many rows were compared.
        values: How many different ones the target has among them.
        is_all: Whether the other columns tell nothing of it: no rank correlation with
            it is beyond chance.
    """

    target: str
    where: str
    rows: int
    values: int
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedBatch:
    """One batch that came at every step, though the data have more rows.

    Attributes:
        rows, of: Rows of the batch, and of the data; 0 where those are not known.
        by: What yields it: a ``"feed"`` given to ``fit``, or a new ``"iterator"`` at
            each step.
    """

    rows: int
    of: int
    by: Literal["feed", "iterator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenRows:
    """Rows that all epochs together did not reach, or epochs that got few.

    Attributes:
        epochs: How many there were.
        short: How many of them made at most half the updates of the first.
        first: How many that made.
        batches, steps: In one pass over the data, and updates made; 0 where unknown.
        calls: Calls of ``fit`` that each took the same first ``steps``; 0 of one call.
    """

    epochs: int
    short: int = 0
    first: int = 0
    batches: int = 0
    steps: int = 0
    calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedLabels:
    """Rows that came again with another class.

    Attributes:
        rows: How many came again.
        changed: Share of those that had another class by then.
        chance: The share that labels drawn at random would have.
    """

    rows: int
    changed: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedTargets:
    """Images that came again.

    Attributes:
        rows: How many did.
        turned: How many of those had their target mirrored by then.
    """

    rows: int
    turned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """What is known of the data of one training, beside the statistics of columns.

    Attributes:
        among_inputs: A target that stands among the inputs.
        repeated: A batch that came at every step.
        unseen: Rows that were never reached, or epochs that got few.
        lone_targets: Share of the rows whose targets are 0 but for one, of several
            outputs; not the same one in all.
        changed_labels: Rows that came again with another class.
        turned_targets: Images that came again with a mirrored target.
        shuffled_inputs: Whether a model predicted the inputs from rows that are
            shuffled anew at each reading, and the labels come from elsewhere.
    """

    among_inputs: AmongInputs | None = None
    repeated: RepeatedBatch | None = None
    unseen: UnseenRows | None = None
    lone_targets: float = 0.0
    changed_labels: ChangedLabels | None = None
    turned_targets: TurnedTargets | None = None
    shuffled_inputs: bool = False
