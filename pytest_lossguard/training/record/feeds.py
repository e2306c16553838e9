"""The data that trainings are fed: how many there are, and how often they restart."""

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

#: Fewest equal batches in a row, one per step, to report a repeated batch.
_FEWEST_BATCHES = 3
#: Share of the first epoch's updates at which an epoch counts as having run out of
#: rows: the epochs of a filtered dataset vary by less.
_SHORT = 0.5
#: Fewest calls of ``fit`` that have to train on the same batches.
_FEWEST_CALLS = 3
#: Members of a tuple, list or mapping that are searched for arrays.
_MEMBERS = 16
#: How many fewer iterators than steps there may be.
_OTHER_ITERATORS = 2


@dataclass(slots=True)
class Feed:
    """The data given to one ``fit`` call, or to several that were given similar data.

    Attributes:
        given: The ``x`` of the first call.
        batches: Batches in one pass over the data; None if unknown.
        held: Arrays found in a generator or a `keras.utils.PyDataset`, from which it
            may take its rows.
        ended: Number of updates made by the end of each epoch.
        stopped: Whether the training was stopped early, perhaps within an epoch.
        calls: Number of epochs ended when each call after the first began.
    """

    given: Any
    batches: int | None
    held: tuple[Any, ...] = ()
    ended: list[int] = field(default_factory=list)
    stopped: bool = False
    calls: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, arguments: Mapping[str, Any], rows: int | None) -> Feed:
        """Create the feed of a ``fit`` call.

        Args:
            arguments: Arguments of the call.
            rows: Number of rows if the data are arrays, else None.
        """
        given, size = arguments.get("x"), arguments.get("batch_size") or 32
        batches = -(-rows // size) if rows is not None else _batches(given)
        return cls(given, batches, tuple(_held(given)))

    @property
    def may_end_early(self) -> bool:
        """Whether the data may be used up, as a generator is after one pass."""
        return not isinstance(self.given, (np.ndarray, keras.utils.PyDataset))

    def rows_beside(self, batch: Batch) -> int | None:
        """Return how many rows the source of a batch has.

        0 if the number is unknown; None if the batch may be all of the data.
        """
        held = [it for it in self.held if _holds(it, batch)]
        if held:
            most = max(map(len, held))
            return most if most > len(batch) else None
        endless = isinstance(self.given, GeneratorType)
        several = isinstance(self.given, keras.utils.PyDataset) and self.batches != 1
        return 0 if (endless or several) and _rows_differ(batch) else None

    def is_like(self, other: Feed) -> bool:
        """Whether another call was given the same data, or as many of the same type."""
        same = self.batches is not None and self.batches == other.batches
        return self.given is other.given or (
            same and type(self.given) is type(other.given)
        )

    def unseen(self, batches: Sequence[Batch] = ()) -> UnseenRows | None:
        """Return rows that no epoch reached or epochs with few updates, else None.

        Args:
            batches: The first batches that were trained on, in order.
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
        """Return the rows missed by calls that each train on the same first batches."""
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
    """A dataset, how often it was iterated, and its number of batches."""

    dataset: ref[Any]
    times: int = 0
    batches: int = 0


class Feeds:
    """The ``fit`` calls of a block, and the datasets that are iterated over in it."""

    def __init__(self) -> None:
        self._fits: dict[tuple[int, int], Feed | None] = {}
        self._begun: dict[int, _Begun] = {}

    def clear(self) -> None:
        """Forget all calls and datasets."""
        self._fits.clear()
        self._begun.clear()

    def begun(self, dataset: Any) -> None:
        """Note that an iterator over a dataset was created."""
        known = self._begun.get(id(dataset))
        if known is None or known.dataset() is not dataset:
            known = self._begun[id(dataset)] = _Begun(ref(dataset))
        known.times += 1
        if known.times == _FEWEST_BATCHES:
            known.batches = _batches(dataset) or 0

    def add(self, key: tuple[int, int], feed: Feed) -> Feed:
        """Note a ``fit`` call.

        If the calls of one training are given different data, none of them is kept.

        Returns:
            The feed that represents the call: that of the first call if both were given
            similar data, else ``feed``.
        """
        known = self._fits.setdefault(key, feed)
        if known is not None and known is not feed and known.is_like(feed):
            known.calls.append(len(known.ended))
            return known
        if known is not feed:
            self._fits[key] = None
        return feed

    def only(self, key: tuple[int, int]) -> Feed | None:
        """Return the feed of the ``fit`` calls; None if there is none or it varied."""
        return self._fits.get(key)

    def repeated(
        self, key: tuple[int, int], batches: Sequence[Batch], steps: int
    ) -> RepeatedBatch | None:
        """Return the batch that came at every step though there are more rows, if any.

        Args:
            key: Identities of model and optimizer.
            batches: Batches that were seen, in order.
            steps: Number of updates made.
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
    """Return how many batches one pass over the data has, or None if unknown."""
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
            return None  # the source has single rows, repeated before batching
        given = sources[0]
    return None


def _ranks(dataset: Any) -> list[Any]:
    """Return the rank of each part of a dataset's elements."""
    parts = tf.nest.flatten(dataset.element_spec, expand_composites=True)
    return [it.shape.rank for it in parts]


def _held(given: Any) -> Iterable[Any]:
    """Yield arrays found in the attributes or variables of an iterator of batches."""
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
    """Whether rows of a batch differ: a batch of ones may be a placeholder."""
    return any(len(it) and bool(np.any(it != it[0])) for it in arrays_of(batch.x))


def _leaves(batch: Batch) -> list[Any]:
    return [*arrays_of(batch.x), *arrays_of(batch.y)]


def _holds(array: Any, batch: Batch) -> bool:
    """Whether an array contains the first row of a batch and has at least its rows."""
    return len(array) >= len(batch) and any(
        it.shape[1:] == array.shape[1:]
        and it.dtype.kind == array.dtype.kind
        and bool((it[0] == array).reshape(len(array), -1).all(axis=1).any())
        for it in arrays_of(batch.x)
    )
