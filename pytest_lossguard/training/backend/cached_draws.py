"""Random operations of a dataset whose results a cache keeps for all epochs.

Nothing is read: the datasets and the graphs of their functions are only walked through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...core.data_facts import CachedDraws
from .data import is_dataset
from .frameworks import tf
from .pipelines import kind_of, origins_of
from .private_api import sources_of
from .user_frames import written_at

#: Datasets that are no data: what is drawn for their elements is made once on purpose.
_COUNTING = frozenset({"Range", "Random"})


def cached_draws(dataset: Any, epochs: int) -> CachedDraws | None:
    """Return the random operations on data that come before a ``cache()``, or None.

    Args:
        dataset: Dataset of batches that ``fit`` was given, or anything else.
        epochs: How often it was read; once is not enough.
    """
    if not is_dataset(dataset) or epochs <= 1:
        return None
    try:
        kept = (_kept_by(it, epochs) for it in _caches(dataset))
        return next(filter(None, kept), None)
    except Exception:  # the structure differs in another version of TensorFlow
        return None


def _caches(dataset: Any) -> Iterator[Any]:
    if kind_of(dataset) == "Cache":
        yield dataset
    for source in sources_of(dataset):
        yield from _caches(source)


def _kept_by(cache: Any, epochs: int) -> CachedDraws | None:
    (source,) = sources_of(cache)
    draws: dict[Any, Any] = {}
    for leaf in range(len(tf.nest.flatten(source.element_spec))):
        origins = origins_of(source, [leaf])
        if any(kind_of(it) not in _COUNTING for it, _ in origins.sources):
            draws |= origins.draws | origins.keyed
    if not draws:
        return None
    places = sorted(written_at(it.traceback) for it in draws.values())
    return CachedDraws(place=places[0], epochs=epochs)
