"""Whether data are in scale, for rules and the loss curve."""

from __future__ import annotations

import numpy as np

from ..core.trace import ColumnStats, Floats, Trace
from . import thresholds

# Limits, each with its source

#: Data up to this magnitude, with a column of at least this spread, are as good as
#: scaled: uniform values and gray levels from 0 to 1 have .3; inputs normalized twice
#: .002 to .004.
ORDER_ONE, SQUEEZED = 1.1, 0.1


def is_in_scale(trace: Trace) -> bool:
    """Whether the data were observed and do not explain a bad start."""
    return bool(trace.inputs) and not is_out_of_scale(trace)


def is_out_of_scale(trace: Trace) -> bool:
    """Whether the data explain a bad start."""
    inputs = () if trace.normalizes_inputs else trace.inputs
    columns = [it for it in (*inputs, *trace.targets) if it.is_numeric]
    return any(
        is_outlier(it, thresholds.OUTLIER)
        or np.any(magnitude_of(it) > thresholds.UNSCALED)
        for it in columns
    )


def is_of_order_one(trace: Trace) -> bool:
    """Whether all data are as good as scaled, if not standardized.

    Gray levels from 0 to 1 are slower to learn than standardized ones, but are not a
    fault.
    """
    columns = [it for it in (*trace.inputs, *trace.targets) if it.is_numeric]
    return all(
        np.all(magnitude_of(it) <= ORDER_ONE) and np.max(it.std) >= SQUEEZED
        for it in columns
    )


def magnitude_of(stats: ColumnStats) -> Floats:
    """Return the larger of |mean| and standard deviation of each column; a column with
    a single outlier has that of its median.
    """
    magnitude: Floats = np.maximum(np.abs(stats.mean), stats.std)
    if stats.outlier is not None and is_outlier(stats, thresholds.OUTLIER):
        magnitude[stats.outlier.column] = abs(stats.median[stats.outlier.column])
    return magnitude


def is_outlier(stats: ColumnStats, limit: float) -> bool:
    """Whether one or a few values lie absurdly far from the rest."""
    return (
        stats.is_numeric
        and stats.outlier is not None
        and stats.outlier.distance > limit
        and stats.outlier_share < thresholds.OUTLIER_SHARE
    )


def has_outlier(columns: tuple[ColumnStats, ...]) -> bool:
    """Whether some value lies far from the others, in any number of rows.

    A value that stands for missing ones is in many rows, so that the checks of the
    data do not count it as an outlier.
    """
    return any(
        it.outlier is not None and it.outlier.distance > thresholds.OUTLIER
        for it in columns
    )
