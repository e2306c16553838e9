"""Statistics of the training data: NumPy arrays in, frozen values out."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .explanation import Limit
from .trace import ColumnStats, Floats, Outlier, Sentinel, TargetRange

_Z = 1.96  # z-score of a 95 % interval

#: Arrays with more values than this are sampled in evenly spaced rows.
_MOST_VALUES = 4_000_000
#: Percentiles are computed from at most this many lines; with fewer lines than the
#: second number, no value is called an outlier.
_MOST_LINES, _ENOUGH_LINES = 4096, 8
#: For rows with at most this many values, NumPy is several times slower down the
#: columns than along a contiguous copy of each column.
_SHORT_ROW = 32
#: Columns with a value this many standard deviations from the mean are examined with
#: robust statistics.
_FAR = 4.0
#: Tolerance for rounding errors of values at the edge of a range.
_ROUNDING = 1e-3
#: Interquartile range of a normal distribution in standard deviations.
_IQR_OF_NORMAL = 1.349

#: Number of rows that show for most columns that they vary.
_SOME_ROWS = 64

#: Conditions for a value that stands for missing ones (a sentinel): the smallest number
#: of rows that have it, and the smallest and largest share of the rows.
_FEWEST_MISSING = 3
SENTINEL_SHARE = Limit(
    0.005,
    "The value stands in {limit:.1%} of the rows or more.",
    set_by="Chosen, not measured.",
)
_MOST_MISSING = 0.4
#: Distance of a sentinel from all other values, in ranges of those values; less is
#: enough for common sentinels, such as -999. Codes of categories and counts have fewer
#: than ``_ENOUGH_OTHERS`` other values.
SENTINEL_APART = Limit(
    3.0,
    "It lies {limit} times the range of all other values away from them; for -999, -1"
    " and their like less is enough.",
    set_by="-999 in 5% of a standardized column stands 4 deviations from all others,"
    " which lie within a fiftieth of that.",
)
_APART_NINES, _APART_NEGATIVE, _ENOUGH_OTHERS = 1.0, 0.2, 20

#: Largest share of zeros in the varying columns of a table that is not sparse, and the
#: share of constant columns from which zeros are counted.
_HARDLY_EVER, _MOSTLY = 0.05, 0.4
#: A column counts as centered if its mean is within this many standard deviations of 0.
_CENTERED = 0.5

#: Integers above this are values, not class numbers.
_MOST_CLASSES = 1000
#: A class is rare below this share of an equal share of the rows; the judge warns only
#: of classes that are rarer still.
RARE = 0.25


def column_stats(
    array: NDArray[Any], name: str, *, integers_are_numbers: bool = False
) -> ColumnStats | None:
    """Describe an array column by column; the columns are the last axis.

    Args:
        array: An array of shape ``(rows, ..., columns)`` or ``(rows,)``.
        name: Name of the array, for messages.
        integers_are_numbers: Whether integers are numbers; by default they are labels
            or indices.

    Returns:
        The statistics; None for an array that is empty or not numeric.
    """
    if array.dtype.kind not in "fiub" or array.size == 0:
        return None
    kind = array.dtype.kind
    is_numeric = kind == "f" or (integers_are_numbers and kind in "iu")
    looks_like_table = is_numeric and array.ndim <= 2
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
        far = _columns_with_outliers(mean, std, low, high)
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
        is_numeric=is_numeric,
        dtype=array.dtype.name,
        constant_share=_constant_share(array),
        constant_apart=_constant_apart(columns, low, high, mean, std),
        sentinel=sentinel_of(columns, low, high) if looks_like_table else None,
    )


def _constant_share(array: NDArray[Any]) -> float:
    """Return the share of the positions of a row with the same value in all rows."""
    if len(array) < 2:
        return 0.0
    places = array[:: max(1, array.size // _MOST_VALUES)].reshape(-1, array[0].size)
    some = places[:_SOME_ROWS]  # most vary early: only the others need all rows
    same = np.flatnonzero((some == some[0]).all(axis=0))
    if len(same) and len(places) > len(some):
        same = same[(places[:, same] == places[0, same]).all(axis=0)]
    return len(same) / places.shape[1]


def _constant_apart(
    columns: NDArray[Any], low: Floats, high: Floats, mean: Floats, std: Floats
) -> float:
    """Return the share of columns, given as rows, that are constant and not 0. Columns
    that are constant at 0 count too if the others are centered and hardly ever 0:
    standardizing makes a constant column 0.
    """
    flat = low == high
    apart = flat & (low != 0)
    at_zero = flat & (low == 0)
    if at_zero.any() and flat.mean() > _MOSTLY and not flat.all():
        varying = columns[~flat]
        is_rare = np.count_nonzero(varying == 0) <= _HARDLY_EVER * varying.size
        if is_rare and np.median(np.abs(mean[~flat]) / std[~flat]) < _CENTERED:
            apart = flat
    return float(apart.mean())


def sentinel_of(columns: NDArray[Any], low: Floats, high: Floats) -> Sentinel | None:
    """Find the value that stands for missing ones in each column.

    Args:
        columns: The columns as rows, shape ``(columns, rows)``.
        low: Smallest finite value of each column.
        high: Largest finite value of each column.
    """
    lines = columns[:, :: max(1, -(-columns.shape[1] // _MOST_LINES))]
    found = {
        column: (share, float(extreme[column]))
        for extreme, other in ((low, high), (high, low))
        for column, share in _repeated_extremes(lines, extreme, other)
    }
    if not found:
        return None
    places = tuple(sorted(found))
    return Sentinel(
        columns=places,
        values=tuple(found[it][1] for it in places),
        share=max(found[it][0] for it in places),
    )


def _repeated_extremes(
    lines: NDArray[Any], extreme: Floats, other: Floats
) -> list[tuple[int, float]]:
    """Return the columns in which some rows have the extreme value and it is too far
    from all other values to be one of them, each with the share of those rows.
    """
    few, most = SENTINEL_SHARE, _MOST_MISSING
    is_it = lines == extreme.astype(lines.dtype)[:, None]
    counts = is_it.sum(axis=1)
    shares = counts / lines.shape[1]
    is_some = (counts >= _FEWEST_MISSING) & (few <= shares) & (shares <= most)
    columns = np.flatnonzero(is_some & (extreme != 0) & (extreme != other))
    if not len(columns):
        return []
    others = np.where(is_it[columns], other[columns, None], lines[columns])
    nearest = (np.fmin if extreme[columns[0]] < other[columns[0]] else np.fmax).reduce(
        others, axis=1
    )
    gap, rest = np.abs(nearest - extreme[columns]), np.abs(other[columns] - nearest)
    return [
        (int(column), float(shares[column]))
        for place, column in enumerate(columns)
        if gap[place] > 0
        and _is_far(
            float(extreme[column]), others[place], gap[place] / max(rest[place], 1e-300)
        )
    ]


def _is_far(value: float, others: NDArray[Any], gap: float) -> bool:
    """Whether a gap, in ranges of the other values, is too wide for such values."""
    values = np.unique(others[np.isfinite(others)])
    if len(values) < _ENOUGH_OTHERS:
        return False
    is_usual = value == -1 or _is_all_nines(value)
    if is_usual and value < 0 <= values[0]:
        is_measured = bool(np.any(values % 1))  # not category codes
        return is_measured or gap >= _APART_NEGATIVE
    return gap >= (_APART_NINES if is_usual and value != -1 else SENTINEL_APART)


def _is_all_nines(value: float) -> bool:
    """Whether the value is -99, 999, -9999 or the like."""
    size = abs(value)
    return size >= 99 and size == int(size) and set(str(int(size))) == {"9"}


def _columns(table: NDArray[Any]) -> NDArray[Any]:
    """Return the columns of a table as rows, contiguous if there are few."""
    columns = table.T
    return np.ascontiguousarray(columns) if len(columns) <= _SHORT_ROW else columns


def _spread(columns: NDArray[Any], mean: Floats) -> Floats:
    """Return the standard deviation of each column, given as rows, from its mean."""
    deviation = columns - mean[:, None]
    np.square(deviation, out=deviation)
    return np.asarray(np.sqrt(deviation.mean(axis=1)), np.float64)


def share_interval(count: int, of: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share, from ``count`` of ``of`` (Wilson
    1927).
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = count / of, _Z * _Z
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = _Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def target_range(array: NDArray[Any]) -> TargetRange | None:
    """Describe the values that an output must reach to match the targets.

    Returns:
        The ranges; None for an array that is empty or not numeric.
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
    """Return a mask of the rows of the rarest class.

    Returns:
        The mask; None if the labels name no classes or no class is rarer than `RARE`.
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


def is_one_hot(table: NDArray[Any]) -> bool:
    """Whether each row has a single 1 and zeros elsewhere."""
    return bool(np.isin(table, (0, 1)).all() and (table.sum(axis=1) == 1).all())


def _classes(table: NDArray[Any], kind: str) -> tuple[int, tuple[int, float]]:
    """Return the number of classes in the labels, and the rarest one with its share."""
    if table.shape[1] > 1:
        shares = table.mean(axis=0) if is_one_hot(table) else np.zeros(0)
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


def _columns_with_outliers(mean: Floats, std: Floats, low: Floats, high: Floats) -> Any:
    """Return the columns with a value so far out that robust statistics are needed.

    A value 20 robust standard deviations out still lies more than 4 ordinary ones from
    the mean, even if 5 % of all values are that far out.
    """
    reach = np.maximum(high - mean, mean - low)
    return np.flatnonzero(reach > _FAR * std)


def _median_and_spread(columns: NDArray[Any], has_nan: bool) -> tuple[Floats, Floats]:
    """Return the median and robust standard deviation of evenly spaced lines."""
    lines = columns[:, :: max(1, -(-columns.shape[1] // _MOST_LINES))]
    percentile = np.nanpercentile if has_nan else np.percentile
    q1, median, q3 = np.asarray(percentile(lines, [25, 50, 75], axis=1), np.float64)
    return median, (q3 - q1) / _IQR_OF_NORMAL


def _as_table(array: NDArray[Any]) -> NDArray[Any]:
    """Reshape to ``(lines, columns)`` of floats, sampling rows of a huge array."""
    columns = array.shape[-1] if array.ndim > 1 else 1
    stride = max(1, -(-array.size // _MOST_VALUES))
    table = array[::stride].reshape(-1, columns)
    return table if table.dtype.kind == "f" else table.astype(np.float64)


def _row_of(index: int, array: NDArray[Any]) -> int:
    """Return the row of the caller's array that a line of the table came from."""
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
    """Find the value that is farthest from the median of its column.

    Returns:
        Its line, column and distance in robust standard deviations, and the share of
        its column that is at least a quarter as far out; None if there is none.
    """
    usable = np.isfinite(spread) & (spread > 0) & np.isfinite(high - low)
    if not usable.any() or columns.shape[1] < _ENOUGH_LINES:
        return None
    reach = np.maximum(high - median, median - low)
    distances = np.divide(reach, spread, out=np.zeros_like(reach), where=usable)
    column = int(np.argmax(distances))
    values, middle = columns[column], median[column]
    is_high = high[column] - middle >= middle - low[column]
    of_values = values.dtype.type  # avoids a copy at each comparison
    line = int(np.argmax(values == of_values((high if is_high else low)[column])))
    quarter = reach[column] / 4
    far = np.count_nonzero(values > of_values(middle + quarter))
    far += np.count_nonzero(values < of_values(middle - quarter))
    return (line, column, float(distances[column])), far / len(values)
