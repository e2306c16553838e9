"""What one training left behind: frozen values, the only thing a judge sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .collapse import Spread
from .data_facts import DataFacts
from .relations import StepRelations
from .step_facts import StepFacts

__all__ = [
    "EXACT_WEIGHTS",
    "SOME_CONSTANT",
    "ClassOrder",
    "ColumnStats",
    "Floats",
    "HeldOut",
    "LayerStats",
    "NearRows",
    "Nonfinite",
    "Outlier",
    "Probe",
    "Repeats",
    "Rescaled",
    "Sentinel",
    "StepTable",
    "Trace",
    "Validation",
    "constant_in_words",
    "row_norms",
    "to_json_number",
]

Floats = NDArray[np.float64]

#: A constant prediction of which it is not known what it predicts.
SOME_CONSTANT = "a constant"


def constant_in_words(name: str) -> str:
    """As ``"a constant (the mean)"``."""
    return name if name == SOME_CONSTANT else f"{SOME_CONSTANT} ({name})"


def row_norms(table: Floats) -> Floats:
    """L2 norm of each row, finite as long as its values are: the largest is taken
    out before squaring.
    """
    if not table.shape[1]:
        return np.zeros(len(table))
    largest = np.max(np.abs(table), axis=1)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    rest = table / scale[:, None]
    return np.asarray(scale * np.sqrt(np.einsum("ij,ij->i", rest, rest)), np.float64)


#: Values of a variable up to which the norm of its weights is that of all of them.
EXACT_WEIGHTS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepTable:
    """One row per optimizer update, in order.

    Attributes:
        loss: That step's own loss, penalties included, shape ``(steps,)``;
            NaN as well where it could not be seen.
        data_loss: The part that the Keras loss object returned, same shape;
            the whole loss where none was called.
        loss_seen: Whether the update's loss was seen, bool, same shape.
        data_loss_seen: Whether a Keras loss object was called, likewise.
        grad_norm: L2 norm of the gradient of each variable as it reached the
            optimizer, shape ``(steps, variables)``; -1 where there was none.
        weight_norm: L2 norm of each variable after the update, same shape; of one with
            more than `EXACT_WEIGHTS` values (with sparse gradients more than 65,536)
            estimated from some of its rows.
        update_norm: L2 norm of the change of each variable, same shape; of one with
            more than 65,536 values estimated from some of its rows, those that a
            sparse gradient has where it is one.
    """

    loss: Floats
    data_loss: Floats
    loss_seen: NDArray[np.bool_]
    data_loss_seen: NDArray[np.bool_]
    grad_norm: Floats
    weight_norm: Floats
    update_norm: Floats

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def is_penalized(self) -> bool:
        """Whether a loss has penalties beside its data loss."""
        with np.errstate(invalid="ignore"):
            return bool(np.any(self.loss - self.data_loss > 1e-6))

    @property
    def global_grad_norm(self) -> Floats:
        """L2 norm over all variables, shape ``(steps,)``."""
        return row_norms(np.where(self.grad_norm < 0, 0.0, self.grad_norm))


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStats:
    """Activations of one layer on the probe.

    Attributes:
        name: The layer's name.
        activation: Name of its activation function.
        units: Number of units (last axis).
        dead: Share of units that are 0 for every row (relu family).
        saturated: Share of outputs at the flat ends (sigmoid, tanh: within
            0.01 of the ends of the range).
        symmetric: Whether all units give the same for every row.
        is_output: Whether it is the model's last layer.
    """

    name: str
    activation: str
    units: int
    dead: float = 0.0
    saturated: float = 0.0
    symmetric: bool = False
    is_output: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The model on a fixed sample of its training data, in inference mode.

    Attributes:
        loss: The training's own loss, penalties left out, scored from plain
            predictions.
        reported: The same loss as the training computes it (Keras scores a
            softmax or sigmoid output from the logits that it keeps).
        spread: Largest standard deviation over rows of any output.
        layers: Activation statistics, in call order.
        outputs: What makes each output, in the order of the outputs.
    """

    loss: float
    reported: float
    spread: float
    layers: tuple[LayerStats, ...] = ()
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """The value farthest from its column's median."""

    row: int
    column: int
    value: float
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentinel:
    """One value, far from all others of its column, that several rows have.

    Attributes:
        columns: Where there is one.
        values: What it is in each of them: one everywhere, unless they were scaled.
        share: Of the rows that have it, in the column with most.
    """

    columns: tuple[int, ...]
    values: tuple[float, ...]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnStats:
    """Statistics of inputs or targets, one entry per column (last axis).

    Attributes:
        name: What the array is called in messages (``"feature"``...).
        mean, std, low, high: Over all finite values of the column, shape
            ``(columns,)``.
        median: Over the same values; the mean where no value sticks out.
        rows: How many rows were looked at.
        nonfinite: How many values are NaN or infinite.
        first_nonfinite: Row and column of the first of them.
        outlier: The farthest value, None where the spread is unknown.
        outlier_share: Share of rows about as far out as the farthest.
        is_numeric: False for integer indices (class labels, tokens).
        dtype: Name of its type, as ``"float32"``.
        constant_share: Share of the values of a row that are the same in every row; 0
            with a single row.
        constant_apart: Share of the columns that are the same in every row, and not
            0 as the borders of images, padding and absent words are.
        sentinel: What seems to stand for missing values, None where nothing does.
    """

    name: str
    mean: Floats
    std: Floats
    low: Floats
    high: Floats
    median: Floats
    rows: int
    nonfinite: int = 0
    first_nonfinite: tuple[int, int] | None = None
    outlier: Outlier | None = None
    outlier_share: float = 0.0
    is_numeric: bool = True
    dtype: str = ""
    constant_share: float = 0.0
    constant_apart: float = 0.0
    sentinel: Sentinel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRange:
    """What values one array of targets has, for what an output can reach.

    Attributes:
        low, high: Smallest and largest finite value.
        below_minus_one, below_zero, above_one: Share of the values there.
        rows_not_one: Share of the rows of several columns that do not add up to
            1; 0 for a single column.
        columns: Values on the last axis, 1 for a vector.
        classes: How many classes the labels name; 0 where they name none.
        rarest: Number of the rarest class, and its share of the rows.
    """

    low: float
    high: float
    below_minus_one: float = 0.0
    below_zero: float = 0.0
    above_one: float = 0.0
    rows_not_one: float = 0.0
    columns: int = 1
    classes: int = 0
    rarest: tuple[int, float] = (0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescaled:
    """A layer that multiplies the inputs by one number: its name, and that."""

    layer: str
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of the model.

    Attributes:
        layer: Name of the layer that makes it.
        activation: Name of its last activation, None where there is none that
            is known.
        units: Values on its last axis.
    """

    layer: str
    activation: str | None
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Held-out loss over time.

    Attributes:
        step: Updates made, counted from 1.
        loss: The held-out loss then.
        constant: What the best constant prediction costs on those rows, where known.
    """

    step: tuple[int, ...]
    loss: tuple[float, ...]
    constant: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonfinite:
    """NaN or infinity in one array of held-out rows.

    Attributes:
        part: What the array is, as ``"inputs"``.
        column, rows: The column with most of them, and in how many rows.
        columns, affected: How many columns there are, and how many hold some.
        of: Rows of the array.
    """

    part: str
    column: int
    columns: int
    affected: int
    rows: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Held-out rows that are trained on too.

    Attributes:
        found, of: How many, of how many that were looked up.
        again, again_of: How many trained rows come again among the trained rows, of how
            many that were looked up.
        among: Share of the trained rows among which both were looked up.
        copied: The class whose rows were copied to make it larger, which are not
            counted in ``again``; None where there is none.
    """

    found: int
    of: int
    again: int
    again_of: int
    among: float = 1.0
    copied: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NearRows:
    """Held-out rows that nearly equal rows that are trained on, and the others.

    Attributes:
        repeats: How many there are, and how many of the trained rows are as near to
            one another.
        near, others: Places of some of the held-out rows, by whether they are near.
        loss_near, loss_others: What each half of these cost in the end; empty where
            that is unknown.
    """

    repeats: Repeats
    near: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    loss_near: tuple[float, ...] = ()
    loss_others: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """The rows that are scored and not trained on, beside those that are.

    Attributes:
        rows: How many there are.
        inputs, targets: Column statistics, as those of the trace.
        nonfinite: Where they hold NaN or infinity.
        repeats: How many are trained on too; None where that is unknown.
        near: Those that nearly equal some; None where that is unknown.
        unknown: Share of rows of a class that no trained row has.
    """

    rows: int
    inputs: tuple[ColumnStats, ...] = ()
    targets: tuple[ColumnStats, ...] = ()
    nonfinite: tuple[Nonfinite, ...] = ()
    repeats: Repeats | None = None
    near: NearRows | None = None
    unknown: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOrder:
    """How far rows come in the order of their classes.

    Attributes:
        order: 0 where neighboring rows are mixed as by chance, 1 where each part of
            the rows is of one class.
        classes: How many there are.
        together: How many of them a step has, on average.
        rows: Rows that were looked at.
    """

    order: float
    classes: int
    together: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """Everything recorded of one training.

    Attributes:
        source: ``"watch"`` or ``"fit"``.
        model: Name of the model or, unseen, of the optimizer.
        variables: Paths of the trained variables, in column order.
        sizes: Number of values of each variable.
        steps: The per-step record.
        batch_size: Rows per step, None where unknown.
        steps_per_epoch: None where unknown.
        shuffled: Whether each row is known to come once in an epoch, in random order.
        seed: The seed in force.
        before, after: The probe before the first update and after the last;
            None where inputs, targets and loss were not all seen.
        start_there: Loss of the first weights on the last rows, if the rows or their
            targets change during the training: ``before`` is then scored on the first
            rows, ``after`` and the constant on the last. None where they do not
            change.
        constant_loss: Loss of the best constant prediction on the targets.
        perfect_loss: Lowest loss that is possible: that of predicting the targets,
            for shares and smoothed labels their entropy; None where that is not
            known.
        constant: What that constant is (``"the mean"``...).
        inputs, targets: Column statistics of the data that was seen.
        target_ranges: One per array of targets that is numeric.
        normalizes_inputs: The model starts with a layer that rescales.
        rescaled: The layer that it starts with, where that scales; None otherwise.
        losses: Names of the loss functions, where seen.
        validation: Held-out losses, where there were any.
        stopped: Why the training ended before its last step.
        weighted: Whether rows have weights of their own.
        loss_is_scaled: Steps with non-finite gradients are skipped by a
            loss-scaling optimizer: part of its work, no fault.
        contested: Another training moves, at the same time, what this one's loss
            depends on, as in a GAN: neither has to fall.
        moving_target: A model that changes with it makes the targets or the rows that
            it learns from: as in reinforcement learning its loss need not fall.
        labels_follow: The loss whose labels are outputs of the net being trained, for
            other inputs, with a gradient through them; None where there is none.
        spreads: How much the outputs of its nets differ, where its loss could not be
            scored.
        same_measure: Of a re-run: whether it has the same loss on the same targets as
            the training that it repeats.
        as_before: If not, the loss of its last predictions measured as in that
            training; None where that is not known.
        unchanged_there: If the task of a re-run is easier, the last loss of the
            unchanged training on this task; None where that is not known.
        notes: Sentences for the report.
        seconds: Wall time from the first to the last update.
        uninformed_loss: Loss of predicting the middle of the targets' range, for
            classes equal shares; None where that is not known.
        rare_gain: Share of what the rows of a rare class cost the best constant that
            was learned; None where no class is rare, or rows are weighted.
        averaging: Names of the layers that predict with averages which the training
            collects, as `BatchNormalization` does.
        held_out: The rows behind ``validation``, where they were seen.
        class_order: Of rows that are trained on in a fixed order; None where they are
            shuffled, or name no classes.
        data_facts: What else is known of the data; None where they were not seen.
        relations: What one step depends on; None where that was not looked at.
        step: What its steps were seen to do; None where that was not recorded.
    """

    source: Literal["watch", "fit"]
    model: str
    variables: tuple[str, ...]
    sizes: tuple[int, ...] = ()
    steps: StepTable
    batch_size: int | None = None
    steps_per_epoch: int | None = None
    shuffled: bool = False
    seed: int | None = None
    before: Probe | None = None
    after: Probe | None = None
    start_there: float | None = None
    constant_loss: float | None = None
    perfect_loss: float | None = None
    constant: str = SOME_CONSTANT
    inputs: tuple[ColumnStats, ...] = ()
    targets: tuple[ColumnStats, ...] = ()
    target_ranges: tuple[TargetRange, ...] = ()
    normalizes_inputs: bool = False
    rescaled: Rescaled | None = None
    losses: tuple[str, ...] = ()
    validation: Validation | None = None
    stopped: str | None = None
    weighted: bool = False
    loss_is_scaled: bool = False
    contested: bool = False
    moving_target: bool = False
    labels_follow: str | None = None
    spreads: tuple[Spread, ...] = ()
    same_measure: bool = True
    as_before: float | None = None
    unchanged_there: float | None = None
    notes: tuple[str, ...] = field(default=())
    seconds: float = 0.0
    uninformed_loss: float | None = None
    rare_gain: float | None = None
    averaging: tuple[str, ...] = ()
    held_out: HeldOut | None = None
    class_order: ClassOrder | None = None
    data_facts: DataFacts | None = None
    relations: StepRelations | None = None
    step: StepFacts | None = None

    @property
    def need_not_fall(self) -> bool:
        """Whether the loss of a good training of its kind rises as often as not."""
        return self.contested or self.moving_target


def to_json_number(value: float | None) -> Any:
    """A number as strict JSON allows it.

    JSON has no NaN and no infinity: they become the strings ``"NaN"``,
    ``"Infinity"`` and ``"-Infinity"``, which `float` and JavaScript's
    ``Number`` both read back.
    """
    if value is None:
        return None
    value = float(value)
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
