"""Changes of the data; ``training/rerun/data_changes`` applies them."""

from __future__ import annotations

import numpy as np

from ...core.change import CLIP, Change
from ...core.numbers import number
from ...core.trace import ColumnStats, Trace
from .kind import (
    CERTAIN,
    LIKELY,
    POSSIBLE,
    SEEN,
    STRONG,
    ChangeKind,
    Proposal,
    Situation,
    Weighed,
)

_SCALER = (
    "scale the inputs: StandardScaler in the preprocessing, or a Normalization layer"
    " adapted to the training data"
)
_CLIPPED = f"clipped to {CLIP:g} robust standard deviations"
#: The data are off scale if a mean or deviation is above the first, or deviations are
#: below the second; a single column is if its mean or deviation is above the third.
_OFF_SCALE, _TOO_SMALL, _COLUMN_OFF = 3.0, 0.05, 10.0


# Missing values


def _fill_missing(now: Situation) -> Weighed:
    if now.found & {"nonfinite_input", "missing_values"}:
        yield CERTAIN, Change(kind="fill_missing")
    yield from _sentinels(now.trace)


def _sentinels(trace: Trace) -> Weighed:
    """Yield the change that fills values which stand for missing ones: one value in all
    columns, or separate values where the columns of a single table were scaled.
    """
    found = [it.sentinel for it in trace.inputs if it.sentinel is not None]
    values = {value for it in found for value in it.values}
    at = found[0].columns if len(trace.inputs) == 1 and found else ()
    if len(values) == 1:
        yield SEEN + 6, Change(kind="fill_missing", value=values.pop(), at=at)
    elif at:
        yield SEEN + 6, Change(kind="fill_missing", value="apart", at=at)


def _describe_filled(now: Proposal) -> str:
    if now.change.value is None:
        return "missing values filled with the mean"
    return f"{_missing(now.change)} replaced with the mean of the other values"


def _remedy_of_missing(now: Proposal) -> str:
    if now.change.value is None:
        return "fill or drop missing values before training, as SimpleImputer does"
    return (
        f"replace {_missing(now.change)} with NaN where the data are read, before they"
        " are scaled, and fill it with the mean, as SimpleImputer does"
    )


def _missing(change: Change) -> str:
    if isinstance(change.value, str):
        return "the value that stands for missing ones"
    return number(float(change.value or 0.0))


# Outliers


def _drop_rows(now: Situation) -> Weighed:
    for row in _outlying_rows(now):
        yield SEEN + 5, Change(kind="drop_rows", at=(row,))


def _clip_inputs(now: Situation) -> Weighed:
    for _ in _outlying_rows(now):
        yield SEEN + 4, Change(kind="clip_inputs")


def _outlying_rows(now: Situation) -> list[int]:
    if "input_outliers" not in now.found:
        return []
    return [it.outlier.row for it in now.trace.inputs if it.outlier is not None]


def _clip_targets(now: Situation) -> Weighed:
    if _targets_are_values(now) and "target_outliers" in now.found:
        yield SEEN + 3, Change(kind="clip_targets")


def _describe_dropped(now: Proposal) -> str:
    rows = ", ".join(map(str, now.change.at))
    return f"row{'s' if len(now.change.at) > 1 else ''} {rows} dropped"


# Scales


def _standardize_inputs(now: Situation) -> Weighed:
    numeric = [it for it in now.trace.inputs if it.is_numeric]
    if not numeric or now.trace.normalizes_inputs:
        return
    if "unscaled_inputs" in now.found:
        inputs = now.trace.inputs
        off = np.flatnonzero(_magnitudes(inputs[0]) > _COLUMN_OFF)
        if len(inputs) == 1 and 0 < len(off) < len(inputs[0].mean):
            yield SEEN + 1, Change(kind="standardize_inputs", at=tuple(off.tolist()))
        yield SEEN, Change(kind="standardize_inputs")
        return
    size = max(float(np.max(_magnitudes(it))) for it in numeric)
    spread = max(float(np.median(it.std)) for it in numeric)
    is_off = size > _OFF_SCALE or spread < _TOO_SMALL
    yield STRONG if is_off else POSSIBLE - 5, Change(kind="standardize_inputs")


def _standardize_targets(now: Situation) -> Weighed:
    if not _targets_are_values(now):
        return
    weight = POSSIBLE - 6
    if "unscaled_targets" in now.found:
        weight = SEEN - 2
    elif any(
        it.is_numeric and np.max(_magnitudes(it)) > _OFF_SCALE
        for it in now.trace.targets
    ):
        weight = LIKELY
    yield weight, Change(kind="standardize_targets")


