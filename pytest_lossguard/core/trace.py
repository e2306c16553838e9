"""The record of one training: frozen values, the only input of the judge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .coded_labels import Agreement
from .collapse import Spread
from .data_facts import DataFacts
from .relations import StepRelations
from .step_facts import StepFacts

Floats = NDArray[np.float64]

#: Name of a constant prediction whose kind is unknown.
SOME_CONSTANT = "a constant"


def constant_in_words(name: str) -> str:
    """Return the name as ``"a constant (the mean)"``."""
    return name if name == SOME_CONSTANT else f"{SOME_CONSTANT} ({name})"


def row_norms(table: Floats) -> Floats:
    """Return the L2 norm of each row.

    The largest value is factored out before squaring, so that the norm is finite if the
    values are.
    """
    if not table.shape[1]:
        return np.zeros(len(table))
    largest = np.max(np.abs(table), axis=1)
    scale = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
    rest = table / scale[:, None]
    return np.asarray(scale * np.sqrt(np.einsum("ij,ij->i", rest, rest)), np.float64)


#: Number of values of a variable up to which the norm of its weights is exact.
EXACT_WEIGHTS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepTable:
    """One row per optimizer update, in order.

    Attributes:
        loss: Loss of each step, including penalties, shape ``(steps,)``; NaN also if
            the loss was not observed.
        data_loss: The part that the Keras loss object returned, same shape; the whole
            loss if none was called.
        loss_seen: Whether the loss of the step was observed, bool, same shape.
        data_loss_seen: Whether a Keras loss object was called, bool, same shape.
        grad_norm: L2 norm of the gradient of each variable as it reached the optimizer,
            shape ``(steps, variables)``; -1 if there was no gradient.
        weight_norm: L2 norm of each variable after the update, same shape; for a
            variable with more than `EXACT_WEIGHTS` values (with sparse gradients more
            than 65,536) estimated from some of its rows.
        update_norm: L2 norm of the change of each variable, same shape; for a variable
            with more than 65,536 values estimated from some of its rows, those in the
            gradient if it is sparse.
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
        """Whether the loss of a step includes penalties besides the data loss."""
        with np.errstate(invalid="ignore"):
            return bool(np.any(self.loss - self.data_loss > 1e-6))

    @property
    def global_grad_norm(self) -> Floats:
        """L2 norm of all gradients of a step, shape ``(steps,)``."""
        return row_norms(np.where(self.grad_norm < 0, 0.0, self.grad_norm))


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStats:
    """Activations of one layer on the probe.

    Attributes:
        name: Name of the layer.
        activation: Name of its activation function.
        units: Number of units (last axis).
        dead: Share of units that are 0 for every row (relu family).
        saturated: Share of outputs in the flat parts of the activation (sigmoid, tanh:
            within 0.01 of the ends of the range).
        symmetric: Whether all units give the same output for every row.
        is_output: Whether the layer is the last one of the model.
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
    """Measurements of the model on a fixed sample of its training data, in inference
    mode.

    Attributes:
        loss: Loss of the training without penalties, computed from the plain
            predictions.
        reported: The same loss as the training computes it (Keras computes it from the
            logits that it keeps for a softmax or sigmoid output).
        spread: Largest standard deviation over rows of any output.
        layers: Activation statistics, in call order.
        outputs: The outputs of the model, in order.
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
    """A value that several rows of a column share, far from all its other values.

    Attributes:
        columns: Indices of the columns with such a value.
        values: The value in each of these columns; the same in all of them unless they
            were scaled.
        share: Share of the rows with the value, in the column where it is largest.
    """

    columns: tuple[int, ...]
    values: tuple[float, ...]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnStats:
    """Statistics of inputs or targets, one entry per column (last axis).

    Attributes:
        name: Name of the array in messages (``"feature"``...).
        mean, std, low, high: Statistics of the finite values of each column, shape
            ``(columns,)``.
        median: Median of the same values; the mean for columns without far values.
        rows: Number of rows.
        nonfinite: Number of values that are NaN or infinite.
        first_nonfinite: Row and column of the first of these values; None if there are
            none.
        outlier: The farthest value; None if no value is far out or the spread is
            unknown.
        outlier_share: Share of the rows at least a quarter as far out as the outlier.
        is_numeric: False for integer indices (class labels, tokens).
        dtype: Name of the dtype, such as ``"float32"``.
        constant_share: Share of the values of a row that are the same in every row; 0
            for a single row.
        constant_apart: Share of the columns that are the same in every row, except
            columns that are always 0 (image borders, padding, absent words).
        sentinel: The value that seems to stand for missing ones; None if there is none.
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
    """Range of the values in one array of targets, to compare with that of an output.

    Attributes:
        low, high: Smallest and largest finite value.
        below_minus_one, below_zero, above_one: Share of the values in that range.
        rows_not_one: Share of the rows whose columns do not add up to 1; 0 for a single
            column.
        columns: Size of the last axis, 1 for a vector.
        classes: Number of classes in the labels; 0 if they name none.
        rarest: Index of the rarest class, and its share of the rows.
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
    """A layer that multiplies the inputs by one number: its name and the number."""

    layer: str
    scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output of the model.

    Attributes:
        layer: Name of the output layer.
        activation: Name of the last activation; None if there is none or it is unknown.
        units: Size of its last axis.
    """

    layer: str
    activation: str | None
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The held-out loss during the training.

    Attributes:
        step: Number of updates before each evaluation.
        loss: Held-out loss at each of these steps.
        constant: Loss of the best constant prediction on the held-out rows; None if
            unknown.
    """

    step: tuple[int, ...]
    loss: tuple[float, ...]
    constant: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonfinite:
    """NaN or infinity in one array of held-out rows.

    Attributes:
        part: Name of the array, such as ``"inputs"``.
        column, rows: Index of the column with the most such rows, and the number of
            these rows.
        columns, affected: Number of columns, and of columns with such values.
        of: Number of rows of the array.
    """

    part: str
    column: int
    columns: int
    affected: int
    rows: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Counts of held-out rows that are also training rows.

    Attributes:
        found, of: Number of these rows, and of held-out rows looked up.
        again, again_of: Number of training rows that are repeated among the training
            rows, and of training rows looked up.
        among: Share of the training rows in which both were looked up.
        copied: The class whose rows were copied to make it larger, which do not count
            in ``again``; None if there is none.
    """

    found: int
    of: int
    again: int
    again_of: int
    among: float = 1.0
    copied: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NearRows:
    """Held-out rows that are nearly equal to training rows, and the other ones.

    Attributes:
        repeats: Number of these rows, and of training rows that are as near to each
            other.
        near, others: Indices of some held-out rows that are near training rows, and of
            some that are not.
        loss_near, loss_others: Final loss of each half of these rows; empty if unknown.
    """

    repeats: Repeats
    near: tuple[int, ...] = ()
    others: tuple[int, ...] = ()
    loss_near: tuple[float, ...] = ()
    loss_others: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldOut:
    """The held-out rows, which are scored and not trained on.

    Attributes:
        rows: Number of held-out rows.
        inputs, targets: Column statistics, as in the trace.
        nonfinite: Arrays with NaN or infinity.
        repeats: Counts of rows that are also training rows; None if unknown.
        near: Rows that are nearly equal to training rows; None if unknown.
        unknown: Share of rows of a class without training rows.
        agreement: How far predicted classes agree with the labels at the end of the
            training; None if unknown, or if these rows cost no more than training rows.
    """

    rows: int
    inputs: tuple[ColumnStats, ...] = ()
    targets: tuple[ColumnStats, ...] = ()
    nonfinite: tuple[Nonfinite, ...] = ()
    repeats: Repeats | None = None
    near: NearRows | None = None
    unknown: float = 0.0
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassOrder:
    """How far rows are ordered by class.

    Attributes:
        order: 0 if neighboring rows are mixed as by chance, 1 if each stretch of rows
            has one class.
        classes: Number of classes.
        together: Average number of classes in a step.
        rows: Number of rows that were examined.
    """

    order: float
    classes: int
    together: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """The complete record of one training.

    Attributes:
        source: ``"watch"`` or ``"fit"``.
        model: Name of the model, or of the optimizer if no model was observed.
        variables: Paths of the trained variables, in column order.
        sizes: Number of values of each variable.
        steps: Measurements of each step.
        batch_size: Rows per step; None if unknown.
        steps_per_epoch: Steps per epoch; None if unknown.
        shuffled: Whether each row is known to be used once per epoch, in random order.
        seed: The seed of the training; None if unknown.
        before, after: The probe before the first and after the last update; None if
            inputs, targets and loss were not all observed.
        start_there: Loss of the initial weights on the last rows, if the rows or their
            targets change during the training: ``before`` is then scored on the first
            rows, ``after`` and the constant on the last ones. None if they do not
            change.
        constant_loss: Loss of the best constant prediction on the targets; None if
            unknown.
        perfect_loss: Lowest possible loss, that of predicting the targets, which is the
            entropy of soft or smoothed labels; None if unknown.
        constant: Name of the best constant prediction (``"the mean"``...).
        inputs, targets: Column statistics of the observed data.
        target_ranges: Ranges of the values in each numeric array of targets.
        normalizes_inputs: Whether the model starts with a layer that rescales.
        rescaled: The first layer of the model if it multiplies by one number; otherwise
            None.
        losses: Names of the loss functions, if observed.
        validation: Held-out losses; None if there were none.
        stopped: Why the training ended before its last step; None if it did not.
        weighted: Whether rows have sample weights.
        loss_is_scaled: Whether a loss-scaling optimizer skips steps with non-finite
            gradients, which are then not a fault.
        contested: Whether another training simultaneously changes the loss of this one,
            as in a GAN, so that neither loss has to fall.
        moving_target: Whether the targets or rows are made by a model that changes
            during the training, as in reinforcement learning, so that the loss need not
            fall.
        labels_follow: Name of the loss whose labels are outputs of the trained net for
            other inputs, with gradients flowing through them; None if there is none.
        spreads: How much the outputs of the nets differ between rows, if the loss could
            not be scored.
        same_measure: For a re-run, whether it has the same loss on the same targets as
            the original training.
        as_before: If not, the loss of the final predictions of the re-run measured as
            in the original training; None if unknown.
        unchanged_there: If the task of a re-run is easier, the final loss of the
            original training on that task; None if unknown.
        notes: Sentences for the report.
        seconds: Wall time from the first to the last update.
        uninformed_loss: Loss of predicting the middle of the range of the targets, or
            equal shares for classes; None if unknown.
        rare_gain: Share of the best constant's loss on the rows of a rare class that
            was removed; None if no class is rare or rows are weighted.
        averaging: Names of the layers, such as `BatchNormalization`, that predict with
            running averages of the training.
        held_out: The rows behind ``validation``; None if they were not observed.
        class_order: Order of the classes, if rows are trained on in a fixed order; None
            if they are shuffled or have no classes.
        data_facts: Other facts about the data; None if they were not observed.
        relations: What one step depends on; None if that was not examined.
        step: Facts about the training step; None if they were not recorded.
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
        """Whether the loss of a good training of this kind may rise as well as fall."""
        return self.contested or self.moving_target


def to_json_number(value: float | None) -> Any:
    """Convert a number to strict JSON.

    JSON has no NaN and no infinity. They become the strings ``"NaN"``, ``"Infinity"``
    and ``"-Infinity"``, which `float` and JavaScript's ``Number`` can both parse.
    """
    if value is None:
        return None
    value = float(value)
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value
