"""Changes to a training that a re-run can make, and the protocol of a re-run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from .errors import LossguardError
from .trace import Trace

#: What must be rebuilt for a change, the cheapest first: only ``"program"`` needs a new
#: trace.
ActsOn = Literal["data", "length", "weights", "program"]

#: All changes. mypy finds a misspelled name, and so does `Change` when it is created.
ChangeName = Literal[
    "fill_missing",
    "standardize_inputs",
    "drop_rows",
    "scale_inputs",
    "clip_inputs",
    "clip_targets",
    "standardize_targets",
    "balance_classes",
    "shuffle_rows",
    "shuffle_labels",
    "fewer_rows",
    "plain_gradients",
    "learning_rate",
    "reinitialize",
    "batch_size",
    "more_steps",
    "momentum",
    "canonical_output",
    "no_penalty",
    "no_dropout",
    "hidden_activation",
    "unfreeze",
    "clip_gradients",
    "optimizer",
    "wider",
    "shallower",
]

#: Used instead of a learning rate of 0, which cannot be multiplied: ten times this is
#: the default of most optimizers.
RATE_INSTEAD_OF_0 = 1e-4
#: Values farther from the median than this many robust standard deviations are clipped.
CLIP = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change to a training; everything else stays the same.

    Attributes:
        kind: What is changed.
        value: The size or target of the change, as a factor or a name; None if the
            change has no parameter.
        at: Indices of the affected columns or rows; empty for all.
    """

    kind: ChangeName
    value: float | str | None = None
    at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(ChangeName):
            raise ValueError(f"no change is called {self.kind!r}; see ChangeName")


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """A request to run a training again.

    Attributes:
        changes: The changes to make; empty to repeat the training unchanged.
        seed: Seed to train from; None for that of the training.
        redrawn: Whether to draw new weights under the seed for a model given as an
            object, except weights that were learned or set.
    """

    changes: tuple[Change, ...] = ()
    seed: int | None = None
    redrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Facts about a model that decide which changes make sense.

    Attributes:
        optimizer: Class name of the optimizer, such as ``"Adam"``.
        learning_rate: Current learning rate; None under a schedule.
        momentum: Momentum of SGD or RMSprop; ``beta_1`` of the Adam family.
        loss: Name of the loss function.
        activations: Activations of the hidden layers, in order.
        narrowest: Number of units of the narrowest hidden layer; 0 if there is none.
        initializers: Class names of the kernel initializers, in order.
        penalized: Whether a weight penalty is part of the loss.
        dropout: Largest rate of a dropout layer; 0 if there is none.
        frozen: Names of the layers whose weights are not trained.
        labels: Kind of the labels: ``"values"``, ``"classes"``, ``"one_hot"``,
            ``"binary"``, ``"multi_label"``; None if unknown.
        canonical_output: Whether the last activation, units and loss are the usual ones
            for such labels.
        output_is_bounded: Whether the only deviation from the usual output is that it
            is bounded, by a sigmoid or tanh that the labels do not need.
        fixed: Why the program cannot be changed; None if it can. A change that acts on
            the ``"program"`` works on a clone.
    """

    optimizer: str = ""
    learning_rate: float | None = None
    momentum: float = 0.0
    loss: str = ""
    activations: tuple[str, ...] = ()
    narrowest: int = 0
    initializers: tuple[str, ...] = ()
    penalized: bool = False
    dropout: float = 0.0
    frozen: tuple[str, ...] = ()
    labels: str | None = None
    canonical_output: bool = True
    output_is_bounded: bool = False
    fixed: str | None = None


class Rerun(Protocol):
    """A training that can be run again with changes."""

    @property
    def facts(self) -> ModelFacts:
        """Facts about the model."""

    @property
    def rows(self) -> int:
        """Number of rows of the data."""

    @property
    def data(self) -> str:
        """A checksum of the data."""

    @property
    def is_complete(self) -> bool:
        """Whether all rows that were trained on are available."""

    def __call__(
        self,
        *changes: Change,
        seed: int | None = None,
        held_out: float = 0.0,
        redrawn: bool = False,
    ) -> Trace:
        """Train from the same start with changes; raises `CannotChange`."""

    def several(
        self,
        requests: Sequence[RerunRequest],
        begin: Callable[[], None] | None = None,
    ) -> list[Trace | LossguardError]:
        """Run several trainings, and return the trace or the error of each.

        Args:
            requests: The requested trainings.
            begin: Function that is called before each training.
        """


#: A function that makes a `Rerun`; raises `CannotChange` if the training cannot be run
#: again.
MakeRerun = Callable[[], Rerun]