def _targets_are_values(now: Situation) -> bool:
    numeric = any(it.is_numeric for it in now.trace.targets)
    return numeric and now.facts.labels in (None, "values")


def _magnitudes(stats: ColumnStats) -> np.ndarray:
    return np.maximum(np.abs(stats.mean), stats.std)


def _describe_standardized(now: Proposal) -> str:
    if not now.change.at:
        return "inputs standardized"
    columns = ", ".join(map(str, now.change.at[:5]))
    return f"feature {columns}{', ...' if len(now.change.at) > 5 else ''} standardized"


def _describe_scaled(now: Proposal) -> str:
    columns = ", ".join(map(str, now.change.at))
    scaled = f"feature {columns}" if columns else "inputs"
    return f"{scaled} times {number(float(now.change.value or 1.0))}"


# Order and classes


def _shuffle_rows(now: Situation) -> Weighed:
    if "rows_in_class_order" in now.found:
        yield SEEN + 6, Change(kind="shuffle_rows")


def _balance_classes(now: Situation) -> Weighed:
    if "class_imbalance" in now.found:
        yield LIKELY, Change(kind="balance_classes")


#: Changes of the data, in the order in which changes of equal weight are tried.
KINDS = (
    ChangeKind(
        name="fill_missing",
        acts_on="data",
        cause="missing_values",
        remedy=_remedy_of_missing,
        describe=_describe_filled,
        worth=_fill_missing,
        shown_by=("nonfinite_input", "missing_values", "sentinel_values"),
        of_inputs=True,
    ),
    ChangeKind(
        name="drop_rows",
        acts_on="data",
        cause="input_outliers",
        remedy="look at that row: correct, clip or drop it, or use RobustScaler",
        describe=_describe_dropped,
        worth=_drop_rows,
        shown_by=("input_outliers",),
        other_rows=True,
    ),
    ChangeKind(
        name="clip_inputs",
        acts_on="data",
        cause="input_outliers",
        remedy="clip the inputs, or use RobustScaler",
        describe=f"inputs {_CLIPPED}",
        worth=_clip_inputs,
        shown_by=("input_outliers",),
        undoes="fault",
        of_inputs=True,
    ),
    ChangeKind(
        name="standardize_inputs",
        acts_on="data",
        cause="unscaled_inputs",
        remedy=_SCALER,
        describe=_describe_standardized,
        worth=_standardize_inputs,
        shown_by=("unscaled_inputs", "input_outliers"),
        of_inputs=True,
        standardizes=True,
    ),
    ChangeKind(
        name="scale_inputs",
        acts_on="data",
        cause="unscaled_inputs",
        remedy=_SCALER,
        describe=_describe_scaled,
        of_inputs=True,
    ),
    ChangeKind(
        name="clip_targets",
        acts_on="data",
        cause="target_outliers",
        remedy="look at that target: correct or clip it, or use a robust loss such as"
        " Huber",
        describe=f"targets {_CLIPPED}",
        worth=_clip_targets,
        shown_by=("target_outliers",),
        undoes="fault",
        other_targets=True,
    ),
    ChangeKind(
        name="standardize_targets",
        acts_on="data",
        cause="unscaled_targets",
        remedy="scale the targets to mean 0 and standard deviation 1, and undo it after"
        " predict",
        describe="targets standardized",
        worth=_standardize_targets,
        shown_by=("unscaled_targets",),
        other_targets=True,
        standardizes=True,
    ),
    ChangeKind(
        name="shuffle_rows",
        acts_on="data",
        cause="rows_in_class_order",
        remedy="shuffle the rows before training: fit(shuffle=True), or dataset.shuffle"
        " with a buffer as large as the data",
        describe="rows shuffled",
        worth=_shuffle_rows,
        shown_by=("rows_in_class_order",),
        undoes="fault",
    ),
    ChangeKind(
        name="shuffle_labels",
        acts_on="data",
        cause="labels_carry_no_signal",
        remedy="check that the labels still belong to the rows they describe",
        describe="labels shuffled",
        other_targets=True,
    ),
    ChangeKind(
        name="fewer_rows",
        acts_on="data",
        cause="repeated_batch",
        remedy="train on all rows",
        describe=lambda now: (
            f"the first {float(now.change.value or 1.0):.0%} of the rows"
        ),
        other_rows=True,
    ),
    ChangeKind(
        name="balance_classes",
        acts_on="data",
        cause="class_imbalance",
        remedy="give class_weight to fit, or resample the rows",
        describe="all classes equally frequent",
        worth=_balance_classes,
        shown_by=("class_imbalance",),
        other_rows=True,
    ),
)
