"""The output of a preparation as one table of rows, and comparisons of tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.numbers import number
from .raw import Array
from .thresholds import FLOAT_NOISE, OF_LARGEST_SPREAD, OF_SPREAD, TINY

#: The most cells of a sparse output that are converted to a dense array.
_MOST_CELLS = 50_000_000


class NotComparable(Exception):
    """An output has no rows that could be compared; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """The rows of an output.

    Attributes:
        numbers: The numbers, float64 of shape ``(rows, numeric columns)``.
        others: All other values, objects of shape ``(rows, other columns)``.
        names: The names of the columns, numeric ones first.
        is_whole: Whether there are numbers and all came as integers or booleans.
    """

    numbers: Array
    others: Array
    names: tuple[str, ...]
    is_whole: bool

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.numbers)

    @property
    def width(self) -> int:
        """The number of columns of both kinds."""
        return int(self.numbers.shape[1] + self.others.shape[1])

    def take(self, rows: Any) -> Table:
        """Return some rows."""
        return Table(
            numbers=self.numbers[rows],
            others=self.others[rows],
            names=self.names,
            is_whole=self.is_whole,
        )

    def fits(self, other: Table) -> bool:
        """Whether ``other`` has as many columns of each kind."""
        return bool(
            self.numbers.shape[1] == other.numbers.shape[1]
            and self.others.shape[1] == other.others.shape[1]
        )

    def is_same(self, other: Table) -> bool:
        """Whether ``other`` has as many rows and columns, and the same values within
        tolerance.
        """
        return (
            self.rows == other.rows
            and self.fits(other)
            and not bool(self.differing(other).any())
        )

    @property
    def spread(self) -> Array:
        """The standard deviation of each numeric column over its finite values."""
        finite = np.where(np.isfinite(self.numbers), self.numbers, np.nan)
        known = np.isfinite(self.numbers)
        count = np.maximum(known.sum(axis=0), 1)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.where(known, self.numbers, 0.0).sum(axis=0) / count
            square = np.where(known, (finite - mean) ** 2, 0.0).sum(axis=0)
        return np.asarray(np.nan_to_num(np.sqrt(square / count), posinf=0.0))

    def tolerance(self, spread: Array | None = None) -> Array:
        """Return by how much each number may differ and still count as the same."""
        spread = self.spread if spread is None else spread
        size = np.abs(np.where(np.isfinite(self.numbers), self.numbers, 0.0))
        largest = float(spread.max(initial=0.0))
        per_column = OF_SPREAD * spread + OF_LARGEST_SPREAD * largest + TINY
        return np.asarray(per_column + FLOAT_NOISE * size)

    def cells(self, other: Table, spread: Array | None = None) -> Array:
        """Return which cells differ, numeric columns first: shape ``(rows, columns)``.

        Args:
            other: A table with as many rows and columns.
            spread: The standard deviation of each column, for the tolerance; None for
                that of this table.
        """
        with np.errstate(invalid="ignore"):
            apart = np.abs(self.numbers - other.numbers) > self.tolerance(spread)
        same = self.numbers == other.numbers  # infinities
        same |= np.isnan(self.numbers) & np.isnan(other.numbers)
        odd = np.isfinite(self.numbers) != np.isfinite(other.numbers)
        apart = (apart | odd | ~np.isfinite(self.numbers)) & ~same
        others = np.asarray(self.others != other.others, dtype=bool)
        return np.concatenate([apart, others.reshape(self.others.shape)], axis=1)

    def differing(self, other: Table, spread: Array | None = None) -> Array:
        """Return which rows differ, as flags."""
        return np.asarray(self.cells(other, spread).any(axis=1))

    def change(self, other: Table) -> Array:
        """Return by how much each row differs: its largest change, see `changes`."""
        return np.asarray(self.changes(other).max(axis=1, initial=0.0))

    def changes(self, other: Table) -> Array:
        """Return by how much each cell differs, in standard deviations of its column;
        a changed value that is no number counts as 1.
        """
        spread = self.spread
        scale = np.where(spread > 0, spread, max(float(spread.max(initial=0.0)), TINY))
        with np.errstate(invalid="ignore"):
            apart = np.abs(self.numbers - other.numbers) / scale
        apart = np.where(self.cells(other)[:, : apart.shape[1]], apart, 0.0)
        apart = np.nan_to_num(apart, nan=1.0, posinf=1e6)
        others = np.asarray(self.others != other.others, dtype=float)
        return np.concatenate([apart, others.reshape(self.others.shape)], axis=1)

    def format_row(self, row: int, columns: Any = None, most: int = 4) -> str:
        """Return a row as short text, or some columns of it."""
        cells = [*self.numbers[row], *self.others[row]]
        chosen = list(range(len(cells)) if columns is None else columns)
        cells_shown = [_format_cell(cells[it]) for it in chosen[:most]]
        more = len(chosen) - len(cells_shown)
        return ", ".join(cells_shown) + (f", ... ({more} more)" if more else "")


def _format_cell(cell: Any) -> str:
    if isinstance(cell, (float, int, np.number)):
        return number(float(cell))
    if isinstance(cell, np.datetime64):
        return str(cell.astype("datetime64[s]")).replace("T", " ")
    if isinstance(cell, np.generic):
        cell = cell.item()
    text = repr(cell.decode() if isinstance(cell, bytes) else cell)
    return text if len(text) <= 24 else f"{text[:20]}...{text[-1]}"


