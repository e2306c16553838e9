"""Buffer of the rows that graph steps write, read after the outermost call."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.trace import Floats
from ..backend.frameworks import tf
from ..backend.tensors import own_variable, value_of

#: Most values in a buffer (16 MiB).
MOST_VALUES = 1 << 21
_BAD = 1 << 40


class RingBuffer:
    """A variable of rows, and a counter that is cheap to read.

    The counter combines two counts: rows written, plus `_BAD` times the rows with
    values that are not finite.

    Args:
        width: Values per row.
        rows: Rows to hold, rounded down to a power of two. A loop that makes more steps
            than this inside one compiled call loses some, and the trace says so.
    """

    def __init__(self, width: int, rows: int) -> None:
        most = max(64, min(rows, MOST_VALUES // width))
        self.capacity = 1 << most.bit_length() - 1  # a divisor of `_BAD`
        self._rows = own_variable(np.zeros([self.capacity, width]))
        self._counter = own_variable(np.int64(0))
        self._read = 0
        self.lost = 0

    @property
    def variables(self) -> list[Any]:
        """The variables that hold rows and counter."""
        return [self._rows, self._counter]

    def write(self, row: Any, good: Any = None) -> None:
        """Add a row of shape ``(width,)`` in the graph being traced.

        Args:
            row: The values.
            good: Whether all values are finite, for `peek`; None to count it as good.
        """
        with tf.control_dependencies([row]):  # a step that fails writes nothing
            written = value_of(self._counter)
            if good is None:
                more = tf.constant(1, tf.int64)
            else:
                more = tf.where(good, tf.constant(1, tf.int64), 1 + _BAD)
            self._counter.assign_add(more, read_value=False)
            tf.raw_ops.ResourceScatterUpdate(
                resource=self._rows.handle,
                indices=written % self.capacity,
                updates=row,
            )

    def take(self) -> Any:
        """Return all rows and empty the buffer, in the graph being traced."""
        count = self._counter.read_value() % _BAD
        rows = self._rows[: tf.minimum(count, self.capacity)]
        with tf.control_dependencies([rows]):
            self._counter.assign(0)
        return rows

    def peek(self) -> tuple[int, bool]:
        """Return how many rows are unread, and whether a row was not finite."""
        bad, written = divmod(int(value_of(self._counter)), _BAD)
        return written - self._read, bad > 0

    def drain(self) -> Floats:
        """Return the unread rows, oldest first, shape ``(rows, width)``."""
        count = int(value_of(self._counter)) % _BAD
        if count == self._read:
            return np.zeros((0, self._rows.shape[1]))
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
        """Discard all rows."""
        self._counter.assign(0)
        self._read = self.lost = 0
