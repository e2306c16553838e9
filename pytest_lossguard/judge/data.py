"""Checks of the data: scales and outliers that explain a bad training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..core.column_stats import SENTINEL_APART, SENTINEL_SHARE
from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.keras_names import loss_facts
from ..core.numbers import number
from ..core.trace import ColumnStats, Trace
from . import thresholds
from .curve import LossCurve
from .hints import SCALE_INPUTS, SCALE_TARGETS
from .scale import is_outlier, magnitude_of

# Limits, each with its source

CONSTANT_SHARE = Limit(
    0.97,
    "{limit:.0%} of the input values are the same in every row.",
    set_by="Of 8x8 digits 5% are, of flattened 28x28 ones half, of one-hot and sparse"
    " columns of few rows at most 90%; none of 316 healthy programs comes near.",
)
CONSTANT_APART = Limit(
    0.5,
    "After a bad training {limit:.0%} of the columns are enough. Columns that are"
    " always 0 are left out.",
    set_by="0 is the value of borders, padding and absent words. A clip of standardized"
    " values to 0 to 1 leaves 54% of the columns constant.",
)
TARGET_OUTLIER = Limit(
    30.0,
    "After a bad training a target is reported if it lies {limit} robust standard"
    " deviations or more from the median.",
    set_by="A normal column of a million rows stays under 6.",
)
FAIR_SHARE = Limit(
    0.1,
    "A class has less than {limit:.0%} of an equal share of the rows.",
    set_by="A published case has 9% of its share; classes of 5% in two, which train"
    " well, have 10%.",
)
RARE_FOUND = Limit(
    0.7,
    "On the rows of this class the model also removes less than {limit:.0%} of the loss"
    " of a constant.",
    set_by="Healthy programs with 1 to 4% positives (AUC 0.97 and more) reach 0.75 to"
    " 0.82, a published case whose rare classes are never predicted 0.56, mutants of"
    " the kind 0.39 to 0.61 and one 0.75.",
)

SCALED_TWICE = Limit(
    0.02,
    "Or the model starts with a Rescaling layer, after which all inputs lie within"
    " {limit}, and little was learned.",
    set_by="Pixels that were divided by 255 twice lie within 0.004, those divided once"
    " within 1; no images this dark are known.",
)

# Kinds of findings

UNSCALED_INPUTS = Kind(
    name="unscaled_inputs",
    severity="warning",
    suspects="unscaled_inputs",
    text="{where} is unscaled: typical magnitude {value}, limit {limit}",
    hint=SCALE_INPUTS,
    explanation=Explanation(
        brief="input columns are not on a scale around 1",
        seen="Input columns are not on a scale around 1: the larger of |mean| and"
        " standard deviation is above the limit. Not reported if the model normalizes"
        " its inputs itself. Or they are already scaled, and the model scales them"
        " again.",
        why="Gradients grow with the inputs. A column in the thousands next to columns"
        " around 1 needs a learning rate so low that the rest learns nothing.",
        limits=(
            thresholds.UNSCALED,
            thresholds.UNSCALED_ALONE,
            SCALED_TWICE,
            thresholds.LEFT_WITHOUT_FAULT,
        ),
    ),
)

UNSCALED_TARGETS = Kind(
    name="unscaled_targets",
    severity="warning",
    suspects="unscaled_targets",
    text="{where} is unscaled: typical magnitude {value}, limit {limit}",
    hint=SCALE_TARGETS,
    explanation=Explanation(
        brief="a target is not on a scale around 1",
        seen="A numeric target is not on a scale around 1: the larger of |mean| and"
        " standard deviation is above the limit.",
        why="The output has to travel a long way from its start near 0, and a squared"
        " error of large numbers gives huge gradients.",
        limits=(thresholds.UNSCALED, thresholds.UNSCALED_ALONE),
    ),
)

INPUT_OUTLIERS = Kind(
    name="input_outliers",
    severity="warning",
    suspects="input_outliers",
    text="{where} is {raw}: {value} robust standard deviations from the median,"
    " limit {limit}",
    hint="Look at that row; clip, drop, or use RobustScaler.",
    explanation=Explanation(
        brief="an input value is an extreme outlier",
        seen="One or a few values lie extremely far from the rest of their feature. The"
        " row is named.",
        why="That row's gradient outweighs all others of its batch, and a scaler fitted"
        " on it squeezes the other rows together.",
        limits=(thresholds.OUTLIER, thresholds.OUTLIER_ALONE, thresholds.OUTLIER_SHARE),
    ),
)

TARGET_OUTLIERS = Kind(
    name="target_outliers",
    severity="warning",
    suspects="target_outliers",
    text="{where} is {raw}: {value} robust standard deviations from the median,"
    " limit {limit}",
    hint="Look at that row; clip it, or use a robust loss such as Huber.",
    explanation=Explanation(
        brief="a target is an extreme outlier",
        seen="One target lies extremely far from the others. The row is named. It is"
        " not reported after a good training with a robust loss.",
        why="Under a squared error one such row costs more than all others together:"
        " the model learns that row.",
        limits=(TARGET_OUTLIER, thresholds.OUTLIER_ALONE, thresholds.OUTLIER_SHARE),
    ),
)

CONSTANT_FEATURE = Kind(
    name="constant_feature",
    severity="warning",
    text="{where} has the same value, {value}, in every row",
    hint="Drop this feature, or find the preprocessing step that made it constant.",
    explanation=Explanation(
        brief="a feature never varies",
        seen="A feature has the same value in every row, and the training went badly.",
        why="It carries no information. Often a preprocessing step lost it: a cast, a"
        " join, a lookup.",
        no_limit="Every row has exactly the same value.",
    ),
)

CONSTANT_INPUTS = Kind(
    name="constant_inputs",
    severity="warning",
    suspects="constant_inputs",
    symptoms=("rows_alike",),
    text="{share} of {where} are the same in every row, limit {share_limit}",
    hint="Print the inputs after each step of the preprocessing: look for a cast to"
    " integers, an integer division (//), a clip to too small a range, or a lookup"
    " whose vocabulary was never adapted.",
    explanation=Explanation(
        brief="hardly anything in the inputs varies",
        seen="Nearly all input values are the same in every row, or, after a bad"
        " training, most columns are.",
        why="Rows cannot be told apart, so there is nothing to learn. A cast to"
        " integers, an integer division or a lookup without vocabulary does this to a"
        " whole table.",
        limits=(CONSTANT_SHARE, CONSTANT_APART),
    ),
)

SENTINEL_VALUES = Kind(
    name="sentinel_values",
    severity="warning",
    suspects="missing_values",
    text="{where} is {value} in {missing} of the rows, far from all its other"
    " values: it seems to stand for missing values",
    hint="Treat it as missing: replace it with NaN where the data are read, and fill it"
    " (SimpleImputer).",
    explanation=Explanation(
        brief="a value such as -999 stands for missing ones",
        seen="One value, such as -999, repeats in a column, far from all its other"
        " values.",
        why="It stands for a missing value. As a number it is a huge outlier: it shifts"
        " the mean and standard deviation of a scaler, and the model learns from it.",
        limits=(SENTINEL_SHARE, SENTINEL_APART),
    ),
)

CLASS_IMBALANCE = Kind(
    name="class_imbalance",
    severity="warning",
    suspects="class_imbalance",
    text="{where} is rare: {share} of the rows, below a tenth of an equal share"
    " ({share_limit}){learned}",
    hint="Use class_weight, or resample.",
    explanation=Explanation(
        brief="a rare class that the model did not find",
        seen="A class has hardly any rows, no class or sample weights make up for it,"
        " and the model has hardly learned it.",
        why="A model that never predicts the rare class is right nearly always. Its"
        " loss and its accuracy look good, and it is useless.",
        limits=(FAIR_SHARE, RARE_FOUND),
    ),
)


def _is_good(curve: LossCurve) -> bool:
    """Whether the training ended well, so that only extreme values are reported."""
    return curve.finite and curve.beats_constant and curve.decreased


def unscaled(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Inputs or targets that are not on a scale around 1; the columns are named."""
    limit = thresholds.UNSCALED_ALONE if _is_good(curve) else thresholds.UNSCALED
    if not trace.normalizes_inputs:
        for stats in trace.inputs:
            if stats.is_numeric:
                yield from _unscaled(stats, UNSCALED_INPUTS, limit, "feature")
    yield from _scaled_twice(trace, curve)
    for stats in trace.targets:
        if stats.is_numeric and len(stats.std) == 1:
            yield from _unscaled(stats, UNSCALED_TARGETS, limit, "target")


