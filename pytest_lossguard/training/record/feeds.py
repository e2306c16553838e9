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
#: Calls of ``fit`` that have to take the same.
_FEWEST_CALLS = 3
#: Parts of a tuple, list or mapping that may be arrays.
_MEMBERS = 16
#: Iterators that may have been made for something else than a step.
_OTHER_ITERATORS = 2


@dataclass(slots=True)
class Feed:
    """What one ``fit`` call was given, or several that were given the like.

    Attributes:
        given: Its ``x``, of the first call.
        batches: In one pass over it, None where that is not known.
        held: Arrays that a generator or a `keras.utils.PyDataset` takes its rows from,
            as far as they are in it.
        ended: Updates made when each epoch ended.
        stopped: Whether somebody stopped it, perhaps within an epoch.
        calls: How many epochs had ended when each call but the first began.
    """

    given: Any
    batches: int | None
    held: tuple[Any, ...] = ()
    ended: list[int] = field(default_factory=list)
    stopped: bool = False
    calls: list[int] = field(default_factory=list)

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

    def rows_beside(self, batch: Batch) -> int | None:
        """How many rows there are where a batch comes from, 0 where that is not known;
        None where the batch may be all of them.
        """
        held = [it for it in self.held if _holds(it, batch)]
        if held:
            most = max(map(len, held))
            return most if most > len(batch) else None
        endless = isinstance(self.given, GeneratorType)
        several = isinstance(self.given, keras.utils.PyDataset) and self.batches != 1
        return 0 if (endless or several) and _rows_differ(batch) else None

    def is_like(self, other: Feed) -> bool:
        """Whether another call was given the same, or as much of the same kind."""
        same = self.batches is not None and self.batches == other.batches
        return self.given is other.given or (
            same and type(self.given) is type(other.given)
        )

    def unseen(self, batches: Sequence[Batch] = ()) -> UnseenRows | None:
        """Rows that no epoch reached, or epochs that got few.

        Args:
            batches: The first that were trained on, in order.
        """
        if self.calls:
            return self._unseen_by_calls(batches)
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

    def _unseen_by_calls(self, batches: Sequence[Batch]) -> UnseenRows | None:
        """Calls that each begin anew, take the same few batches and end."""
        if self.calls[-1] >= len(self.ended) or 0 in self.calls:
            return None
        ends = [*(self.ended[it - 1] for it in self.calls), self.ended[-1]]
        steps = set(np.diff([0, *ends]).tolist())
        each = steps.pop()
        if steps or not self.batches or not 0 < each < self.batches:
            return None
        if len(ends) < _FEWEST_CALLS or len(batches) < 2 * each:
            return None
        pairs = zip(batches[:each], batches[each : 2 * each], strict=True)
        if not all(_are_same(pair) for pair in pairs):
            return None
        return UnseenRows(
            epochs=len(self.ended), batches=self.batches, steps=each, calls=len(ends)
        )


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

    def add(self, key: tuple[int, int], feed: Feed) -> Feed:
        """A ``fit`` call was made; of several that were given other things none is
        kept, with its data. Gives what stands for the call.
        """
        known = self._fits.setdefault(key, feed)
        if known is not None and known is not feed and known.is_like(feed):
            known.calls.append(len(known.ended))
            return known
        if known is not feed:
            self._fits[key] = None
        return feed

    def only(self, key: tuple[int, int]) -> Feed | None:
        """What the ``fit`` calls were given; None of none, or of several others."""
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
            of = feed.rows_beside(batches[0])
            return None if of is None else RepeatedBatch(rows=rows, of=of, by="feed")
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
        own = getattr(frame.f_locals.get("self"), "__dict__", {})
        found = [*frame.f_locals.values(), *named, *own.values()]
    else:
        return
    for value in found:
        members = [value]
        if isinstance(value, (tuple, list)):
            members += value[:_MEMBERS]
        elif isinstance(value, Mapping):
            members += [*value.values()][:_MEMBERS]
        yield from (it for it in members if isinstance(it, np.ndarray) and it.ndim)


def _are_same(batches: Sequence[Batch]) -> bool:
    first, *others = [[*map(np.asarray, _leaves(it))] for it in batches]
    return bool(first) and all(
        len(first) == len(other) and all(map(np.array_equal, first, other))
        for other in others
    )


def _rows_differ(batch: Batch) -> bool:
    """Whether a batch has different rows: of ones alone it stands for any data."""
    return any(len(it) and bool(np.any(it != it[0])) for it in arrays_of(batch.x))


def _leaves(batch: Batch) -> list[Any]:
    return [*arrays_of(batch.x), *arrays_of(batch.y)]


def _holds(array: Any, batch: Batch) -> bool:
    """Whether an array has the rows of a batch, and perhaps more."""
    return len(array) >= len(batch) and any(
        it.shape[1:] == array.shape[1:]
        and it.dtype.kind == array.dtype.kind
        and bool((it[0] == array).reshape(len(array), -1).all(axis=1).any())
        for it in arrays_of(batch.x)
    )
