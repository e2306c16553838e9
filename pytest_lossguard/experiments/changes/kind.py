"""A kind of change: its words, the cause that it proves, when it is worth trying."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from ...core.change import ActsOn, Change, ChangeName, ModelFacts
from ...core.trace import Trace

__all__ = [
    "BLOWN",
    "CERTAIN",
    "LIKELY",
    "MISFIT",
    "POSSIBLE",
    "REMOTE",
    "SEALED",
    "SEEN",
    "STRONG",
    "STUCK",
    "ChangeKind",
    "Proposal",
    "Situation",
    "Weighed",
    "Words",
]

#: How much a finding speaks for the change that would undo its cause. Read as an
#: order, not as probabilities: certain facts, then faults of the data that were
#: seen, then the optimizer, then what changes the architecture.
CERTAIN, SEEN, STRONG, LIKELY, POSSIBLE, REMOTE = 100, 80, 60, 40, 20, 5

#: A loss beyond all measure: where it ended says nothing.
SEALED = frozenset({"diverging_loss", "nonfinite_loss", "nonfinite_gradient"})
BLOWN = SEALED | {"oscillating_loss", "noisy_loss", "exploding_gradient"}
STUCK = frozenset({"slow_convergence", "plateau", "unchanged_weights"})
#: The loss says nothing of such an output or such labels.
MISFIT = frozenset(
    {"labels_out_of_range", "loss_output_mismatch", "masked_loss", "impossible_loss"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A training that failed, as far as it decides what is worth trying.

    Attributes:
        trace: The training.
        found: The kinds of what was found in it.
        facts: What its program is made of.
    """

    trace: Trace
    found: frozenset[str]
    facts: ModelFacts


#: A change to try, and how much speaks for it, 0 to 105.
Weighed = Iterator[tuple[float, Change]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A change of one training, to be put into words.

    Attributes:
        change: The change.
        trace: The training as it is.
        facts: What its program is made of.
    """

    change: Change
    trace: Trace
    facts: ModelFacts


#: What is said of a change, in the user's terms.
Words = Callable[[Proposal], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """One kind of change.

    Attributes:
        name: One of `ChangeName`.
        acts_on: What has to be made anew for it.
        cause: The cause that it proves if it makes a training converge, one of
            `core.diagnosis.CAUSES`.
        remedy: What the user is to do.
        describe: What it was, and what it is tried with. Cause, remedy and description
            are texts, or functions where they depend on the change.
        worth: When it is worth trying, and how much speaks for it.
        shown_by: Kinds of findings that know the row, feature or layer concerned.
        undoes: ``"fault"`` for what nobody means, as sorted rows; ``"choice"`` for
            what is as often meant as not, as a frozen backbone.
        other_targets: Targets or loss are others after it.
        other_rows: Rows are others after it.
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
