"""Statistics of the data that a training sees: NumPy in, frozen values out."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .trace import ColumnStats, Floats, Outlier, TargetRange

__all__ = ["column_stats", "rarest_rows", "share_interval", "target_range"]

_Z = 1.96  # of a 95 % interval

#: More values than this are looked at in evenly spaced rows.
_MOST_VALUES = 4_000_000
#: Percentiles are taken from at most so many lines; below so few of them no
#: value is called an outlier.
_MOST_LINES, _ENOUGH_LINES = 4096, 8
#: Down the columns of rows of so few values NumPy is several times slower than along
#: a copy of each.
_SHORT_ROW = 32
#: Standard deviations from the mean from which a robust look is taken.
_FAR = 4.0
#: Rounding that is no value out of range.
_ROUNDING = 1e-3
#: A normal distribution's interquartile range in standard deviations.
_IQR_OF_NORMAL = 1.349

#: Larger whole numbers are values, not class numbers.
_MOST_CLASSES = 1000
#: A class is rare below this share of an equal part of the rows; what the judge warns
#: of is rarer still.
RARE = 0.25


def column_stats(array: NDArray[Any], name: str) -> ColumnStats | None:
    """Describe an array column by column, the last axis being the columns.

    Args:
        array: Any numeric array of shape ``(rows, ..., columns)`` or
            ``(rows,)``. Integer arrays are taken as labels or indices.
        name: What to call a column in messages.

    Returns:
        The statistics, or None for an array that is empty or not numeric.
    """
    if array.dtype.kind not in "fiub" or array.size == 0:
        return None
    table = _as_table(array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        columns = _columns(table)
        mean = columns.mean(axis=1, dtype=np.float64)
        std = _spread(columns, mean)
        bad, lowest, highest = 0, np.min, np.max
        if not np.isfinite(mean).all():
            finite = np.isfinite(table)
            bad = int(table.size - np.count_nonzero(finite))
            first = _first(~finite, array) if bad else None
            table = np.where(finite, table, np.nan)
            columns = _columns(table)
            mean = np.nanmean(columns, axis=1, dtype=np.float64)
            std = np.nanstd(columns, axis=1, dtype=np.float64)
            lowest, highest = np.nanmin, np.nanmax
        low = lowest(columns, axis=1).astype(np.float64)
        high = highest(columns, axis=1).astype(np.float64)
        median, outlier, share = mean.copy(), None, 0.0
        far = _sticking_out(mean, std, low, high)
        if far.size:
            looked_at = columns if far.size == len(columns) else columns[far]
            median[far], spread = _median_and_spread(looked_at, bad > 0)
            found = _farthest(looked_at, low[far], high[far], median[far], spread)
            if found is not None:
                (line, column, distance), share = found
                outlier = Outlier(
                    row=_row_of(line, array),
                    column=int(far[column]),
                    value=float(looked_at[column, line]),
                    distance=distance,
                )
    return ColumnStats(
        name=name,
        mean=mean,
        std=std,
        low=low,
        high=high,
        median=median,
        rows=array.shape[0],
        nonfinite=bad,
        first_nonfinite=first if bad else None,
        outlier=outlier,
        outlier_share=share,
        is_numeric=array.dtype.kind == "f",
    )


def _columns(table: NDArray[Any]) -> NDArray[Any]:
    """The table's columns as rows, each in one piece where they are few."""
    columns = table.T
    return np.ascontiguousarray(columns) if len(columns) <= _SHORT_ROW else columns


def _spread(columns: NDArray[Any], mean: Floats) -> Floats:
    """Standard deviation of each column, given as rows, whose mean is known."""
    deviation = columns - mean[:, None]
    np.square(deviation, out=deviation)
    return np.asarray(np.sqrt(deviation.mean(axis=1)), np.float64)


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Between which shares the true one lies with 95 % confidence, where so many were
    counted of so many (Wilson 1927).
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = count / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def target_range(array: NDArray[Any]) -> TargetRange | None:
    """Describe targets by what an output must reach.

    Returns:
        None for an array that is empty or not numeric.
    """
    if array.dtype.kind not in "fiub" or array.size == 0:
        return None
    table = _as_table(array)
    finite = table[np.isfinite(table)]
    if finite.size == 0:
        return None
    off = 0.0
    if table.shape[1] > 1:
        off = float(np.mean(np.abs(table.sum(axis=1) - 1.0) > 10 * _ROUNDING))
    classes, rarest = _classes(table, array.dtype.kind)
    return TargetRange(
        classes=classes,
        rarest=rarest,
        low=float(finite.min()),
        high=float(finite.max()),
        below_minus_one=float(np.mean(finite < -1.0 - _ROUNDING)),
        below_zero=float(np.mean(finite < -_ROUNDING)),
        above_one=float(np.mean(finite > 1.0 + _ROUNDING)),
        rows_not_one=off,
        columns=table.shape[1],
    )


