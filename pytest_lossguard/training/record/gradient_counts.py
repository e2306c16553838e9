"""How often gradients were taken: counted now, or whenever a trace runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

from ..backend.frameworks import tf
from ..backend.tensors import variable_key
from .recording import Recording, TapeRecord
from .traced_parts import TracedParts

__all__ = ["GradientCounts", "never_applied"]


class GradientCounts:
    """Gradients with respect to variables, in all and for each set of variables.

    Attributes:
        total: Of all.
    """

    def __init__(self) -> None:
        self.total = 0
        self._traced = TracedParts[TapeRecord]()
        self._traced_in: Callable[[], Any] = lambda: None

    @property
    def in_graphs(self) -> bool:
        """Whether some were taken in a compiled function."""
        return self._traced.is_any

    def add(self, taped: TapeRecord, graph: Any) -> None:
        """Gradients are taken: now, or whenever the last trace of ``graph`` runs."""
        if graph is None:
            self._ran([taped])
            return
        if self._traced_in() is not graph:
            self._traced_in = ref(graph)
            self._traced.begin()
        self._traced.note(taped)

    @contextmanager
    def counting(self, function: Any) -> Iterator[None]:
        """Count the gradients that a run of a function takes: those of its trace."""
        if not tf.executing_eagerly():
            yield
            return
        self._traced.begin()
        yield
        self._ran(self._traced.done_by(function))

    @contextmanager
    def tracing(self) -> Iterator[Callable[[Any], None]]:
        """A function is traced and not run: gives what keeps its count under it."""
        self._traced.begin()
        yield self._traced.keep

    def clear(self) -> None:
        """Forget them."""
        self.total = 0
        self._traced.clear()

    def _ran(self, taken: list[TapeRecord]) -> None:
        self.total += len(taken)
        for taped in taken:
            taped.asked += 1


def never_applied(
    tapes: Iterable[TapeRecord], trained: Iterable[Recording]
) -> Iterator[TapeRecord]:
    """Gradients of a model's variables of which no recorded training moves any."""
    moved = {variable_key(it) for known in trained for it in known.variables}
    return (it for it in tapes if it.is_of_model and moved.isdisjoint(it.keys))
