"""Relations on information: each raw column matters, the unit of a column does not."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.checked import KEPT, Broken, Line, Outcome, Skipped
from ...core.numbers import percent
from ...core.rows import evenly_spaced
from ..preparation import Preparation
from ..raw import Array, Column, Raw
from ..table import Table
from ..thresholds import ANOTHER_UNIT, NARROW, SAME_NEIGHBORS, TINY
from ..wording import format_raw_row, output_lines

#: The most columns that are checked, and the most where each of them costs a fit.
_MOST, _MOST_FITTED = 128, 40
#: The number of rows with another value that are tried for each column, and of pairs of
#: neighboring values.
_TRIALS, _PAIRS = 6, 16
#: The most columns that are tried in one call of the serving path.
_AT_ONCE = 32
#: Parts of the names of transformers that merge values, or leave columns out, on
#: purpose.
_BINNING = ("Binariz", "Discreti", "KBins", "Bucket", "Select", "Hash", "Variance")
_FACTORS = (10.0, 1000.0)


def kept(preparation: Preparation, asked: Any) -> Outcome:
    """Check that each raw column can change the output."""
    del asked
    x = preparation.x
    steps = preparation.subject.steps
    if any(it in step for step in steps for it in _BINNING):
        return Skipped("it puts several values into one, or leaves columns out")
    columns = [
        it
        for it in x.columns
        if it.name not in preparation.unused and _varies(x.get(it))
    ]
    if not columns:
        return Skipped("no raw column varies")
    try:
        whole = preparation.base_path
    except Exception:
        return Skipped("the sample cannot be served", applies=True)
    if whole.width < NARROW * len(x.columns):
        return Skipped(
            f"the output has {whole.width} columns of {len(x.columns)}: narrower on"
            " purpose"
        )
    fitted = not preparation.is_rowwise
    columns = _spread(columns, _MOST_FITTED if fitted else _MOST)
    lost = [it for it in _silent(preparation, columns) if _is_lost(preparation, it)]
    if lost:
        dropped = preparation.left_out()
        lost = [it for it in lost if it.name not in dropped]
        columns = [it for it in columns if it.name not in dropped]
    if lost:
        return _describe_lost(preparation, lost)
    return _collapsed(preparation, columns) or KEPT


def _varies(values: Array) -> bool:
    """Whether enough rows have another value than the most frequent one: a few rows
    may be held out, or lie where a transformer is flat.
    """
    plain = values[values == values]
    if values.dtype.kind == "O":
        plain = np.array([str(it) for it in plain])
    _, counts = np.unique(plain, return_counts=True)
    return bool(len(counts) > 1 and counts.sum() - counts.max() >= _few(len(values)))


def _few(rows: int) -> float:
    return max(1, min(8, 0.1 * rows))


def _spread(columns: list[Column], most: int) -> list[Column]:
    return [columns[it] for it in evenly_spaced(len(columns), most)]


def _silent(preparation: Preparation, columns: list[Column]) -> list[Column]:
    """Return the columns that change no output in a few rows, many columns per call;
    all columns where rows depend on each other.
    """
    if not preparation.is_rowwise:
        return columns
    found: list[Column] = []
    for first in range(0, len(columns), _AT_ONCE):
        found += _columns_without_effect(preparation, columns[first : first + _AT_ONCE])
    return found


def _columns_without_effect(
    preparation: Preparation, columns: list[Column]
) -> list[Column]:
    x = preparation.x
    trials = [_others(x.get(it)) for it in columns]
    rows = np.concatenate([rows for rows, _ in trials])
    changed, first = x.take(rows), 0
    usual, places = changed, []
    for column, (own, values) in zip(columns, trials, strict=True):
        new = np.array(changed.get(column))
        new[first : first + len(own)] = values
        changed = changed.put(column, new)
        places.append(slice(first, first + len(own)))
        first += len(own)
    try:
        before, after = preparation.path(usual), preparation.path(changed)
    except Exception:
        return columns
    if not before.fits(after) or before.rows != after.rows:
        return columns
    apart = _is_other(before, after)
    return [it for it, at in zip(columns, places, strict=True) if not apart[at].any()]


def _is_other(before: Table, after: Table) -> Array:
    """Return which rows differ in any value, without tolerance."""
    same = (before.numbers == after.numbers) | (
        np.isnan(before.numbers) & np.isnan(after.numbers)
    )
    others = np.asarray(before.others == after.others, dtype=bool)
    alike = same.all(axis=1) & others.reshape(before.others.shape).all(axis=1)
    return np.asarray(~alike)


def _others(values: Array) -> tuple[Array, Array]:
    """Return a few rows, and for each another value of the column, far from its own."""
    rows = evenly_spaced(len(values), _TRIALS)
    if values.dtype.kind in "fiu":
        order = np.argsort(values, kind="stable")
        ends = values[order[[0, len(order) // 2, -1]]]
        distance = np.abs(ends[None, :] - values[rows][:, None].astype(np.float64))
        far = np.nan_to_num(distance, nan=-1.0).argmax(axis=1)
        return rows, ends[far]
    other = [next((v for v in values if v != values[it]), values[it]) for it in rows]
    made = np.empty(len(rows), dtype=object)
    made[:] = other
    return rows, made


def _turned(x: Raw, column: Column) -> Raw:
    """Return the sample with the values of one column moved to other rows."""
    values = x.get(column)
    turned = np.roll(values, len(values) // 2 + 1)
    if not any(a != b for a, b in zip(turned, values, strict=True)):
        turned = np.roll(values, 1)
    return x.put(column, turned)


def _is_lost(preparation: Preparation, column: Column) -> bool:
    """Whether other values of a column in all rows change no output."""
    whole = preparation.base_path
    try:
        made = preparation.path(_turned(preparation.x, column))
    except Exception:
        return False
    if not made.fits(whole) or made.rows != whole.rows:
        return False
    return not bool(_is_other(whole, made).any())


def _describe_lost(preparation: Preparation, lost: list[Column]) -> Broken:
    x, column = preparation.x, lost[0]
    values = x.get(column)
    other = int(next(i for i, it in enumerate(values) if it != values[0] and it == it))
    more = f", nor do {len(lost) - 1} others" if len(lost) > 1 else ""
    return Broken(
        fact=f"{column.name} does not change the output{more}",
        column=column.name,
        rows=(0, other),
        lines=(
            Line(
                name="raw value",
                value=f"{format_raw_row(x, 0, column)} and"
                f" {format_raw_row(x, other, column)}",
                note=f"rows 0 and {other}",
            ),
            Line(name="came out", value="the same for both values"),
            Line(name="should be", value="different"),
        ),
        meaning="A cast, a clip, a division or a lookup that knows none of its values"
        " drops the information in this column, or the column is left out.",
        remedy=f"If it should be ignored, write contracts(unused=({column.name!r},))."
        if column.is_named
        else "",
    )


def _collapsed(preparation: Preparation, columns: list[Column]) -> Broken | None:
    """Check that neighboring values of a column have different outputs; None if so."""
    x, whole = preparation.x, preparation.base_path
    for column in columns[:_AT_ONCE]:
        if column.kind != "number":
            continue
        values = np.asarray(x.get(column), dtype=np.float64)
        pairs = _neighbors(values)
        if len(pairs) < 8:
            continue
        if preparation.is_rowwise:
            same, affected = _same_served(preparation, column, pairs, values)
        else:
            same, affected = _same_fitted(preparation, column, values), None
        if same is None or same.mean() < SAME_NEIGHBORS:
            continue
        if affected is not None and _is_binned(whole, affected):
            continue
        at = int(np.flatnonzero(same)[0])
        row, other = (int(it) for it in pairs[min(at, len(pairs) - 1)])
        exact = [f"{values[it]:.10g}" for it in (row, other)]
        return Broken(
            fact=f"neighboring values of {column.name} come out the same"
            f" ({percent(float(same.mean()))} of them)",
            column=column.name,
            rows=(row, other),
            lines=(
                Line(
                    name="raw value",
                    value=f"{exact[0]} and {exact[1]}",
                    note=f"rows {row} and {other}",
                ),
                Line(name="came out", value="the same"),
                Line(name="should be", value="different"),
            ),
            meaning="A type on the way is too coarse for such numbers: float16 has"
            " steps of 16 at 20,000, float32 of 2 beyond 16,777,216.",
            remedy="Subtract the mean, or scale, before the cast; keep ids as integers"
            " or words.",
        )
    return None


def _neighbors(values: Array) -> Array:
    """Return pairs of rows with neighboring values that differ noticeably: shape
    ``(pairs, 2)``.
    """
    _, first = np.unique(values, return_index=True)
    first = first[np.isfinite(values[first])]
    if len(first) < 20:
        return np.empty((0, 2), dtype=int)
    gaps = np.diff(values[first])
    usable = np.flatnonzero(gaps >= 0.005 * float(np.nanstd(values)))
    places = (
        usable[np.linspace(0, len(usable) - 1, _PAIRS).astype(int)]
        if len(usable)
        else usable
    )
    return np.stack([first[places], first[places + 1]], axis=1)


def _same_served(
    preparation: Preparation, column: Column, pairs: Array, values: Array
) -> tuple[Array | None, Array | None]:
    """Return which pairs have the same output, and which output columns depend on the
    raw column; both None where serving fails.
    """
    x = preparation.x
    usual = x.take(pairs[:, 0])
    own = np.array(usual.get(column))
    raw = x.get(column)
    near, far = np.array(own), np.array(own)
    near[:] = raw[pairs[:, 1]]
    order = np.argsort(values, kind="stable")
    far[:] = raw[order[-1 if values[order[0]] in values[pairs[:1, 0]] else 0]]
    try:
        before = preparation.path(usual)
        after = preparation.path(usual.put(column, near))
        beyond = preparation.path(usual.put(column, far))
    except Exception:
        return None, None
    if not (before.fits(after) and before.rows == after.rows == beyond.rows):
        return None, None
    moved = (before.numbers != beyond.numbers).any(axis=0)
    return ~_is_other(before, after), moved


def _is_binned(whole: Table, affected: Array) -> bool:
    """Whether the affected output columns hold small whole numbers only."""
    cells = whole.numbers[:, affected] if affected.any() else whole.numbers
    whole_numbers = np.all(cells == np.rint(cells)) and np.all(cells >= 0)
    return bool(cells.size and whole_numbers and len(np.unique(cells)) < 256)


def _same_fitted(
    preparation: Preparation, column: Column, values: Array
) -> Array | None:
    """Return which changed rows have the same output, for a preparation that is fitted
    to the rows; None where this cannot be found.

    Every other row gets the next lower value. The rows between them show by how much
    the new fit alone moves a row; a changed row that moves no further is the same.
    """
    train, _ = preparation.origins
    known = np.unique(values[np.isfinite(values)])
    base = preparation.base.x
    if train is None or len(known) < 20 or len(train) != base.rows:
        return None
    if _is_binned(base, np.ones(base.numbers.shape[1], dtype=bool)):
        return None
    place = np.clip(np.searchsorted(known, values), 1, len(known) - 1)
    gap, spread = values - known[place - 1], float(np.nanstd(values))
    chosen = (np.arange(len(values)) % 2 == 0) & (gap >= 0.005 * spread)
    low = np.where(chosen, known[place - 1], values)
    raw = preparation.x.get(column)
    new = low.astype(raw.dtype) if raw.dtype.kind in "iu" else low
    try:
        made = preparation.prepare(preparation.x.put(column, new)).x
    except Exception:
        return None
    if made.rows != base.rows or not made.fits(base):
        return None
    moved, still = (train >= 0) & chosen[train], (train >= 0) & ~chosen[train]
    if moved.sum() < 8 or still.sum() < 8:
        return None
    shift = (made.numbers - base.numbers) / np.maximum(base.spread, TINY)
    by_fit = np.median(shift[still], axis=0)
    own = np.abs(shift[moved] - by_fit).max(axis=1, initial=0.0)
    return np.asarray(own < 0.1 * gap[train[moved]] / spread)


def units(preparation: Preparation, asked: Any) -> Outcome:
    """Check that a raw column in another unit, with everything fitted again, gives the
    same training data.
    """
    del asked
    x, base = preparation.x, preparation.base
    numeric = [it for it in x.columns if it.kind == "number" and _varies(x.get(it))]
    numeric = _spread(numeric, _MOST_FITTED)
    if not numeric:
        return Skipped("no column of numbers varies")

    def changed(draw: tuple[int, ...]) -> Raw:
        column = numeric[draw[0]]
        values = np.asarray(x.get(column), dtype=np.float64) * _FACTORS[draw[1]]
        return x.put(column, values)

    def made_of(draw: tuple[int, ...]) -> Table | None:
        try:
            return preparation.prepare(changed(draw)).x
        except Exception:
            return None

    def breaks(draw: tuple[int, ...]) -> bool:
        made = made_of(draw)
        if made is None or made.rows != base.x.rows:
            return False
        if not made.fits(base.x):
            return True
        return bool((base.x.change(made) > ANOTHER_UNIT).any())

    # One column says nothing about the others.
    first = next((it for it in range(len(numeric)) if breaks((it, 0))), None)
    if first is None:
        return KEPT
    draw = (first, 0)
    preparation.broken_by(draw)
    column, made = numeric[draw[0]], made_of(draw)
    assert made is not None
    row = 0
    lines: tuple[Line, ...] = ()
    if made.fits(base.x):
        row = int(base.x.change(made).argmax())
        lines = output_lines(
            made, row, base.x, row, (f"x {_FACTORS[0]:g}", "as before")
        )
    return Broken(
        fact=f"{column.name} in another unit changes the training data",
        column=column.name,
        rows=(row,),
        lines=(
            Line(
                name="raw value",
                value=f"{format_raw_row(x, row, column)} ->"
                f" {format_raw_row(changed(draw), row, column)}",
            ),
            *lines,
        ),
        meaning="Everything was fitted again, so a change of unit (m to mm) should not"
        " matter: this column is not scaled, or compared with a fixed number.",
    )
