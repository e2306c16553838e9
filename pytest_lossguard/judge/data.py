"""Checks of the data: scales and outliers that explain a bad training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.findings import Finding, Kind, finding, number
from ..core.keras_names import loss_facts
from ..core.trace import ColumnStats, Trace
from . import thresholds as at
from .curve import LossCurve
from .hints import SCALE_INPUTS, SCALE_TARGETS
from .scale import is_outlier, magnitude_of

__all__ = ["RULES", "has_constant_inputs"]

# Limits, each with what set it

#: Inputs of which so much is the same in every row tell rows apart no more: of 8x8
#: digits 5 % is, of flattened 28x28 ones half, of one-hot and sparse columns of few
#: rows at most .9; none of the 316 healthy programs of the corpus comes near. Of a bad
#: training columns that are constant anywhere but at 0, the value of borders, padding
#: and absent words, count from a half on: a clip to 0..1 leaves 54 % so.
CONSTANT_SHARE, CONSTANT_APART = 0.97, 0.5
#: A target column's robust distance that explains.
TARGET_OUTLIER = 30.0
#: A class with less than this share of its fair part of the rows: a published case
#: has .09, classes of 5 % in two have .1.
FAIR_SHARE = 0.1
#: A rare class is found if its rows cost so much less than by a constant: healthy
#: programs with 1 to 4 % positives (AUC .97 and more) reach .75 to .82, a published
#: case whose rare classes are never predicted .56, mutants of the kind .39 to .61, one
#: .75.
RARE_FOUND = 0.7

# What they find

UNSCALED_INPUTS = Kind(
    name="unscaled_inputs",
    severity="warning",
    suspects="unscaled_inputs",
    text="{where} is unscaled: typical magnitude {value}, limit {limit}",
    hint=SCALE_INPUTS,
)

UNSCALED_TARGETS = Kind(
    name="unscaled_targets",
    severity="warning",
    suspects="unscaled_targets",
    text="{where} is unscaled: typical magnitude {value}, limit {limit}",
    hint=SCALE_TARGETS,
)

INPUT_OUTLIERS = Kind(
    name="input_outliers",
    severity="warning",
    suspects="input_outliers",
    text="{where} is {raw}: {value} robust standard deviations from the median,"
    " limit {limit}",
    hint="Look at that row; clip, drop, or use RobustScaler.",
)

TARGET_OUTLIERS = Kind(
    name="target_outliers",
    severity="warning",
    suspects="target_outliers",
    text="{where} is {raw}: {value} robust standard deviations from the median,"
    " limit {limit}",
    hint="Look at that row; clip it, or use a robust loss such as Huber.",
)

CONSTANT_FEATURE = Kind(
    name="constant_feature",
    severity="warning",
    text="{where} has the same value, {value}, in every row",
    hint="Drop it, or find the preprocessing step that made it constant.",
)

CONSTANT_INPUTS = Kind(
    name="constant_inputs",
    severity="warning",
    suspects="constant_inputs",
    text="{share} of {where} are the same in every row, limit {share_limit}",
    hint="Print the inputs after each step of the preprocessing: look for a cast to"
    " integers, an integer division (//), a clip to too small a range, or a lookup"
    " whose vocabulary was never adapted.",
)

SENTINEL_VALUES = Kind(
    name="sentinel_values",
    severity="warning",
    suspects="missing_values",
    text="{where} is {value} in {missing} of the rows, far from all its other"
    " values: it seems to stand for missing values",
    hint="Treat it as missing: replace it by NaN where the data are read, and fill"
    " it (SimpleImputer).",
)

CLASS_IMBALANCE = Kind(
    name="class_imbalance",
    severity="warning",
    suspects="class_imbalance",
    text="{where} is rare: {share} of the rows, below a tenth of an equal share"
    " ({share_limit}){learned}",
    hint="Use class_weight, or resample.",
)


def _is_good(curve: LossCurve) -> bool:
    """The training ended well, and only what is glaring is worth a word."""
    return curve.finite and curve.beats_constant and curve.decreased


def unscaled(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Inputs or targets far from the order of 1, columns named."""
    limit = at.UNSCALED_ALONE if _is_good(curve) else at.UNSCALED
    if not trace.normalizes_inputs:
        for stats in trace.inputs:
            if stats.is_numeric:
                yield from _unscaled(stats, UNSCALED_INPUTS, limit, "feature")
    for stats in trace.targets:
        if stats.is_numeric and len(stats.std) == 1:
            yield from _unscaled(stats, UNSCALED_TARGETS, limit, "target")


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
    """A value absurdly far from the rest of its feature, row named."""
    limit = at.OUTLIER_ALONE if _is_good(curve) else at.OUTLIER
    for stats in trace.inputs:
        if _is_sentinel(stats):
            continue
        if stats.outlier is not None and is_outlier(stats, limit):
            place = f"row {stats.outlier.row}, feature {stats.outlier.column}"
            yield _outlier(INPUT_OUTLIERS, stats, place, limit)


def target_outliers(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A target absurdly far from the others, row named; no news where a robust loss
    has dealt with it.
    """
    if _is_good(curve) and _is_robust(trace):
        return
    limit = at.OUTLIER_ALONE if _is_good(curve) else TARGET_OUTLIER
    for stats in trace.targets:
        if stats.outlier is not None and is_outlier(stats, limit):
            yield _outlier(
                TARGET_OUTLIERS, stats, f"target of row {stats.outlier.row}", limit
            )


def _is_robust(trace: Trace) -> bool:
    """Whether every loss is a robust one."""
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
    """A feature that is the same in every row; said only of a bad training."""
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
    """Whether nothing, or hardly anything, in the inputs tells one row from another."""
    shares = [it.constant_share for it in trace.inputs]
    return bool(shares) and min(shares) >= CONSTANT_SHARE


def _learned_little(curve: LossCurve) -> bool:
    return curve.skill is not None and curve.skill < at.LEARNED_ENOUGH


def constant_inputs(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Inputs that are the same in every row, or most columns of a bad training's."""
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
    """Whether the value farthest out is one that stands for missing ones."""
    if stats.sentinel is None or stats.outlier is None:
        return False
    known = dict(zip(stats.sentinel.columns, stats.sentinel.values, strict=True))
    return known.get(stats.outlier.column) == stats.outlier.value


def sentinel_values(trace: Trace) -> Iterator[Finding]:
    """One value, as -999, that stands for missing ones."""
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
    """A class with hardly any rows, no weights to make up for it, and a model that has
    hardly found it.
    """
    gain = trace.rare_gain
    # Who knows nothing costs the rare rows little, and all others much.
    is_found = gain is not None and gain >= RARE_FOUND and curve.beats_constant
    if trace.weighted or is_found:
        return
    learned = ""
    if gain is not None:
        learned = (
            f"; the model removes {max(gain, 0.0):.0%} of what its rows cost a"
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
