"""The arrays and pandas objects of a sample, each as a block of numeric features.

Objects are recognized by their attributes: pandas is not imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..core.errors import UsageError

__all__ = ["Array", "Change", "Leaf", "leaf_of"]

Array = NDArray[Any]
#: A function from columns of shape ``(rows, ..., chosen)`` to their replacement.
Change = Callable[[Array], Array]


class Leaf(Protocol):
    """One array, or one pandas object, of a sample."""

    @property
    def rows(self) -> int:
        """The number of rows."""

    @property
    def dtype(self) -> str:
        """The dtype or dtypes as text, for messages."""

    @property
    def names(self) -> tuple[str | None, ...]:
        """The name of each numeric feature, None for a feature without a name."""

    @property
    def block(self) -> Array:
        """The numeric features, of shape ``(rows, ..., features)``."""

    def changed(self, change: Change, places: Sequence[int]) -> Leaf:
        """Return a copy with ``change`` applied to the features numbered ``places``."""

    def take(self, rows: Array, *, in_place: bool = False) -> Leaf:
        """Return some rows with all columns; with ``in_place`` under the old index."""

    @property
    def value(self) -> Any:
        """The array or pandas object of the caller, or a changed copy."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayLeaf:
    """A NumPy array with its features on the last axis; a vector is one feature."""

    value: Array

    @property
    def rows(self) -> int:
        return len(self.value)

    @property
    def dtype(self) -> str:
        return str(self.value.dtype)

    @property
    def names(self) -> tuple[str | None, ...]:
        if self.value.dtype.kind not in "fiu":
            return ()
        return (None,) * (self.value.shape[-1] if self.value.ndim > 1 else 1)

    @property
    def block(self) -> Array:
        return self.value if self.value.ndim > 1 else self.value[:, None]

    def changed(self, change: Change, places: Sequence[int]) -> ArrayLeaf:
        if not places:
            return self
        columns = change(self.block[..., places])
        block = self.block.astype(columns.dtype)
        block[..., places] = columns
        return ArrayLeaf(block.reshape(self.value.shape))

    def take(self, rows: Array, *, in_place: bool = False) -> ArrayLeaf:  # noqa: ARG002
        return ArrayLeaf(self.value[rows])


@dataclass(frozen=True, slots=True, eq=False)
class FrameLeaf:
    """A pandas DataFrame; only its numeric columns are features."""

    value: Any

    @property
    def rows(self) -> int:
        return len(self.value)

    @property
    def dtype(self) -> str:
        return ", ".join(dict.fromkeys(map(str, self.value.dtypes)))

    @property
    def _numeric(self) -> list[int]:
        kinds = (getattr(it, "kind", "O") for it in self.value.dtypes)
        return [index for index, kind in enumerate(kinds) if kind in "fiu"]

    @property
    def names(self) -> tuple[str | None, ...]:
        return tuple(str(self.value.columns[it]) for it in self._numeric)

    @property
    def block(self) -> Array:
        columns = [_numbers(self.value.iloc[:, it]) for it in self._numeric]
        return np.stack(columns, axis=1)

    def changed(self, change: Change, places: Sequence[int]) -> FrameLeaf:
        frame = self.value.copy()
        for index in (self._numeric[it] for it in places):
            column = _numbers(self.value.iloc[:, index])
            frame.isetitem(index, change(column[:, None])[:, 0])
        return FrameLeaf(frame)

    def take(self, rows: Array, *, in_place: bool = False) -> FrameLeaf:
        return FrameLeaf(_pandas_rows(self.value, rows, in_place))


@dataclass(frozen=True, slots=True, eq=False)
class SeriesLeaf:
    """A pandas Series: one feature if it is numeric, else none."""

    value: Any

    @property
    def rows(self) -> int:
        return len(self.value)

    @property
    def dtype(self) -> str:
        return str(self.value.dtype)

    @property
    def names(self) -> tuple[str | None, ...]:
        if getattr(self.value.dtype, "kind", "O") not in "fiu":
            return ()
        return (None if self.value.name is None else str(self.value.name),)

    @property
    def block(self) -> Array:
        return _numbers(self.value)[:, None]

    def changed(self, change: Change, places: Sequence[int]) -> SeriesLeaf:
        if not places:
            return self
        column, like = change(self.block)[:, 0], self.value
        return SeriesLeaf(type(like)(column, index=like.index, name=like.name))

    def take(self, rows: Array, *, in_place: bool = False) -> SeriesLeaf:
        return SeriesLeaf(_pandas_rows(self.value, rows, in_place))


def _numbers(series: Any) -> Array:
    """Return a Series as a NumPy array, with NaN for pandas' own missing values."""
    dtype = getattr(series.dtype, "numpy_dtype", None)
    if dtype is None:
        return np.asarray(series.to_numpy())
    if dtype.kind != "f" and series.isna().any():
        dtype = np.float64
    return np.asarray(series.to_numpy(dtype=dtype, na_value=np.nan))


def _pandas_rows(data: Any, rows: Array, in_place: bool) -> Any:
    taken = data.iloc[rows]
    return taken.set_axis(data.index) if in_place else taken


def leaf_of(data: Any, name: str) -> Leaf:
    """Return one array or one pandas object as a leaf.

    Args:
        data: An array, or a pandas DataFrame or Series.
        name: The name of the data in error messages.

    Raises:
        UsageError: The data are ragged or a scalar.
    """
    if hasattr(data, "iloc"):
        return FrameLeaf(data) if data.ndim == 2 else SeriesLeaf(data)
    try:
        array = None if hasattr(data, "nested_row_splits") else np.asarray(data)
    except ValueError:
        array = None
    if array is None or (array.dtype.kind == "O" and _holds_arrays(array)):
        raise UsageError(
            f"corruption cannot act on ragged data, but {name} holds rows of different"
            " lengths: pad them first"
        )
    if array.ndim == 0:
        raise UsageError(
            f"corruption acts on arrays with the rows on their first axis, and {name}"
            f" holds one {type(data).__name__}: give an array"
        )
    return ArrayLeaf(array)


def _holds_arrays(array: Array) -> bool:
    return any(isinstance(it, (list, tuple, np.ndarray)) for it in array.ravel())
