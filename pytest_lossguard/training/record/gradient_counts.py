"""Count how often gradients were taken, eagerly or by each run of a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

from ..backend.frameworks import tf
from .recording import TapeRecord
from .traced_parts import TracedParts


class GradientCounts:
    """How often gradients were taken, in total and for each set of variables.

    Attributes:
        total: Count for all variables.
    """

    def __init__(self) -> None:
        self.total = 0
        self._traced = TracedParts[TapeRecord]()
        self._traced_in: Callable[[], Any] = lambda: None

    @property
    def in_graphs(self) -> bool:
        """Whether some gradients were taken in a compiled function."""
        return self._traced.is_any

    def add(self, taped: TapeRecord, graph: Any) -> None:
        """Count gradients taken now, or at each run of a trace.

        Args:
            taped: Record of the tape; its own count is increased too.
            graph: Graph being traced; None if gradients are taken eagerly.
        """
        if graph is None:
            self._ran([taped])
            return
        if self._traced_in() is not graph:
            self._traced_in = ref(graph)
            self._traced.begin()
        self._traced.note(taped)

    @contextmanager
    def counting(self, function: Any) -> Iterator[None]:
        """Count the gradients that a run of a function takes, as its trace showed."""
        if not tf.executing_eagerly():
            yield
            return
        self._traced.begin()
        yield
        self._ran(self._traced.done_by(function))

    @contextmanager
    def tracing(self) -> Iterator[Callable[[Any], None]]:
        """Observe a trace without a run; yields a function that stores its count.

        Call that function with the concrete function.
        """
        self._traced.begin()
        yield self._traced.keep

    def clear(self) -> None:
        """Reset all counts."""
        self.total = 0
        self._traced.clear()

    def _ran(self, taken: list[TapeRecord]) -> None:
        self.total += len(taken)
        for taped in taken:
            taped.asked += 1
