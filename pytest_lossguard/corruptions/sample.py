"""A sample taken apart into blocks of numbers, and put together again.

Arrays, nested structures of them, pandas objects and `tf.data` datasets are told
apart by what they can do: neither pandas nor TensorFlow is imported here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

__all__ = ["Sample", "on_dataset"]

Array = NDArray[Any]


#: From columns of shape ``(rows, ..., chosen)`` to their replacement.
Change = Callable[[Array], Array]


class Leaf(Protocol):
    """One array, or one pandas object, of a sample."""

    @property
    def rows(self) -> int:
        """How many."""

    @property
    def dtype(self) -> str:
        """As told to the user."""

    @property
    def names(self) -> tuple[str | None, ...]:
        """One per numeric feature; None for one without a name."""

    @property
    def block(self) -> Array:
        """The numeric features, of shape ``(rows, ..., features)``."""

    def changed(self, change: Change, places: Sequence[int]) -> Leaf:
        """The same with other numbers in some of its features."""

    def take(self, rows: Array, *, in_place: bool = False) -> Leaf:
        """Some rows of it, all columns; ``in_place`` the index stays where it is."""

    @property
    def value(self) -> Any:
        """What the caller gave, or its changed copy."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayLeaf:
    """A NumPy array; the features lie on its last axis, a vector is one."""

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
    """A pandas Series: one feature, or none if it is not numeric."""

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
    """NumPy's numbers of a Series, NaN where one of pandas' own types has none."""
    dtype = getattr(series.dtype, "numpy_dtype", None)
    if dtype is None:
        return np.asarray(series.to_numpy())
    if dtype.kind != "f" and series.isna().any():
        dtype = np.float64
    return np.asarray(series.to_numpy(dtype=dtype, na_value=np.nan))


def _pandas_rows(data: Any, rows: Array, in_place: bool) -> Any:
    taken = data.iloc[rows]
    return taken.set_axis(data.index) if in_place else taken


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Inputs, targets and weights as leaves, in the order in which they are nested."""

    x: tuple[Leaf, ...]
    y: tuple[Leaf, ...]
    weight: tuple[Leaf, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of every leaf."""
        return self.x[0].rows

    @property
    def features(self) -> int:
        """Numeric input features, counted through all leaves."""
        return sum(len(leaf.names) for leaf in self.x)

    @property
    def targets(self) -> tuple[Leaf, ...]:
        """The leaves of the targets.

        Raises:
            UsageError: None were given.
        """
        if not self.y:
            raise UsageError(
                "this corruption acts on the targets and got none: call"
                " corruption(x, y)"
            )
        return self.y

    @classmethod
    def of(
        cls, x: Any, y: Any, weight: Any = None
    ) -> tuple[Sample, Callable[[Sample], tuple[Any, Any, Any]]]:
        """Take data apart; the second value puts a sample together again.

        Raises:
            UsageError: Something is ragged, no array, or has other rows.
        """
        x_leaves, x_again = _apart(x, "x")
        y_leaves, y_again = _apart(y, "y")
        weights, weight_again = _apart(weight, "the sample weights")
        if not x_leaves:
            raise UsageError("corruption got no array to act on: give x, or x and y")
        rows = [leaf.rows for leaf in (*x_leaves, *y_leaves, *weights)]
        if len(set(rows)) != 1:
            told = " and ".join(
                f"{name} of {', '.join(str(it.rows) for it in leaves)} rows"
                for name, leaves in (
                    ("x", x_leaves),
                    ("y", y_leaves),
                    ("weights", weights),
                )
                if leaves
            )
            raise UsageError(
                f"corruption needs x and y with as many rows each; got {told}: give"
                " every array the same rows"
            )
        if rows[0] == 0:
            raise UsageError("corruption got x without rows: give at least one")

        def again(sample: Sample) -> tuple[Any, Any, Any]:
            return (
                x_again(list(sample.x)),
                y_again(list(sample.y)),
                weight_again(list(sample.weight)),
            )

        return cls(tuple(x_leaves), tuple(y_leaves), tuple(weights)), again

    def columns(self, features: Any) -> list[int]:
        """Feature numbers behind ``features``: None for all, a number, a name, or
        several of these.

        Raises:
            UsageError: There is no numeric feature, or not this one.
        """
        names = [name for leaf in self.x for name in leaf.names]
        if not names:
            raise UsageError(
                f"corruption needs numeric inputs, and x is {_dtypes(self.x)} only:"
                " give arrays or columns of numbers"
            )
        if features is None:
            return list(range(len(names)))
        several = features if isinstance(features, tuple) else (features,)
        return [place for it in several for place in _places(it, names)]

    def change_inputs(self, change: Change, features: Any) -> Sample:
        """Replace columns of the inputs, given as floats; see `columns`."""
        return replace(self, x=_changed(self.x, change, self.columns(features)))

    def change_targets(self, change: Change) -> Sample:
        """Replace all columns of the targets, given as floats."""
        columns = range(sum(len(leaf.names) for leaf in self.targets))
        return replace(self, y=_changed(self.targets, change, columns))

    def take(self, rows: Array, *, in_place: bool = False) -> Sample:
        """Some rows of everything; ``in_place`` an index stays where it is."""
        x, y, weight = (
            tuple(leaf.take(rows, in_place=in_place) for leaf in leaves)
            for leaves in (self.x, self.y, self.weight)
        )
        return Sample(x, y, weight)