def rarest_rows(array: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Which rows are of the rarest class that the labels name.

    Returns:
        None where they name none, or where no class is `RARE`.
    """
    if array.dtype.kind not in "fiub" or array.size == 0:
        return None
    table = array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1)
    if len(table) != len(array) or not np.isfinite(table).all():
        return None
    classes, (rarest, share) = _classes(table, array.dtype.kind)
    if not classes or share * classes > RARE:
        return None
    wanted = table[:, rarest] if table.shape[1] > 1 else table[:, 0] == rarest
    return np.asarray(wanted, np.bool_)


def _classes(table: NDArray[Any], kind: str) -> tuple[int, tuple[int, float]]:
    """How many classes the labels name, and the rarest with its share."""
    if table.shape[1] > 1:
        is_one_hot = bool(
            np.isin(table, (0, 1)).all() and (table.sum(axis=1) == 1).all()
        )
        shares = table.mean(axis=0) if is_one_hot else np.zeros(0)
    else:
        values = table[:, 0]
        names_classes = kind in "iub" or bool(np.isin(values, (0, 1)).all())
        if not names_classes or values.min() < 0 or values.max() > _MOST_CLASSES:
            return 0, (0, 1.0)
        shares = np.bincount(values.astype(np.int64)) / len(values)
    there = np.flatnonzero(shares)
    if len(there) < 2:
        return 0, (0, 1.0)
    rarest = int(there[np.argmin(shares[there])])
    return len(there), (rarest, float(shares[rarest]))


def _sticking_out(mean: Floats, std: Floats, low: Floats, high: Floats) -> Any:
    """Columns with a value so far out that a robust look is worth its price.

    A value 20 robust standard deviations out, were it 5 % of all, still lies
    more than 4 ordinary ones from the mean.
    """
    reach = np.maximum(high - mean, mean - low)
    return np.flatnonzero(reach > _FAR * std)


def _median_and_spread(columns: NDArray[Any], has_nan: bool) -> tuple[Floats, Floats]:
    """Median and robust standard deviation from evenly spaced lines."""
    lines = columns[:, :: max(1, -(-columns.shape[1] // _MOST_LINES))]
    percentile = np.nanpercentile if has_nan else np.percentile
    q1, median, q3 = np.asarray(percentile(lines, [25, 50, 75], axis=1), np.float64)
    return median, (q3 - q1) / _IQR_OF_NORMAL


def _as_table(array: NDArray[Any]) -> NDArray[Any]:
    """Reshape to ``(lines, columns)`` of floats, thinned where it is huge."""
    columns = array.shape[-1] if array.ndim > 1 else 1
    stride = max(1, -(-array.size // _MOST_VALUES))
    table = array[::stride].reshape(-1, columns)
    return table if table.dtype.kind == "f" else table.astype(np.float64)


def _row_of(index: int, array: NDArray[Any]) -> int:
    """The row of the caller's array behind a line of the table."""
    columns = array.shape[-1] if array.ndim > 1 else 1
    stride = max(1, -(-array.size // _MOST_VALUES))
    lines_per_row = max(1, array[0].size // columns)
    return int(index // lines_per_row * stride)


def _first(mask: NDArray[np.bool_], array: NDArray[Any]) -> tuple[int, int]:
    line, column = np.unravel_index(int(np.argmax(mask)), mask.shape)
    return _row_of(int(line), array), int(column)


def _farthest(
    columns: NDArray[Any], low: Floats, high: Floats, median: Floats, spread: Floats
) -> tuple[tuple[int, int, float], float] | None:
    """Find the value farthest out.

    Returns:
        Its line, column and distance in robust standard deviations, and the
        share of its column at least a quarter as far out.
    """
    usable = np.isfinite(spread) & (spread > 0) & np.isfinite(high - low)
    if not usable.any() or columns.shape[1] < _ENOUGH_LINES:
        return None
    reach = np.maximum(high - median, median - low)
    distances = np.divide(reach, spread, out=np.zeros_like(reach), where=usable)
    column = int(np.argmax(distances))
    values, middle = columns[column], median[column]
    is_high = high[column] - middle >= middle - low[column]
    of_values = values.dtype.type  # else each look at them would copy them
    line = int(np.argmax(values == of_values((high if is_high else low)[column])))
    quarter = reach[column] / 4
    far = np.count_nonzero(values > of_values(middle + quarter))
    far += np.count_nonzero(values < of_values(middle - quarter))
    return (line, column, float(distances[column])), far / len(values)
