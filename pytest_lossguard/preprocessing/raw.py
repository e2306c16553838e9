"""A raw sample as columns that can be read and changed, and nested again.

A sample is an array of any rank, a pandas object, a list, or a nested structure of
these. They are recognized by their attributes: pandas and TensorFlow are not imported
here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..core.errors import UsageError
from ..corruptions.leaves import leaf_of
from ..corruptions.sample import sequence_like

Array = NDArray[Any]
ColumnKind = Literal["number", "text", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One raw column.

    Attributes:
        part: The index of the array, frame or list that the column belongs to.
        place: The index of the column in its part; the axes of an array after the first
            are flattened.
        name: The name as the user knows it: that in a frame, else ``"column 3"``.
        is_named: Whether the name was given by the user.
        kind: ``"number"``, ``"text"``, or ``"other"`` (flags, times, objects).
    """

    part: int
    place: int
    name: str
    is_named: bool
    kind: ColumnKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raw:
    """Some raw rows.

    Attributes:
        parts: The arrays, frames and lists, in the order in which they are nested.
        nest: Nests other parts like the data of the caller.
        keys: The key or number that leads to each part; empty for one part alone.
    """

    parts: tuple[Any, ...]
    nest: Callable[[list[Any]], Any]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, data: Any, name: str) -> Raw:
        """Flatten data into parts.

        Args:
            data: The data of the caller, which is never changed.
            name: The name of the data in error messages.

        Raises:
            UsageError: The data have no rows, or parts with different numbers of rows.
        """
        parts, nest, keys = _apart(data, name, "")
        counts = sorted({len(it) for it in parts})
        if len(counts) != 1 or counts[0] == 0:
            text = " and ".join(map(str, counts)) or "no"
            raise UsageError(
                f"contract() needs {name} with one number of rows, at least one; got"
                f" {text} rows"
            )
        return cls(parts=tuple(parts), nest=nest, keys=tuple(keys))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.parts[0])

    @property
    def value(self) -> Any:
        """A copy of the caller's data, in the caller's own types."""
        return self.nest([_copied(it) for it in self.parts])

    def take(self, rows: Any) -> Raw:
        """Return some rows in the given order.

        A ``RangeIndex`` is reset, so that it does not reveal the original rows.
        """
        return self._with([_rows_of(it, np.asarray(rows)) for it in self.parts])

    def _with(self, parts: list[Any]) -> Raw:
        return Raw(parts=tuple(parts), nest=self.nest, keys=self.keys)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns of all parts."""
        found: list[Column] = []
        for index, (part, key) in enumerate(zip(self.parts, self.keys, strict=True)):
            found += _columns_of(part, index, key)
        return tuple(found)

    def get(self, column: Column) -> Array:
        """Return the values of a column, one per row."""
        part = self.parts[column.part]
        if hasattr(part, "iloc"):
            series = part.iloc[:, column.place] if part.ndim == 2 else part
            return _values_of(series)
        if isinstance(part, list):
            return _objects(part)
        return np.asarray(part.reshape(len(part), -1)[:, column.place])

    def put(self, column: Column, values: Any) -> Raw:
        """Return the same rows with other values in one column."""
        part, made = self.parts[column.part], list(self.parts)
        if hasattr(part, "iloc"):
            made[column.part] = _frame_with(part, column, values)
        elif isinstance(part, list):
            made[column.part] = list(values)
        else:
            made[column.part] = _array_with(part, column.place, np.asarray(values))
        return self._with(made)

    def with_types(self, dtype: str, columns: tuple[Column, ...]) -> Raw:
        """Return the same numbers with another dtype in some columns; an array with one
        of these columns is converted as a whole.
        """
        made = list(self.parts)
        for column in columns:
            part = made[column.part]
            if hasattr(part, "iloc"):
                values = self.get(column).astype(dtype)
                made[column.part] = _frame_with(part, column, values)
            elif str(part.dtype) != dtype:
                made[column.part] = part.astype(dtype)
        return self._with(made)

    def with_columns_turned(self, turn: int) -> Raw:
        """Return the sample with the columns of each frame rotated by ``turn``."""
        made = []
        for part in self.parts:
            if _is_frame(part):
                order = np.roll(np.arange(part.shape[1]), turn)
                made.append(part.iloc[:, order])
            else:
                made.append(part)
        return self._with(made)

    @property
    def frames(self) -> tuple[Any, ...]:
        """The parts that are data frames, whose columns have names."""
        return tuple(it for it in self.parts if _is_frame(it))


def _is_frame(part: Any) -> bool:
    return hasattr(part, "iloc") and part.ndim == 2


def _apart(
    data: Any, name: str, key: str
) -> tuple[list[Any], Callable[[list[Any]], Any], list[str]]:
    """Return the parts of nested data, a function that nests other parts likewise, and
    the key of each part.
    """
    if isinstance(data, Mapping):
        inner = {it: _apart(value, name, str(it)) for it, value in data.items()}
        return _together(list(inner.values()), lambda made: _mapping(data, inner, made))
    if isinstance(data, tuple) and not hasattr(data, "iloc"):
        listed = [_apart(it, name, f"{key}{i}") for i, it in enumerate(data)]
        return _together(listed, lambda made: sequence_like(data, made))
    if isinstance(data, list):
        if _is_structure(data):
            listed = [_apart(it, name, f"{key}{i}") for i, it in enumerate(data)]
            return _together(listed, list)
        return [data], lambda made: made[0], [key]
    if hasattr(data, "toarray"):  # a sparse matrix
        dense = np.asarray(data.toarray())
        return [dense], lambda made: type(data)(made[0]), [key]
    if hasattr(data, "nested_row_splits"):
        raise UsageError(
            f"contract() cannot split {name}, a ragged tensor, into rows: give a list"
            " of rows"
        )
    return [leaf_of(data, name).value], lambda made: made[0], [key]


def _is_structure(data: list[Any]) -> bool:
    """Whether a list holds several inputs, rather than one item per row."""
    arrays = [it for it in data if hasattr(it, "shape") and np.ndim(it) >= 1]
    return 0 < len(arrays) == len(data) <= 8 and len({len(it) for it in arrays}) == 1


def _mapping(data: Any, inner: Mapping[Any, Any], values: list[Any]) -> Any:
    changed = dict(zip(inner, values, strict=True))
    if not isinstance(data, dict):
        return type(data)(changed)
    made = copy(data)
    made.update(changed)
    return made


def _together(
    inner: list[tuple[list[Any], Callable[[list[Any]], Any], list[str]]],
    nest: Callable[[list[Any]], Any],
) -> tuple[list[Any], Callable[[list[Any]], Any], list[str]]:
    def again(made: list[Any]) -> Any:
        values, first = [], 0
        for parts, nest_part, _ in inner:
            values.append(nest_part(made[first : first + len(parts)]))
            first += len(parts)
        return nest(values)

    parts = [it for found, _, _ in inner for it in found]
    return parts, again, [it for _, _, keys in inner for it in keys]


def _copied(part: Any) -> Any:
    return deepcopy(part) if isinstance(part, list) else part.copy()


def _rows_of(part: Any, rows: Array) -> Any:
    if isinstance(part, list):
        return [part[it] for it in rows]
    if not hasattr(part, "iloc"):
        return part[rows]
    taken = part.iloc[rows]
    counts = type(part.index).__name__ == "RangeIndex"
    return taken.reset_index(drop=True) if counts else taken


def _columns_of(part: Any, index: int, key: str) -> list[Column]:
    lead = f"{key}, " if key else ""
    if _is_frame(part):
        return [
            Column(
                part=index,
                place=place,
                name=str(name) if not key else f"{lead}{name}",
                is_named=True,
                kind=_kind_of_series(part.iloc[:, place]),
            )
            for place, name in enumerate(part.columns)
        ]
    if hasattr(part, "iloc") or isinstance(part, list):
        name = getattr(part, "name", None)
        values = _values_of(part) if hasattr(part, "iloc") else _objects(part)
        return [
            Column(
                part=index,
                place=0,
                name=str(name) if name is not None else key or "the input",
                is_named=name is not None or bool(key),
                kind=_kind(values),
            )
        ]
    kind = _kind(part.reshape(-1))
    if part.ndim == 1:
        name = key or "the input"
        return [Column(part=index, place=0, name=name, is_named=bool(key), kind=kind)]
    inner = part.shape[1:]
    return [
        Column(
            part=index,
            place=place,
            name=f"{lead}column {_format_place(place, inner)}",
            is_named=False,
            kind=kind
            if part.dtype.kind != "O"
            else _kind(part.reshape(len(part), -1)[:, place]),
        )
        for place in range(int(np.prod(inner)))
    ]


def _format_place(place: int, inner: tuple[int, ...]) -> str:
    if len(inner) == 1:
        return str(place)
    return ",".join(str(int(it)) for it in np.unravel_index(place, inner))


def _kind_of_series(series: Any) -> ColumnKind:
    kind = _kind(_values_of(series))
    is_code = kind == "number" and str(series.dtype) == "category"
    return "other" if is_code else kind


def _kind(values: Array) -> ColumnKind:
    if values.dtype.kind in "fiu":
        return "number"
    if values.dtype.kind in "US":
        return "text"
    if values.dtype.kind == "O" and any(isinstance(it, (str, bytes)) for it in values):
        return "text"
    return "other"


def _objects(values: Any) -> Array:
    made = np.empty(len(values), dtype=object)
    made[:] = list(values)
    try:
        plain = np.asarray(values)
    except ValueError:
        return made
    return plain if plain.ndim == 1 and plain.dtype.kind in "fiub" else made


def _values_of(series: Any) -> Array:
    """Return a Series as a NumPy array; numbers keep a numeric dtype, with NaN for
    missing values.
    """
    dtype = getattr(series.dtype, "numpy_dtype", None)
    if dtype is not None and getattr(dtype, "kind", "O") in "fiu":
        if dtype.kind != "f" and series.isna().any():
            dtype = np.dtype(np.float64)
        return np.asarray(series.to_numpy(dtype=dtype, na_value=np.nan))
    if getattr(series.dtype, "kind", "O") in "fiubmM":
        return np.asarray(series.to_numpy())
    return _objects(list(series))


def _frame_with(part: Any, column: Column, values: Any) -> Any:
    """Return a copy of a frame or series with other values, in the old dtype if they
    fit.
    """
    old = part.iloc[:, column.place] if part.ndim == 2 else part
    kind = getattr(old.dtype, "kind", "O")
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        made = type(old)(values, index=old.index, name=old.name)
    else:
        made = type(old)(list(values), index=old.index, name=old.name, dtype=object)
        made = _as_before(made, old.dtype) if kind == "O" else made.infer_objects()
    if part.ndim == 1:
        return made
    frame = part.copy()
    frame.isetitem(column.place, made)
    return frame


def _as_before(series: Any, dtype: Any) -> Any:
    """Convert a series to its old dtype if possible; a categorical stays one, with new
    categories.
    """
    try:
        return series.astype("category" if str(dtype) == "category" else dtype)
    except (TypeError, ValueError):
        return series


def _array_with(part: Array, place: int, values: Array) -> Array:
    flat = part.reshape(len(part), -1)
    if part.dtype.kind == "U" and values.dtype.kind in "OU":
        values = values.astype(str)
        width = max(part.dtype.itemsize // 4, values.dtype.itemsize // 4)
        flat = flat.astype(f"<U{width}")
    elif part.dtype.kind in "iu" and values.dtype.kind == "f":
        whole = bool(np.all(np.isfinite(values)) and np.all(values == np.rint(values)))
        flat = flat.copy() if whole else flat.astype(np.float64)
    else:
        flat = flat.copy()
    flat[:, place] = values
    return flat.reshape(part.shape)
