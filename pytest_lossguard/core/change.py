"""One thing done otherwise in a training: what may be changed, and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .errors import LossguardError
from .trace import Trace

__all__ = [
    "CHANGES",
    "RATE_INSTEAD_OF_0",
    "Change",
    "ChangeName",
    "MakeRerun",
    "ModelFacts",
    "Rerun",
    "RerunRequest",
    "Sort",
]

#: What a change acts on, the cheapest first: only the last needs a new trace.
Sort = Literal["data", "length", "weights", "program"]

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


@dataclass(frozen=True, slots=True)
class _Words:
    """What a kind of change acts on, and the cause that it proves if it helps."""

    sort: Sort
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a training, all else the same.

    Attributes:
        kind: A key of `CHANGES`.
        value: How much, or to what: a factor, a name; None where there is no choice.
        at: The columns or rows concerned; empty for all.
    """

    kind: ChangeName
    value: float | str | None = None
    at: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in CHANGES:
            raise ValueError(f"no change is called {self.kind!r}; see CHANGES")

    @property
    def sort(self) -> Sort:
        """What it acts on."""
        return CHANGES[self.kind].sort

    @property
    def cause(self) -> str:
        """The cause that it proves if it makes a training converge."""
        if self.kind == "learning_rate" and float(self.value or 0) > 1:
            return "learning_rate_too_low"
        return CHANGES[self.kind].cause

    @property
    def remedy(self) -> str:
        """What the user is to do."""
        return CHANGES[self.kind].remedy


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
            ``"binary"``, ``"multi_label"``; None where that cannot be told.
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


_SCALER = (
    "scale the inputs: StandardScaler in the preprocessing, or a Normalization layer"
    " adapted to the training data"
)

CHANGES: dict[ChangeName, _Words] = {
    "fill_missing": _Words(
        "data",
        "missing_values",
        "fill or drop missing values before training, as SimpleImputer does",
    ),
    "standardize_inputs": _Words("data", "unscaled_inputs", _SCALER),
    "drop_rows": _Words(
        "data",
        "input_outliers",
        "look at that row: correct, clip or drop it, or use RobustScaler",
    ),
    "scale_inputs": _Words("data", "unscaled_inputs", _SCALER),
    "clip_inputs": _Words(
        "data", "input_outliers", "clip the inputs, or use RobustScaler"
    ),
    "clip_targets": _Words(
        "data",
        "target_outliers",
        "look at that target: correct or clip it, or use a robust loss such as Huber",
    ),
    "standardize_targets": _Words(
        "data",
        "unscaled_targets",
        "scale the targets to mean 0 and standard deviation 1, and undo it after"
        " predict",
    ),
    "balance_classes": _Words(
        "data", "class_imbalance", "give class_weight to fit, or resample the rows"
    ),
    "shuffle_rows": _Words(
        "data",
        "rows_in_class_order",
        "shuffle the rows before training: fit(shuffle=True), or dataset.shuffle with a"
        " buffer as large as the data",
    ),
    "shuffle_labels": _Words(
        "data",
        "labels_carry_no_signal",
        "check that the labels still belong to the rows they describe",
    ),
    "learning_rate": _Words(
        "weights", "learning_rate_too_high", "compile with that learning rate"
    ),
    "reinitialize": _Words(
        "weights",
        "bad_initialization",
        "use the layers' own initializers: glorot_uniform, he_normal before relu,"
        " zeros for biases",
    ),
    "batch_size": _Words(
        "length", "batch_size_too_small", "train with that batch size"
    ),
    "more_steps": _Words("length", "too_few_steps", "train longer"),
    "momentum": _Words("program", "momentum_too_high", "compile with that momentum"),
    "canonical_output": _Words(
        "program",
        "loss_output_mismatch",
        "make last activation, units, loss and label encoding fit each other",
    ),
    "no_penalty": _Words(
        "program", "over_regularization", "lower the factors of the penalties"
    ),
    "no_dropout": _Words("program", "over_regularization", "lower the dropout rates"),
    "hidden_activation": _Words(
        "program", "activation_choice", "use that activation in the hidden layers"
    ),
    "unfreeze": _Words(
        "program", "disconnected_variables", "set trainable=True on those layers"
    ),
    "clip_gradients": _Words(
        "program", "gradient_clipping_needed", "compile the optimizer with clipnorm=1.0"
    ),
    "optimizer": _Words("program", "optimizer_choice", "compile with that optimizer"),
    "wider": _Words(
        "program", "insufficient_capacity", "give the hidden layers more units"
    ),
    "shallower": _Words(
        "program",
        "vanishing_gradients",
        "use fewer hidden layers, residual connections or BatchNormalization",
    ),
}


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

    def several(self, requests: Sequence[RerunRequest]) -> list[Trace | LossguardError]:
        """Several at once: for each its trace, or why there is none."""


#: Gives what runs a training again; raises `CannotChange` where nothing does.
MakeRerun = Callable[[], Rerun]