def _changed(
    leaves: tuple[Leaf, ...], change: Change, wanted: Sequence[int]
) -> tuple[Leaf, ...]:
    def on_floats(columns: Array) -> Array:
        dtype = columns.dtype if columns.dtype.kind == "f" else np.dtype(np.float64)
        return change(columns.astype(dtype)).astype(dtype)

    first, made = 0, []
    with np.errstate(over="ignore", invalid="ignore"):
        for leaf in leaves:
            end = first + len(leaf.names)
            places = [it - first for it in wanted if first <= it < end]
            made.append(leaf.changed(on_floats, places))
            first = end
    return tuple(made)


def _places(feature: int | str, names: list[str | None]) -> list[int]:
    if isinstance(feature, str):
        named = [place for place, name in enumerate(names) if name == feature]
        if named:
            return named
        known = ", ".join(repr(it) for it in names if it is not None)
        raise UsageError(
            f"there is no numeric feature {feature!r}:"
            f" {f'the named ones are {known}' if known else 'give its number'}"
        )
    if not 0 <= feature < len(names):
        raise UsageError(
            f"there is no feature {feature}: the inputs have {len(names)}, numbered"
            " from 0"
        )
    return [feature]


def _dtypes(leaves: tuple[Leaf, ...]) -> str:
    return ", ".join(dict.fromkeys(leaf.dtype for leaf in leaves))


def _apart(data: Any, name: str) -> tuple[list[Leaf], Callable[[list[Any]], Any]]:
    """The leaves of nested data, and how to nest their successors."""
    if data is None:
        return [], lambda _: None
    if isinstance(data, Mapping):
        parts = {key: _apart(value, name) for key, value in data.items()}
        return _joined(list(parts.values()), lambda it: _like(data, parts, it))
    if isinstance(data, (tuple, list)) and not _is_plain(data):
        listed = [_apart(value, name) for value in data]
        return _joined(listed, lambda it: _sequence(data, it))
    leaf = _leaf(data, name)
    return [leaf], lambda leaves: leaves[0].value


def _like(data: Any, parts: Any, values: list[Any]) -> Any:
    changed = dict(zip(parts, values, strict=True))
    if not isinstance(data, dict):
        return type(data)(changed)
    made = copy(data)
    made.update(changed)
    return made


def _sequence(data: Any, values: list[Any]) -> Any:
    return type(data)(*values) if hasattr(data, "_fields") else type(data)(values)


def _joined(
    parts: list[tuple[list[Leaf], Callable[[list[Any]], Any]]],
    nest: Callable[[list[Any]], Any],
) -> tuple[list[Leaf], Callable[[list[Any]], Any]]:
    leaves = [leaf for found, _ in parts for leaf in found]

    def again(changed: list[Any]) -> Any:
        values, first = [], 0
        for found, part_again in parts:
            values.append(part_again(changed[first : first + len(found)]))
            first += len(found)
        return nest(values)

    return leaves, again


def _is_plain(data: Any) -> bool:
    """Whether these are Python's own numbers, one per row or listed row by row."""
    return len(data) > 0 and all(
        np.isscalar(it)
        or (isinstance(data, list) and isinstance(it, (list, tuple)) and _is_plain(it))
        for it in data
    )


