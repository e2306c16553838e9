"""One thing done otherwise in a training: what may be changed, and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from .errors import LossguardError
from .trace import Trace

__all__ = [
    "CLIP",
    "RATE_INSTEAD_OF_0",
    "ActsOn",
    "Change",
    "ChangeName",
    "MakeRerun",
    "ModelFacts",
    "Rerun",
    "RerunRequest",
]

#: What has to be made anew for a change, the cheapest first: only the last needs a
#: new trace.
ActsOn = Literal["data", "length", "weights", "program"]

#: The closed list of changes: a typo is found by mypy, and at once where one is made.
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

#: A learning rate of 0 cannot be multiplied: ten times this is what most optimizers
#: start with.
RATE_INSTEAD_OF_0 = 1e-4
#: What is clipped lies farther from the median than so many robust standard deviations.
CLIP = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a training, all else the same.

    Attributes:
        kind: What is changed.
        value: How much, or to what: a factor, a name; None where there is no choice.
        at: The columns or rows concerned; empty for all.
    """

    kind: ChangeName
    value: float | str | None = None
    at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(ChangeName):
            raise ValueError(f"no change is called {self.kind!r}; see ChangeName")


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunRequest:
    """A training that is run again.

    Attributes:
        changes: What is done otherwise; nothing repeats the training.
        seed: Train from this one instead.
        redrawn: Draw the weights of a model given as an object under the seed, but
            for those that were learned or set.
    """

    changes: tuple[Change, ...] = ()
    seed: int | None = None
    redrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a model is made of, as far as it decides which changes make sense.

    Attributes:
        optimizer: Its class, as ``"Adam"``.
        learning_rate: Now; None under a schedule.
        momentum: Of SGD or RMSprop; ``beta_1`` of the Adam family.
        loss: Name of the loss function.
        activations: Of the hidden layers, in order.
        narrowest: Units of the narrowest hidden layer; 0 where there is none.
        initializers: Class names of the kernels' initializers, in order.
        penalized: Whether a weight penalty is part of the loss.
        dropout: The largest rate of a dropout layer.
        frozen: Names of layers whose weights are not trained.
        labels: What the labels are: ``"values"``, ``"classes"``, ``"one_hot"``,
            ``"binary"``, ``"multi_label"``; None where that is unknown.
        canonical_output: Whether last activation, units and loss are the usual
            ones for such labels.
        output_is_bounded: Whether it is only bounded, by a sigmoid or tanh that its
            labels do not need.
        fixed: Why the program cannot be changed, None where it can: a change of
            sort ``"program"`` works on a clone.
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
    """One training that can be run again with changes."""

    @property
    def facts(self) -> ModelFacts:
        """What the program is made of."""

    @property
    def rows(self) -> int:
        """Rows of the data."""

    @property
    def data(self) -> str:
        """A checksum of the data."""

    @property
    def is_complete(self) -> bool:
        """Whether all rows that were trained on are there."""

    def __call__(
        self,
        *changes: Change,
        seed: int | None = None,
        held_out: float = 0.0,
        redrawn: bool = False,
    ) -> Trace:
        """Train from the same start; raises `CannotChange`."""

    def several(
        self,
        requests: Sequence[RerunRequest],
        begin: Callable[[], None] | None = None,
    ) -> list[Trace | LossguardError]:
        """Several at once: for each its trace, or why there is none.

        Args:
            requests: What is asked for.
            begin: Called before each.
        """


#: Gives what runs a training again; raises `CannotChange` where nothing does.
MakeRerun = Callable[[], Rerun]