def rows_in(output: Any) -> int | None:
    """Return the number of rows of an output, None where it has none."""
    try:
        return table_of(output).rows
    except NotComparable:
        return None


def table_of(output: Any) -> Table:
    """Convert an output to a table.

    Raises:
        NotComparable: The output has no rows, or parts with different numbers of rows,
            or is too large.
    """
    blocks = list(_blocks(output, ""))
    if not blocks:
        raise NotComparable("what came out holds no array")
    rows = {len(it) for _, it in blocks}
    if len(rows) != 1:
        counts = " and ".join(str(it) for it in sorted(rows))
        raise NotComparable(f"what came out has parts of {counts} rows")
    numbers: list[Array] = []
    others: list[Array] = []
    known: tuple[list[str], list[str]] = ([], [])
    for lead, block in blocks:
        plain = block.dtype.kind in "fiub"
        (numbers if plain else others).append(block)
        names = [f"{lead} column {it}".lstrip() for it in range(block.shape[1])]
        own = [lead] if len(names) == 1 and lead else names
        known[0 if plain else 1].extend(own)
    count = rows.pop()
    return Table(
        numbers=_side_by_side([it.astype(np.float64) for it in numbers], count, float),
        others=_side_by_side([it.astype(object) for it in others], count, object),
        names=tuple(known[0] + known[1]),
        is_whole=bool(numbers) and all(it.dtype.kind in "iub" for it in numbers),
    )


def _side_by_side(blocks: list[Array], rows: int, dtype: Any) -> Array:
    if not blocks:
        return np.empty((rows, 0), dtype=dtype)
    return np.concatenate(blocks, axis=1)


def _blocks(output: Any, name: str) -> Iterator[tuple[str, Array]]:
    if output is None:
        return
    if isinstance(output, Mapping):
        for key, value in output.items():
            yield from _blocks(value, str(key))
    elif isinstance(output, tuple):
        for value in output:
            yield from _blocks(value, name)
    elif isinstance(output, list) and output and all(map(_is_array, output)):
        if len({len(it) for it in output}) == 1 and len(output) <= 8:
            for value in output:
                yield from _blocks(value, name)
        else:
            yield name, _of_rows(output)
    elif hasattr(output, "iloc"):
        yield from _pandas(output)
    elif hasattr(output, "toarray"):
        if np.prod(output.shape) > _MOST_CELLS:
            raise NotComparable("what came out is too large to be compared")
        yield name, np.asarray(output.toarray())
    elif hasattr(output, "nested_row_splits"):  # tf.RaggedTensor
        yield name, _of_rows(output.to_list())
    elif hasattr(output, "dense_shape") and hasattr(output, "indices"):
        dense = np.zeros(tuple(int(it) for it in output.dense_shape), dtype=object)
        dense[tuple(np.asarray(output.indices).T)] = np.asarray(output.values)
        yield name, _flat(np.asarray(dense.tolist()))
    elif isinstance(output, list):
        yield name, _of_rows(output)
    else:
        array = np.asarray(output)
        if array.ndim == 0:
            raise NotComparable(f"what came out is one {type(output).__name__}")
        yield name, _flat(array)


def _is_array(part: Any) -> bool:
    return hasattr(part, "shape") and np.ndim(part) >= 1


def _flat(array: Array) -> Array:
    if array.dtype.kind in "mM":
        array = array.astype("int64")
    if array.dtype.kind == "O":
        array = _numbers_if(array)
    return array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0)


def _numbers_if(array: Array) -> Array:
    """Convert objects to float64 if all are numbers, else missing values to None."""
    cells = array.ravel()
    if all(isinstance(it, (int, float, np.number)) for it in cells):
        return array.astype(np.float64)
    made = np.empty(len(cells), dtype=object)
    made[:] = [None if _is_missing(it) else it for it in cells]
    return made.reshape(array.shape)


def _of_rows(rows: list[Any]) -> Array:
    """Convert a list of rows to an array; rows of different lengths become tuples in
    one column.
    """
    try:
        array = np.asarray(rows)
        if array.dtype.kind in "fiub":
            return _flat(array)
    except ValueError:
        pass
    made = np.empty((len(rows), 1), dtype=object)
    for index, row in enumerate(rows):
        made[index, 0] = tuple(np.ravel(row)) if _is_array(row) else _hashable(row)
    return made


def _hashable(row: Any) -> Any:
    return tuple(map(_hashable, row)) if isinstance(row, (list, tuple)) else row


def _pandas(output: Any) -> Iterator[tuple[str, Array]]:
    series = [output] if output.ndim == 1 else None
    columns = series or [output.iloc[:, it] for it in range(output.shape[1])]
    for it in columns:
        name = "" if it.name is None else str(it.name)
        if hasattr(it, "sparse") and getattr(it.dtype, "fill_value", None) is not None:
            yield name, np.asarray(it.to_numpy())[:, None]
            continue
        kind = getattr(it.dtype, "kind", "O")
        if kind in "fiub" and not hasattr(it.dtype, "numpy_dtype"):
            yield name, np.asarray(it.to_numpy())[:, None]
        elif kind in "fiub":
            yield name, np.asarray(it.to_numpy(dtype=float, na_value=np.nan))[:, None]
        else:
            values = np.empty(len(it), dtype=object)
            values[:] = list(it)
            yield name, _flat(values)


def _is_missing(one: Any) -> bool:
    """Whether a value is missing: None, NaN, pandas.NA or pandas.NaT."""
    is_nan = isinstance(one, float) and one != one
    return one is None or is_nan or type(one).__name__ in ("NAType", "NaTType")
