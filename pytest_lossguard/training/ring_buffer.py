"""Rows that graph steps leave behind, read out after the outermost call."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..trace import Floats
from .frameworks import tf
from .tensors import own_variable, value_of

__all__ = ["RingBuffer"]

#: No buffer holds more values than this (16 MiB).
_MOST_VALUES = 1 << 21


class RingBuffer:
    """A variable of rows, with two counters that are cheap to read.

    Args:
        width: Values per row.
        rows: Rows to hold. Only a loop that runs longer than this inside one
            compiled call loses steps, and the trace says so.
    """

    def __init__(self, width: int, rows: int) -> None:
        self.capacity = max(64, min(rows, _MOST_VALUES // width))
        self._rows = own_variable(np.zeros([self.capacity, width]))
        self._written = own_variable(np.int32(0))
        self._bad = own_variable(np.int32(0))
        self._read = 0
        self.lost = 0

    @property
    def variables(self) -> list[Any]:
        """The variables it is made of."""
        return [self._rows, self._written, self._bad]

    def write(self, row: Any, is_bad: Any = None) -> None:
        """Add a row of shape ``(width,)`` in the graph being traced.

        Args:
            row: The values.
            is_bad: Whether a loss is not finite, for `peek`; None if nobody asks.
        """
        with tf.control_dependencies([row]):  # a step that fails writes nothing
            index = (self._written.assign_add(1) - 1) % self.capacity
            self._rows.scatter_update(tf.IndexedSlices(row[None], index[None]))
            if is_bad is not None:
                self._bad.assign_add(tf.cast(is_bad, tf.int32))

    def take(self) -> Any:
        """All rows so far, and none from then on, in the graph being traced."""
        count = self._written.read_value()
        rows = self._rows[: tf.minimum(count, self.capacity)]
        with tf.control_dependencies([rows]):
            self._written.assign(0)
        return rows

    def peek(self) -> tuple[int, bool]:
        """How many rows are unread, and whether a loss was not finite."""
        return int(value_of(self._written)) - self._read, int(value_of(self._bad)) > 0

    def drain(self) -> Floats:
        """Take the unread rows, oldest first, shape ``(rows, width)``."""
        count = int(value_of(self._written))
        lost = max(0, count - self._read - self.capacity)
        first = (self._read + lost) % self.capacity
        last = first + count - self._read - lost
        self.lost += lost
        self._read = count
        if last <= self.capacity:
            return np.asarray(self._rows[first:last])
        rows = np.asarray(self._rows)
        return np.concatenate([rows[first:], rows[: last - self.capacity]])

    def reset(self) -> None:
        """Forget everything."""
        self._written.assign(0)
        self._bad.assign(0)
        self._read = self.lost = 0
