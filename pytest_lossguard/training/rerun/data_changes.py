"""Changes of the training data, such as scaling, clipping, shuffling or balancing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.change import CLIP, Change, ChangeName
from ...core.column_stats import sentinel_of
from ...core.errors import CannotChange
from ..backend.data import ArrayData
from ..backend.frameworks import keras
from ..backend.index_inputs import reads_as_numbers
from ..backend.tensors import flatten, map_structure

#: A column is standardized if its mean is within this of 0, and its standard deviation
#: within this of 1.
_ABOUT = 0.2
#: Smallest spread of a column; a column with less is constant.
_TINY = 1e-12


def changed_data(data: ArrayData, change: Change, seed: int) -> ArrayData:
    """Return the data of a training with one change.

    Args:
        data: Arrays of a training.
        change: One of `DATA_CHANGES`.
        seed: Seed of shuffling and sampling.

    Raises:
        CannotChange: The data do not allow the change.
    """
    return DATA_CHANGES[change.kind](data, change, np.random.default_rng(seed))


def integers_as_floats(data: ArrayData, model: Any) -> ArrayData:
    """Convert integer inputs that the model reads as numbers, not as indices, to
    float32, so that they can be scaled.

    Raises:
        CannotChange: All inputs of the model have integer types.
    """
    inputs = flatten(getattr(model, "inputs", None) or [])
    types = [keras.backend.standardize_dtype(it.dtype) for it in inputs]
    whole = [it for it in types if "int" in it]
    are_numbers = reads_as_numbers(model, data.x)
    if any(are_numbers) and whole and len(whole) == len(types):
        raise CannotChange(f"the model takes its inputs as {whole[0]} only")
    numbers = iter(are_numbers)

    def one(leaf: Any) -> Any:
        if leaf is None:
            return None
        return np.asarray(leaf, np.float32) if next(numbers) else leaf

    return replace(data, x=map_structure(one, data.x))


def _standardize_inputs(data: ArrayData, change: Change, _: Any) -> ArrayData:
    return replace(data, x=_each_float(data.x, _standardized, change.at))


def _clip_inputs(data: ArrayData, change: Change, _: Any) -> ArrayData:
    return replace(data, x=_each_float(data.x, _clipped, change.at))


def _scale_inputs(data: ArrayData, change: Change, _: Any) -> ArrayData:
    factor = float(change.value or 1.0)
    return replace(data, x=_each_float(data.x, lambda it: it * factor, change.at))


def _fill_missing(data: ArrayData, change: Change, _: Any) -> ArrayData:
    return replace(data, x=_each_float(data.x, _filling(change.value), change.at))


def _standardize_targets(data: ArrayData, change: Change, _: Any) -> ArrayData:
    return replace(data, y=_each_float(data.y, _standardized, change.at))


def _clip_targets(data: ArrayData, change: Change, _: Any) -> ArrayData:
    return replace(data, y=_each_float(data.y, _clipped, change.at))


def _drop_rows(data: ArrayData, change: Change, _: Any) -> ArrayData:
    return _rows(data, np.setdiff1d(np.arange(len(data)), change.at))


def _shuffle_labels(data: ArrayData, _: Change, generator: Any) -> ArrayData:
    order = generator.permutation(len(data))
    return replace(data, y=map_structure(lambda it: np.asarray(it)[order], data.y))


def _shuffle_rows(data: ArrayData, _: Change, generator: Any) -> ArrayData:
    return _rows(data, generator.permutation(len(data)))


def _balance_classes(data: ArrayData, _: Change, generator: Any) -> ArrayData:
    return _rows(data, _balanced(data, generator))


def _fewer_rows(data: ArrayData, change: Change, _: Any) -> ArrayData:
    return _rows(data, np.arange(round(len(data) * float(change.value or 1.0))))


#: The function for each change of the data; its last argument is a random generator.
DATA_CHANGES: dict[ChangeName, Callable[[ArrayData, Change, Any], ArrayData]] = {
    "fill_missing": _fill_missing,
    "drop_rows": _drop_rows,
    "clip_inputs": _clip_inputs,
    "standardize_inputs": _standardize_inputs,
    "scale_inputs": _scale_inputs,
    "clip_targets": _clip_targets,
    "standardize_targets": _standardize_targets,
    "shuffle_rows": _shuffle_rows,
    "shuffle_labels": _shuffle_labels,
    "fewer_rows": _fewer_rows,
    "balance_classes": _balance_classes,
}


def _rows(data: ArrayData, index: Any) -> ArrayData:
    if not len(index):
        raise CannotChange("no row would be left")
    kept = data.rows(index)
    return ArrayData(kept.x, kept.y, kept.sample_weight, data.batch_size)


def _each_float(structure: Any, how: Any, columns: tuple[int, ...]) -> Any:
    """Apply ``how`` to columns of each float array, by default to all columns."""
    leaves = flatten(structure)
    if not any(np.asarray(it).dtype.kind == "f" for it in leaves):
        raise CannotChange("there are no numbers to scale, only indices")

    def one(leaf: Any) -> Any:
        array = None if leaf is None else np.asarray(leaf)
        if array is None or array.dtype.kind != "f":
            return leaf
        table = array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1)
        chosen = list(columns) if columns else list(range(table.shape[1]))
        if max(chosen) >= table.shape[1]:
            return leaf
        changed = table.astype(np.float64)
        changed[:, chosen] = how(changed[:, chosen])
        return changed.reshape(array.shape).astype(array.dtype)

    return map_structure(one, structure)


def standards(leaf: Any, columns: tuple[int, ...] = ()) -> tuple[Any, Any]:
    """Return the mean that ``standardize_targets`` subtracts from each column of an
    array, and the standard deviation that it divides by; 0 and 1 for columns that it
    does not change.
    """
    array = np.asarray(leaf)
    table = array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1)
    mean, std = np.zeros(table.shape[1]), np.ones(table.shape[1])
    chosen = list(columns) if columns else list(range(table.shape[1]))
    if array.dtype.kind == "f" and max(chosen) < table.shape[1]:
        mean[chosen], std[chosen] = _standards(table[:, chosen].astype(np.float64))
    return mean, std


def _standards(table: Any) -> tuple[Any, Any]:
    with np.errstate(invalid="ignore", over="ignore"):
        mean, std = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    return mean, np.where(std > _TINY, std, 1.0)


def _standardized(table: Any) -> Any:
    mean, std = _standards(table)
    return (table - mean) / std


def _filling(value: Any) -> Any:
    """Return a function that fills missing and sentinel values with the column mean.

    A column that was standardized with sentinels is standardized again without them.

    Args:
        value: The sentinel; ``"apart"`` to find one for each column, None for none.
    """

    def fill(table: Any) -> Any:
        if value is None:
            return _filled(table)
        values = _sentinels(table) if value == "apart" else float(value)
        is_value = np.isclose(table, values, rtol=1e-6, atol=0.0)
        filled = _filled(np.where(is_value, np.nan, table))
        mean, std = _standards(table)
        is_scaled = (np.abs(mean) < _ABOUT) & (np.abs(std - 1) < _ABOUT)
        return np.where(is_scaled, _standardized(filled), filled)

    return fill


def _sentinels(table: Any) -> Any:
    """Return the sentinel of each column, NaN for a column without one."""
    low, high = np.nanmin(table, axis=0), np.nanmax(table, axis=0)
    values, found = np.full(table.shape[1], np.nan), sentinel_of(table.T, low, high)
    if found is not None:
        values[list(found.columns)] = found.values
    return values


def _filled(table: Any) -> Any:
    finite = np.isfinite(table)
    count = np.maximum(finite.sum(axis=0), 1)
    mean = np.where(finite, table, 0.0).sum(axis=0) / count
    return np.where(finite, table, mean)


def _clipped(table: Any) -> Any:
    q1, median, q3 = np.nanpercentile(table, [25, 50, 75], axis=0)
    spread = np.maximum((q3 - q1) / 1.349, _TINY)
    return np.clip(table, median - CLIP * spread, median + CLIP * spread)


def _balanced(data: ArrayData, generator: Any) -> Any:
    """Draw row indices with replacement, about as many as there are rows, and equally
    many for each class.
    """
    labels = class_of_each_row(data.y)
    if labels is None:
        raise CannotChange("the labels are not classes")
    classes = np.unique(labels)
    each = -(-len(labels) // len(classes))
    drawn = [generator.choice(np.flatnonzero(labels == it), each) for it in classes]
    return generator.permutation(np.concatenate(drawn))


def class_of_each_row(y: Any) -> Any:
    """Return the class of each row; None if the labels are not classes."""
    leaves = flatten(y)
    if len(leaves) != 1:
        return None
    array = np.asarray(leaves[0])
    if array.ndim > 1 and array.shape[-1] > 1:
        return array.argmax(-1) if array.ndim == 2 else None
    labels = array.reshape(len(array), -1)
    if labels.shape[1] != 1 or len(np.unique(labels)) > max(2, len(labels) // 3):
        return None
    return labels[:, 0]