def _leaf(data: Any, name: str) -> Leaf:
    if hasattr(data, "iloc"):
        return FrameLeaf(data) if data.ndim == 2 else SeriesLeaf(data)
    try:
        array = None if hasattr(data, "nested_row_splits") else np.asarray(data)
    except ValueError:
        array = None
    if array is None or (array.dtype.kind == "O" and _holds_arrays(array)):
        raise UsageError(
            f"corruption cannot act on ragged data, and {name} holds rows of different"
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


def on_dataset(dataset: Any, corrupt: Callable[..., tuple[Any, Any, Any]]) -> Any:
    """Corrupt a whole `tf.data.Dataset` of rows or of batches.

    Args:
        dataset: Of ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.
        corrupt: From these three, or None for one that is missing, to the same.

    Raises:
        UsageError: It has no end, no rows, or ragged ones.
    """
    if int(dataset.cardinality()) == _INFINITE:
        raise UsageError(
            "corruption got a dataset without an end: corrupt it before .repeat()"
        )
    for spec in _leaves(dataset.element_spec):
        if type(spec).__name__ in ("RaggedTensorSpec", "SparseTensorSpec"):
            raise UsageError(
                "corruption cannot act on ragged or sparse tensors, and the dataset"
                f" holds {spec}: pad them, or make them dense, first"
            )
    elements = list(dataset.as_numpy_iterator())
    if not elements:
        raise UsageError("corruption got an empty dataset: give one with rows")
    batch = _batch_size(dataset, elements[0])
    whole = _gathered(np.stack if batch is None else np.concatenate, elements)
    if isinstance(whole, tuple) and len(whole) in (2, 3):
        whole = _sequence(whole, list(corrupt(*whole)[: len(whole)]))
    else:
        whole, *_ = corrupt(whole, None)
    made = dataset.from_tensor_slices(whole)
    if batch is None:
        return made
    even = len(_leaves(whole)[0]) % batch == 0
    fixed = even and not _has_open_batch(dataset)
    return made.batch(batch, drop_remainder=fixed)


_INFINITE = -1


def _gathered(gather: Callable[[list[Any]], Array], elements: list[Any]) -> Any:
    """One structure of whole arrays from one per element."""
    first = elements[0]
    if first is None:
        return None
    if isinstance(first, Mapping):
        return {key: _gathered(gather, [it[key] for it in elements]) for key in first}
    if isinstance(first, tuple):
        columns = (list(it) for it in zip(*elements, strict=True))
        return _sequence(first, [_gathered(gather, it) for it in columns])
    try:
        return gather(elements)
    except ValueError:
        raise UsageError(
            "corruption cannot act on ragged data, and the dataset holds elements of"
            " different shapes: pad them to one length first"
        ) from None


def _leaves(structure: Any) -> list[Any]:
    if isinstance(structure, Mapping):
        structure = tuple(structure.values())
    if isinstance(structure, tuple):
        return [leaf for part in structure for leaf in _leaves(part)]
    return [] if structure is None else [structure]


def _batch_size(dataset: Any, element: Any) -> int | None:
    """Rows per element; None where each element is one row."""
    shapes = [np.shape(leaf) for leaf in _leaves(element)]
    sizes = {shape[:1] for shape in shapes}
    if len(sizes) != 1 or sizes == {()}:
        return None
    batched = _has_open_batch(dataset) or _is_batched(dataset)
    if batched is None:
        batched = any(len(shape) > 1 for shape in shapes)
    return int(shapes[0][0]) if batched else None


def _has_open_batch(dataset: Any) -> bool:
    """Whether the first axis may differ between elements, as without drop_remainder."""
    shapes = [getattr(it, "shape", None) for it in _leaves(dataset.element_spec)]
    return any(it is not None and it.rank and it[0] is None for it in shapes)


def _is_batched(dataset: Any) -> bool | None:
    """What the last step said that made or unmade batches; None if there is none."""
    step = type(dataset).__name__
    if "Unbatch" in step or "TensorSlice" in step:
        return False
    if "Batch" in step:
        return True
    inputs: Any = getattr(dataset, "_inputs", tuple)()
    return _is_batched(inputs[0]) if inputs else None