def _scaled_twice(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Scaled inputs to a model that scales them itself."""
    by, skill = trace.rescaled, curve.skill
    if by is None or len(trace.inputs) != 1 or not trace.inputs[0].is_numeric:
        return
    stats = trace.inputs[0]
    spread = abs(by.scale) * float(np.max(stats.high) - np.min(stats.low))
    if 0 < spread <= SCALED_TWICE and (
        skill is None or skill < thresholds.LEARNED_ENOUGH
    ):
        found = finding(
            UNSCALED_INPUTS, value=spread, limit=SCALED_TWICE, where=stats.name
        )
        yield replace(
            found,
            message=f"{stats.name} is scaled twice: layer {by.layer} multiplies by"
            f" {number(by.scale)} values from {number(float(np.min(stats.low)))} to"
            f" {number(float(np.max(stats.high)))}, so all of them lie within"
            f" {number(spread)}, limit {SCALED_TWICE:g}",
            headline="the inputs are scaled twice",
            hint="Scale the inputs once: before the model, or by its Rescaling layer.",
        )


def _unscaled(
    stats: ColumnStats,
    kind: Kind,
    limit: float,
    column: str,
) -> Iterator[Finding]:
    magnitude = magnitude_of(stats)
    off = np.flatnonzero(magnitude > limit)
    if not len(off):
        return
    worst = int(np.argmax(magnitude))
    if len(off) == len(magnitude) > 1:
        where = f"every {column} (largest {column} {worst})"
    elif len(magnitude) == 1:
        where = f"the {stats.name}"
    else:
        named = ", ".join(str(it) for it in off[:5]) + (", ..." if len(off) > 5 else "")
        where = f"{column} {named}"
    yield finding(kind, value=float(magnitude[worst]), limit=limit, where=where)


def input_outliers(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A value absurdly far from the rest of its feature; the row is named."""
    limit = thresholds.OUTLIER_ALONE if _is_good(curve) else thresholds.OUTLIER
    for stats in trace.inputs:
        if _is_sentinel(stats):
            continue
        if stats.outlier is not None and is_outlier(stats, limit):
            place = f"row {stats.outlier.row}, feature {stats.outlier.column}"
            yield _outlier(INPUT_OUTLIERS, stats, place, limit)


def target_outliers(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A target absurdly far from the others; the row is named.

    Not reported if the training with a robust loss ended well.
    """
    if _is_good(curve) and _is_robust(trace):
        return
    limit = thresholds.OUTLIER_ALONE if _is_good(curve) else TARGET_OUTLIER
    for stats in trace.targets:
        if stats.outlier is not None and is_outlier(stats, limit):
            yield _outlier(
                TARGET_OUTLIERS, stats, f"target of row {stats.outlier.row}", limit
            )


def _is_robust(trace: Trace) -> bool:
    known = [loss_facts(it) for it in trace.losses]
    return bool(known) and all(it is not None and it.is_robust for it in known)


def _outlier(kind: Kind, stats: ColumnStats, place: str, limit: float) -> Finding:
    assert stats.outlier is not None
    return finding(
        kind,
        value=stats.outlier.distance,
        limit=limit,
        where=place,
        raw=number(stats.outlier.value),
    )


def constant_feature(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A feature that is the same in every row; reported only for a bad training."""
    if _is_good(curve) or has_constant_inputs(trace):
        return
    for stats in trace.inputs:
        flat = np.flatnonzero((stats.std == 0) & np.isfinite(stats.mean))
        if stats.is_numeric and len(flat) > 0 and stats.rows > 1:
            first = int(flat[0])
            more = f" (and {len(flat) - 1} more)" if len(flat) > 1 else ""
            yield finding(
                CONSTANT_FEATURE,
                value=float(stats.mean[first]),
                where=f"feature {first}{more}",
            )


def has_constant_inputs(trace: Trace) -> bool:
    """Whether hardly anything in the inputs distinguishes one row from another."""
    shares = [it.constant_share for it in trace.inputs]
    return bool(shares) and min(shares) >= CONSTANT_SHARE


def _learned_little(curve: LossCurve) -> bool:
    return curve.skill is not None and curve.skill < thresholds.LEARNED_ENOUGH


def constant_inputs(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Inputs that are the same in every row, or most columns if the training is bad."""
    for stats in trace.inputs:
        columns = len(stats.std)
        if has_constant_inputs(trace):
            yield finding(
                CONSTANT_INPUTS,
                value=stats.constant_share,
                limit=CONSTANT_SHARE,
                where=f"the values of the {stats.name}",
            )
        elif (
            (not _is_good(curve) or _learned_little(curve))
            and stats.is_numeric
            and columns > 2
            and stats.constant_apart > CONSTANT_APART
        ):
            yield finding(
                CONSTANT_INPUTS,
                value=stats.constant_apart,
                limit=CONSTANT_APART,
                where=f"the {columns} features of the {stats.name}",
            )


def _is_sentinel(stats: ColumnStats) -> bool:
    """Whether the farthest value is a sentinel for missing values."""
    if stats.sentinel is None or stats.outlier is None:
        return False
    known = dict(zip(stats.sentinel.columns, stats.sentinel.values, strict=True))
    return known.get(stats.outlier.column) == stats.outlier.value


def sentinel_values(trace: Trace) -> Iterator[Finding]:
    """One value, such as -999, that stands for missing values."""
    for stats in trace.inputs:
        if stats.sentinel is None:
            continue
        first, *more = stats.sentinel.columns
        yield finding(
            SENTINEL_VALUES,
            value=stats.sentinel.values[0],
            where=f"feature {first}" + (f" (and {len(more)} more)" if more else ""),
            missing=f"{stats.sentinel.share:.1%}",
        )


def class_imbalance(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A rare class, without weights to make up for it, that is hardly learned."""
    gain = trace.rare_gain
    # An uninformed model has a low loss on the rare rows, and a high one on the others.
    is_found = gain is not None and gain >= RARE_FOUND and curve.beats_constant
    if trace.weighted or is_found:
        return
    learned = ""
    if gain is not None:
        learned = (
            f"; on its rows the model removes {max(gain, 0.0):.0%} of the loss of a"
            f" constant, limit {RARE_FOUND:.0%}"
        )
    for target in trace.target_ranges:
        number_of_class, share = target.rarest
        limit = FAIR_SHARE / max(1, target.classes)
        if target.classes > 1 and share < limit:
            yield finding(
                CLASS_IMBALANCE,
                value=share,
                limit=limit,
                where=f"class {number_of_class}",
                learned=learned,
            )


RULES = (
    unscaled,
    constant_inputs,
    sentinel_values,
    input_outliers,
    target_outliers,
    constant_feature,
    class_imbalance,
)
