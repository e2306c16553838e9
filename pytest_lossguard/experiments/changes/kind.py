"""Kinds of changes: their descriptions, the causes they prove, when to try them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ...core.change import ActsOn, Change, ChangeName, ModelFacts
from ...core.findings import Symptom
from ...core.trace import Trace

#: Weights of evidence for a change. They are an order, not probabilities: certain
#: facts, then faults that were seen in the data, then changes of the optimizer, then
#: changes of the architecture.
CERTAIN, SEEN, STRONG, LIKELY, POSSIBLE, REMOTE = 100, 80, 60, 40, 20, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known about a training that failed, to decide which changes to try.

    Attributes:
        trace: The trace of the training.
        found: The kinds of its findings.
        symptoms: What its findings say about it.
        facts: Facts about the model, its loss and its optimizer.
    """

    trace: Trace
    found: frozenset[str]
    symptoms: frozenset[Symptom]
    facts: ModelFacts


#: Changes to try, each with its weight of evidence from 0 to 105.
Weighed = Iterator[tuple[float, Change]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change of one training, to be described in words.

    Attributes:
        change: The change.
        trace: The trace of the unchanged training.
        facts: Facts about the model, its loss and its optimizer.
    """

    change: Change
    trace: Trace
    facts: ModelFacts


#: A function that describes a change in the user's terms.
Words = Callable[[Proposal], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """One kind of change.

    Attributes:
        name: The name of the kind, one of `ChangeName`.
        acts_on: What the change acts on, and so what has to be rebuilt for it.
        cause: The cause that the change proves if it makes a training converge, one
            of `core.diagnosis.CAUSES`; a function where it depends on the change.
        remedy: What the user should do, or a function that returns it.
        describe: The old and the new value, or a function that returns this text.
        worth: A function that yields the changes worth trying with their weights;
            None for changes that a diagnosis never tries.
        shown_by: Kinds of findings that name the row, feature or layer concerned.
        undoes: ``"fault"`` if the change undoes something that is never deliberate,
            such as sorted rows; ``"choice"`` if it undoes something that often is,
            such as a frozen backbone; None for all others.
        other_targets: Whether the change replaces the targets or the loss.
        other_rows: Whether the change replaces or removes rows.
        of_inputs: Whether held-out rows get the same change of their inputs.
        standardizes: Whether the change standardizes inputs or targets.
        is_graded: Whether a greater change goes further the same way, so that a smaller
            one that made the training worse rules it out.
    """

    name: ChangeName
    acts_on: ActsOn
    cause: str | Callable[[Change], str]
    remedy: str | Words
    describe: str | Words
    worth: Callable[[Situation], Weighed] | None = None
    shown_by: tuple[str, ...] = ()
    undoes: Literal["fault", "choice"] | None = None
    other_targets: bool = False
    other_rows: bool = False
    of_inputs: bool = False
    standardizes: bool = False
    is_graded: bool = False
