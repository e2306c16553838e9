"""Move values to a file that are too large to hold in memory a second time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .frameworks import tf

#: Bytes up to which all values together stay in memory, and up to which a single one
#: always does.
MOST_IN_MEMORY, SMALL = 1 << 26, 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _InFile:
    """Location of a value in an unnamed file, deleted with the last reference."""

    file: Any
    offset: int
    shape: tuple[int, ...]
    dtype: Any


def spilled(values: Sequence[Any]) -> list[Any]:
    """Move large values to a temporary file if all together take too much memory.

    Args:
        values: Eager tensors.

    Returns:
        For each value the tensor itself, or a reference to give to `loaded`.
    """
    sizes = [it.dtype.size * (it.shape.num_elements() or 0) for it in values]
    if sum(sizes) <= MOST_IN_MEMORY:
        return list(values)
    # The file is closed, and so deleted, when the last value in it is.
    file = tempfile.TemporaryFile(prefix="lossguard-")  # noqa: SIM115
    return [
        it if size <= SMALL else _written(file, np.asarray(it))
        for it, size in zip(values, sizes, strict=True)
    ]


def _written(file: Any, array: Any) -> _InFile:
    offset, is_zero = file.tell(), not array.any()
    if not is_zero:  # zeros, such as a new optimizer's slots, need no space
        # not `tofile`, which rejects files of `tempfile` on Windows
        file.write(_as_bytes(np.ascontiguousarray(array)))
    return _InFile(
        file=None if is_zero else file,
        offset=offset,
        shape=array.shape,
        dtype=array.dtype,
    )


def loaded(value: Any) -> Any:
    """Return the tensor that `spilled` was given."""
    if not isinstance(value, _InFile):
        return value
    if value.file is None:
        return tf.zeros(value.shape, value.dtype)
    value.file.seek(value.offset)
    array = np.empty(value.shape, value.dtype)
    value.file.readinto(_as_bytes(array))
    return tf.convert_to_tensor(array)


def _as_bytes(array: Any) -> Any:
    return array.reshape(-1).view(np.uint8)
