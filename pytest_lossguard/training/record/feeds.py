"""What trainings are fed with: how much of it there is, and how often it is begun."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Any
from weakref import ref

import numpy as np

from ...core.data_facts import RepeatedBatch, UnseenRows
from ..backend.batch import Batch
from ..backend.frameworks import keras, tf
from ..backend.private_api import sources_of
from ..backend.tensors import arrays_of

__all__ = ["Feed", "Feeds"]

#: Batches that have to be the same, of as many steps.
_FEWEST_BATCHES = 3
#: Share of the updates of the first epoch that one has whose rows have ended: epochs
#: of a dataset that is filtered vary by less.
_SHORT = 0.5
#: Iterators that may have been made for something else than a step.
_OTHER_ITERATORS = 2


@dataclass(slots=True)
class Feed:
    """What one ``fit`` call was given.

    Attributes:
        given: Its ``x``.
        batches: In one pass over it, None where that is not known.
        held: Arrays that a generator or a `keras.utils.PyDataset` takes its rows from,
            as far as they are in it.
        ended: Updates made when each epoch ended.
        stopped: Whether somebody stopped it, perhaps within an epoch.
    """

    given: Any
    batches: int | None
    held: tuple[Any, ...] = ()
    ended: list[int] = field(default_factory=list)
    stopped: bool = False

    @classmethod
    def of(cls, arguments: Mapping[str, Any], rows: int | None) -> Feed:
        """Of the arguments of a ``fit`` call, with the number of rows of arrays."""
        given, size = arguments.get("x"), arguments.get("batch_size") or 32
        batches = -(-rows // size) if rows is not None else _batches(given)
        return cls(given, batches, tuple(_held(given)))

    @property
    def may_end_early(self) -> bool:
        """Whether it is used up: what it yields is not there again."""
        return not isinstance(self.given, (np.ndarray, keras.utils.PyDataset))

    def unseen(self) -> UnseenRows | None:
        """Rows that no epoch reached, or epochs that got few."""
        made = np.diff([0, *self.ended])[: -1 if self.stopped else None]
        if len(made) < 2 or not made[0]:
            return None
        short = int(np.count_nonzero(made <= _SHORT * made[0]))
        if short and self.may_end_early:
            return UnseenRows(epochs=len(made), short=short, first=int(made[0]))
        steps = self.ended[-1]
        if self.batches is not None and steps < self.batches:
            return UnseenRows(epochs=len(made), batches=self.batches, steps=steps)
        return None


@dataclass(slots=True)
class _Begun:
    """A dataset that was iterated so many times, and the batches that it has."""

    dataset: ref[Any]
    times: int = 0
    batches: int = 0


class Feeds:
    """The ``fit`` calls of a block, and the datasets that are iterated in it."""

    def __init__(self) -> None:
        self._fits: dict[tuple[int, int], Feed | None] = {}
        self._begun: dict[int, _Begun] = {}

    def clear(self) -> None:
        """Forget them."""
        self._fits.clear()
        self._begun.clear()

    def begun(self, dataset: Any) -> None:
        """An iterator of a dataset was made."""
        known = self._begun.get(id(dataset))
        if known is None or known.dataset() is not dataset:
            known = self._begun[id(dataset)] = _Begun(ref(dataset))
        known.times += 1
        if known.times == _FEWEST_BATCHES:
            known.batches = _batches(dataset) or 0

    def add(self, key: tuple[int, int], feed: Feed) -> None:
        """A ``fit`` call was made; of several none is kept, with its data."""
        self._fits[key] = None if key in self._fits else feed

    def only(self, key: tuple[int, int]) -> Feed | None:
        """What the one ``fit`` call was given; None of none, or of several."""
        return self._fits.get(key)

    def repeated(
        self, key: tuple[int, int], batches: Sequence[Batch], steps: int
    ) -> RepeatedBatch | None:
        """The batch that came at each step, though there are more rows.

        Args:
            key: Of model and optimizer.
            batches: Those that were seen, in order.
            steps: Updates that were made.
        """
        if len(batches) < _FEWEST_BATCHES or not _are_same(batches):
            return None
        rows, feed = len(batches[0]), self.only(key)
        if feed is not None:
            more = [len(it) for it in feed.held if _holds(it, batches[0])]
            return RepeatedBatch(rows=rows, of=max(more), by="feed") if more else None
        least = max(_FEWEST_BATCHES, steps - _OTHER_ITERATORS)
        often = (it.batches for it in self._begun.values() if it.times >= least)
        of = rows * max(often, default=0)
        return RepeatedBatch(rows=rows, of=of, by="iterator") if of > rows else None


def _batches(given: Any) -> int | None:
    """How many batches one pass has, None where that is not known."""
    if isinstance(given, keras.utils.PyDataset):
        return len(given) if hasattr(given, "__len__") else None
    while isinstance(given, tf.data.Dataset):
        known = int(given.cardinality())
        if known >= 0:
            return known
        sources = sources_of(given)
        if known != tf.data.INFINITE_CARDINALITY or len(sources) != 1:
            return None
        if _ranks(sources[0]) != _ranks(given):
            return None  # of single rows, that come again before they are batched
        given = sources[0]
    return None


def _ranks(dataset: Any) -> list[Any]:
    """How many axes each part of an element has."""
    parts = tf.nest.flatten(dataset.element_spec, expand_composites=True)
    return [it.shape.rank for it in parts]


def _held(given: Any) -> Iterable[Any]:
    """Arrays in what yields batches."""
    if isinstance(given, keras.utils.PyDataset):
        found = [*vars(given).values()]
    elif isinstance(given, GeneratorType) and given.gi_frame is not None:
        frame = given.gi_frame
        named = (frame.f_globals.get(it) for it in given.gi_code.co_names)
        found = [*frame.f_locals.values(), *named]
    else:
        return
    yield from (it for it in found if isinstance(it, np.ndarray) and it.ndim)


def _are_same(batches: Sequence[Batch]) -> bool:
    first, *others = [[*map(np.asarray, _leaves(it))] for it in batches]
    return bool(first) and all(
        len(first) == len(other) and all(map(np.array_equal, first, other))
        for other in others
    )


def _leaves(batch: Batch) -> list[Any]:
    return [*arrays_of(batch.x), *arrays_of(batch.y)]


def _holds(array: Any, batch: Batch) -> bool:
    """Whether an array has the rows of a batch, and more."""
    rows = len(batch)
    return len(array) > rows and any(
        it.shape[1:] == array.shape[1:]
        and it.dtype.kind == array.dtype.kind
        and bool((it[0] == array).reshape(len(array), -1).all(axis=1).any())
        for it in arrays_of(batch.x)
    )
