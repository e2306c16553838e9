"""Flattening of a sample into leaves, and its reconstruction.

A sample is an array, a pandas object or a nested structure of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..core.errors import UsageError
from ..core.given import shown
from .ids import ids
from .leaves import Array, Change, Leaf, leaf_of


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A sample as leaves, in the order in which they are nested.

    Attributes:
        x: The leaves of the inputs.
        y: The leaves of the targets; empty without any.
        weight: The leaves of the sample weights; empty without any.
    """

    x: tuple[Leaf, ...]
    y: tuple[Leaf, ...]
    weight: tuple[Leaf, ...] = ()

    @property
    def rows(self) -> int:
        """The number of rows, which is the same for every leaf."""
        return self.x[0].rows

    @property
    def features(self) -> int:
        """The number of numeric input features in all leaves."""
        return sum(len(leaf.names) for leaf in self.x)

    @property
    def targets(self) -> tuple[Leaf, ...]:
        """The leaves of the targets.

        Raises:
            UsageError: The sample has no targets.
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
        """Flatten data into a sample.

        Args:
            x: The inputs.
            y: The targets, or None.
            weight: The sample weights, or None.

        Returns:
            The sample, and a function that nests a sample like the data and returns
            ``(x, y, weight)``.

        Raises:
            UsageError: A part is ragged, no array or empty, or the numbers of rows
                differ.
        """
        x_leaves, x_again = _apart(x, "x")
        y_leaves, y_again = _apart(y, "y")
        weights, weight_again = _apart(weight, "the sample weights")
        if not x_leaves:
            raise UsageError("corruption got no array to act on: give x, or x and y")
        rows = [leaf.rows for leaf in (*x_leaves, *y_leaves, *weights)]
        if len(set(rows)) != 1:
            text = " and ".join(
                f"{name} of {', '.join(str(it.rows) for it in leaves)} rows"
                for name, leaves in (
                    ("x", x_leaves),
                    ("y", y_leaves),
                    ("weights", weights),
                )
                if leaves
            )
            raise UsageError(
                f"corruption needs x and y with as many rows each; got {text}: give"
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
        """Return the feature numbers of ``features``: None for all, a number, a name,
        or a tuple of these.

        Raises:
            UsageError: There is no numeric feature, or a given one does not exist.
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
        """Apply a change to columns of the inputs, as floats; see `columns`."""
        return replace(self, x=_changed(self.x, change, self.columns(features)))

    def change_numbers(self, change: Change, features: Any) -> Sample:
        """Change columns as `change_inputs` does, except for ids of tokens or
        categories, which have no scale.

        Raises:
            UsageError: All columns are ids.
        """
        asked = self.columns(features)
        are_ids = [it for leaf in self.x if leaf.names for it in ids(leaf.block)]
        if all(are_ids):
            raise UsageError(
                f"corruption scales numbers, and x holds ids only ({_dtypes(self.x)},"
                " counted from 0, like tokens or categories), which have no scale: turn"
                " off scaling, as in corruptions(scales=False, offsets=False,"
                " outliers=False, flipped=True), or give numbers as floats"
            )
        numbers = [it for it in asked if not are_ids[it]]
        return replace(self, x=_changed(self.x, change, numbers))

    def change_targets(self, change: Change) -> Sample:
        """Apply a change to all columns of the targets, as floats."""
        columns = range(sum(len(leaf.names) for leaf in self.targets))
        return replace(self, y=_changed(self.targets, change, columns))

    def take(self, rows: Array, *, in_place: bool = False) -> Sample:
        """Return some rows of all leaves; with ``in_place`` under the old index."""
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
            f"there is no numeric feature {shown(feature)}:"
            f" {f'the named ones are {known}' if known else 'give its number'}"
        )
    if not 0 <= feature < len(names):
        raise UsageError(
            f"there is no feature {shown(feature)}: the inputs have {len(names)},"
            " numbered from 0"
        )
    return [feature]


def _dtypes(leaves: tuple[Leaf, ...]) -> str:
    return ", ".join(dict.fromkeys(leaf.dtype for leaf in leaves))


def _apart(data: Any, name: str) -> tuple[list[Leaf], Callable[[list[Any]], Any]]:
    """Return the leaves of nested data, and a function that nests changed leaves."""
    if data is None:
        return [], lambda _: None
    if isinstance(data, Mapping):
        parts = {key: _apart(value, name) for key, value in data.items()}
        return _joined(list(parts.values()), lambda it: _like(data, parts, it))
    if isinstance(data, (tuple, list)) and not _is_plain(data):
        listed = [_apart(value, name) for value in data]
        return _joined(listed, lambda it: sequence_like(data, it))
    leaf = leaf_of(data, name)
    return [leaf], lambda leaves: leaves[0].value


def _like(data: Any, parts: Any, values: list[Any]) -> Any:
    changed = dict(zip(parts, values, strict=True))
    if not isinstance(data, dict):
        return type(data)(changed)
    made = copy(data)
    made.update(changed)
    return made


def sequence_like(data: Any, values: list[Any]) -> Any:
    """Return other values in a list, tuple or named tuple of the type of ``data``."""
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
    """Whether a sequence holds plain Python scalars, or lists of them, one per row."""
    return len(data) > 0 and all(
        np.isscalar(it)
        or (isinstance(data, list) and isinstance(it, (list, tuple)) and _is_plain(it))
        for it in data
    )
