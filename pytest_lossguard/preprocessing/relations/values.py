"""Relations on values that are not in the sample: a new category, another dtype, zero,
a missing value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome, Skipped
from ...core.numbers import format_names
from ..preparation import Preparation
from ..raw import Array, Column, Raw
from ..table import Table
from ..thresholds import (
    FAR_FROM_ZERO,
    MOST_CATEGORIES,
    OTHER_TYPE,
    OTHER_TYPE_ROWS,
    ROUNDED_FROM,
    ROUNDING,
)
from ..wording import format_error, format_raw_row, is_clear, is_own

_UNSEEN = "never seen before"
#: The fewest rows of a request in which one row is changed.
_BESIDE = 16
#: The most columns that are checked.
_MOST = 256
_TYPES = ("float64", "float32", "int64", "int32", "uint8")


def unseen(preparation: Preparation, asked: Any) -> Outcome:
    """Check that an unseen category raises no error and gives finite numbers."""
    x = preparation.x
    texts = [it for it in x.columns if it.kind == "text" and _is_category(x, it)]
    if not texts:
        return Skipped("the sample has no columns of categories or texts")
    may_raise = asked == "raises"

    def problem(made: Table | Exception, usual: Table, row: int, _: Column) -> str:
        if isinstance(made, Exception):
            if may_raise and is_clear(made):
                return ""
            return f"raises {type(made).__name__}"
        if preparation.has_serve and made.width != usual.width:
            return f"gives {made.width} columns instead of {usual.width}"
        return "" if made.width != usual.width else _not_finite(made, usual, row)

    found = _first_problem(preparation, texts, lambda _: _UNSEEN, problem)
    return KEPT if found is None else _broken_by_unseen(*found)


def _broken_by_unseen(
    column: Column, row: int, sentence: str, made: Table | Exception
) -> Broken:
    is_error = isinstance(made, Exception)
    own = isinstance(made, Exception) and is_own(made)
    meant = isinstance(made, Exception) and is_clear(made)
    what = f"a category never seen in {column.name}"
    should = "as many columns as ever" if "columns" in sentence else "finite numbers"
    return Broken(
        fact=f"{what if column.is_named else 'a text never seen'} {sentence}",
        column=column.name,
        rows=(row,),
        lines=(
            Line(name="raw value", value=repr(_UNSEEN), note=f"row {row}"),
            Line(name="came out", value=_format_output(made, row)),
            Line(name="should be", value=should),
        ),
        meaning="Sooner or later production has a value that the sample does not hold."
        + (" Your own code rejects it." if own else "")
        + (" Such a request fails." if is_error and not own else ""),
        remedy='If your code should reject it, write contracts(unseen="raises").'
        if meant
        else "",
    )


def _is_category(x: Raw, column: Column) -> bool:
    """Whether a column of strings holds categories or texts, and not dates or numbers
    that are written as strings.
    """
    values = [str(it) for it in x.get(column) if it is not None]
    few = len(set(values)) <= max(20, MOST_CATEGORIES * len(values))
    if not column.is_named and all(" " in it for it in values):
        return True
    return (few or not column.is_named) and not all(map(_is_written, values))


def _is_written(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        try:
            datetime.fromisoformat(text)
        except ValueError:
            return False
    return True


def zeros(preparation: Preparation, asked: Any) -> Outcome:
    """Check that 0 in a column of positive numbers near 0 gives finite numbers."""
    del asked
    x = preparation.x
    positive = [it for it in _numeric(x) if _is_near_zero(x.get(it))]
    if not positive:
        return Skipped("no column has only positive numbers of which some are near 0")

    def problem(made: Table | Exception, usual: Table, row: int, _: Column) -> str:
        if isinstance(made, Exception):
            meant = is_own(made) or "positive" in str(made)
            return "" if meant else f"raises {type(made).__name__}"
        return _not_finite(made, usual, row)

    found = _first_problem(preparation, positive, lambda _: 0, problem)
    if found is None:
        return KEPT
    column, row, sentence, made = found
    least = f"the sample's least is {x.get(column).min():.4g}"
    return Broken(
        fact=f"0 in {column.name} {sentence}",
        column=column.name,
        rows=(row,),
        lines=(
            Line(name="raw value", value="0", note=least),
            Line(name="came out", value=_format_output(made, row)),
            Line(name="should be", value="finite numbers"),
        ),
        meaning="The sample happens to have no 0 here, but production will, and the"
        " model returns NaN.",
    )


def missing(preparation: Preparation, asked: Any) -> Outcome:
    """Check that NaN or None gives finite numbers or a clear error."""
    del asked
    x = preparation.x
    able = [
        it
        for it in x.columns[:_MOST]
        if it.kind == "text" or (it.kind == "number" and _takes_nan(x, it))
    ]
    if not able:
        return Skipped("no column of the sample can hold NaN or None")

    def problem(made: Table | Exception, usual: Table, row: int, _: Column) -> str:
        if isinstance(made, Exception):
            return "" if is_clear(made) else f"raises {type(made).__name__}"
        return _not_finite(made, usual, row)

    def nothing(column: Column) -> Any:
        return np.nan if column.kind == "number" else None

    found = _first_problem(preparation, able, nothing, problem)
    if found is None:
        return KEPT
    column, row, sentence, made = found
    return Broken(
        fact=f"a missing value in {column.name} {sentence}",
        column=column.name,
        rows=(row,),
        lines=(
            Line(name="raw value", value=str(nothing(column)), note=f"row {row}"),
            Line(name="came out", value=_format_output(made, row)),
            Line(name="should be", value="finite numbers, or a clear error"),
        ),
        meaning="Training may have dropped such rows, but serving gets them and the"
        " model returns NaN.",
    )


def _numeric(x: Raw) -> list[Column]:
    return [it for it in x.columns[:_MOST] if it.kind == "number"]


def _is_near_zero(values: Array) -> bool:
    """Whether all values are positive, and the least is so near 0 that a 0 must be
    expected: a price or a height never is 0.
    """
    if not bool(np.all(values > 0)):
        return False
    return float(values.min()) <= FAR_FROM_ZERO * float(values.std())


def _takes_nan(x: Raw, column: Column) -> bool:
    return hasattr(x.parts[column.part], "iloc") or x.get(column).dtype.kind == "f"


def _not_finite(made: Table, usual: Table, row: int) -> str:
    """Describe a number of a row that is no longer finite; empty if there is none.

    If the number of rows changed, all rows are searched.
    """
    if made.rows == usual.rows:
        bad = ~np.isfinite(made.numbers[row]) & np.isfinite(usual.numbers[row])
    else:
        bad = (~np.isfinite(made.numbers)).any(axis=0)
        bad &= np.isfinite(usual.numbers).all(axis=0)
    if not bad.any():
        return ""
    cell = made.numbers[row if made.rows == usual.rows else 0][int(np.argmax(bad))]
    return "comes out as NaN" if np.isnan(cell) else f"comes out as {cell}"


def _format_output(made: Table | Exception, row: int) -> str:
    if isinstance(made, Exception):
        return format_error(made)
    row = min(row, made.rows - 1)
    bad = np.flatnonzero(~np.isfinite(made.numbers[row])) if made.rows else ()
    return made.format_row(row, bad if len(bad) else None) if made.rows else "no row"


def _first_problem(
    preparation: Preparation,
    columns: list[Column],
    value: Callable[[Column], Any],
    problem: Callable[[Table | Exception, Table, int, Column], str],
) -> tuple[Column, int, str, Table | Exception] | None:
    """Find the smallest case in which a value in one cell causes a problem.

    A draw is a column, or all columns at once with each in another row, and a row.

    Args:
        preparation: The preparation and its sample.
        columns: The columns to try.
        value: Returns the value to put into a column.
        problem: Describes the problem of an output or error, given the usual output,
            the row and the column; empty if there is none.

    Returns:
        The column, the row, the problem, and the output or error; None if there is no
        problem.
    """
    x = preparation.x
    in_requests = preparation.has_serve or preparation.is_rowwise
    count = min(x.rows, max(_BESIDE, len(columns))) if in_requests else x.rows
    rows = x.take(np.arange(count)) if in_requests else x
    try:
        usual = preparation.path(rows)
    except Exception:
        return None

    def with_value(picked: list[tuple[Column, int]]) -> Table | Exception:
        changed = rows
        for column, row in picked:
            values = np.array(changed.get(column))
            new = value(column)
            if new is None or isinstance(new, str):
                values = values.astype(object)
            elif isinstance(new, float) and values.dtype.kind in "iu":
                values = values.astype(np.float64)
            values[row] = new
            changed = changed.put(column, values)
        try:
            return preparation.path(changed)
        except Exception as error:
            return error

    def case(column: int, row: int) -> str:
        made = with_value([(columns[column], row)])
        return problem(made, usual, row, columns[column])

    def breaks(draw: tuple[int, ...]) -> bool:
        column, row = draw
        if column < len(columns):
            return bool(case(column, row))
        spread = [(it, index % count) for index, it in enumerate(columns)]
        made = with_value(spread)
        if isinstance(made, Exception):
            return any(case(it, row) for it in range(len(columns)))
        return any(problem(made, usual, at, it) for it, at in spread)

    draw = preparation.smallest(breaks, (len(columns), min(count, 8) - 1), examples=4)
    if draw is None:
        return None
    if draw[0] == len(columns):  # the shrinker stopped at all columns: find the first
        single = (it for it in range(len(columns)) if case(it, draw[1]))
        draw = (next(single, 0), draw[1])
        preparation.broken_by(draw)
    made = with_value([(columns[draw[0]], draw[1])])
    sentence = problem(made, usual, draw[1], columns[draw[0]])
    return (columns[draw[0]], draw[1], sentence, made) if sentence else None


def types(preparation: Preparation, asked: Any) -> Outcome:
    """Check that the same numbers in another dtype give the same output."""
    del asked
    x = preparation.x
    numeric = tuple(it for it in x.columns if it.kind == "number")
    if not numeric:
        return Skipped("the sample has no numbers")
    able = {it: _columns_that_fit(x, numeric, it) for it in _TYPES}
    tried = [it for it in _TYPES if able[it]]
    if not tried:
        return Skipped("no other type holds the numbers of the sample")

    def breaks(draw: tuple[int, ...]) -> bool:
        dtype = tried[draw[0]]
        found = _by_type(preparation, dtype, able[dtype])
        return found is not None and _is_by_type(
            *found, lambda: _outputs_within_rounding(preparation, dtype, able[dtype])
        )

    draw = preparation.smallest(breaks, (len(tried) - 1,), examples=4)
    if draw is None:
        return KEPT
    dtype = tried[draw[0]]
    found = _by_type(preparation, dtype, able[dtype])
    assert found is not None
    return _broken_by_type(x, dtype, able[dtype], *found)


def _rounded_to(x: Raw, dtype: str, columns: tuple[Column, ...]) -> Raw:
    """Return the sample rounded to float32, if the dtype is a float type."""
    if not dtype.startswith("float"):
        return x
    return x.with_types("float32", columns).with_types("float64", columns)


def _by_type(
    preparation: Preparation, dtype: str, columns: tuple[Column, ...]
) -> tuple[Table, Table] | None:
    """Return the usual output, and that of the same numbers in another dtype; None
    where either raises.
    """
    rows = _rounded_to(preparation.x, dtype, columns)
    try:
        usual = preparation.path(rows)
        return usual, preparation.path(rows.with_types(dtype, columns))
    except Exception:
        return None


def _outputs_within_rounding(
    preparation: Preparation, dtype: str, columns: tuple[Column, ...]
) -> Iterator[Table]:
    """Yield the outputs of numbers that differ by the rounding of float32."""
    for part in (ROUNDING, -ROUNDING) if dtype.startswith("float") else ():
        rows = _rounded_to(preparation.x, dtype, columns)
        for it in columns:
            values = rows.get(it)
            size = np.abs(values) + float(np.nanstd(values))
            rows = rows.put(it, values + part * size)
        try:
            yield preparation.path(rows)
        except Exception:
            return


def _is_by_type(
    usual: Table, made: Table, nudged: Callable[[], Iterator[Table]]
) -> bool:
    """Whether outputs differ by more than rounding and values at the edge of a bin can
    explain.
    """
    if usual.rows != made.rows or not usual.fits(made):
        return True
    if _is_rounded(usual, made):
        return False
    apart = usual.changes(made)
    if not _are_many(apart):
        return False
    for there in nudged():
        if there.rows == made.rows and there.fits(made):
            apart = np.minimum(apart, there.changes(made))
    return _are_many(apart)


def _are_many(apart: Array) -> bool:
    wrong = apart.max(axis=1, initial=0.0) > OTHER_TYPE
    return bool(wrong.mean() > OTHER_TYPE_ROWS)


def _broken_by_type(
    x: Raw, dtype: str, columns: tuple[Column, ...], usual: Table, made: Table
) -> Broken:
    fits = usual.rows == made.rows and usual.fits(made)
    row = int(usual.change(made).argmax()) if fits else 0
    was = sorted({str(x.get(it).dtype) for it in columns})
    changed = np.flatnonzero(usual.cells(made)[row] if fits else np.zeros(0))
    return Broken(
        fact=f"the same numbers as {dtype} come out differently than as {was[0]}",
        column=format_names((it.name for it in columns), 1),
        rows=(row,),
        lines=(
            Line(name="raw row", value=format_raw_row(x, min(row, x.rows - 1))),
            Line(
                name="came out", value=made.format_row(row, changed), note=f"as {dtype}"
            ),
            Line(
                name="should be",
                value=usual.format_row(row, changed),
                note=f"as {was[0]}",
            ),
        ),
        meaning="Files, JSON and decoders give the same numbers as other types."
        " Something here depends on the type: an overflow, truncation, or a check of"
        " the type.",
    )


def _is_rounded(usual: Table, made: Table) -> bool:
    """Whether an output holds the usual numbers, rounded, where these are large."""
    apart = np.abs(usual.numbers - made.numbers)
    large = float(np.abs(usual.numbers).max(initial=0.0)) >= ROUNDED_FROM
    return made.is_whole and large and bool((apart <= 1.0).all())


def _columns_that_fit(
    x: Raw, numeric: tuple[Column, ...], dtype: str
) -> tuple[Column, ...]:
    """Return the columns of another dtype whose numbers this dtype can represent; those
    of an array only if it can represent the whole array.
    """
    fits = {it: _holds(x.get(it), dtype) for it in numeric}
    whole = {
        index
        for index in range(len(x.parts))
        if all(fits[it] for it in numeric if it.part == index)
    }
    return tuple(
        it
        for it in numeric
        if fits[it]
        and str(x.get(it).dtype) != dtype
        and (it.part in whole or hasattr(x.parts[it.part], "iloc"))
        and not isinstance(x.parts[it.part], list)
    )


def _holds(values: Array, dtype: str) -> bool:
    finite = values[np.isfinite(values)]
    if dtype.startswith("float"):
        if len(finite) == 0:
            return True
        size, spread = float(np.abs(finite).max()), float(np.std(finite))
        limit = 2**24 if dtype == "float32" else 2**53
        if values.dtype.kind in "iu":
            return size <= limit
        return spread == 0 or size / spread < 1e4
    if len(finite) != len(values):
        return False
    info = np.iinfo(dtype)
    whole = bool(np.all(finite == np.rint(finite)))
    return whole and bool(np.all((finite >= info.min) & (finite <= info.max)))
