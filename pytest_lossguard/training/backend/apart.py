"""Inputs and targets that a dataset mismatches, as far as its structure shows.

Nothing is read: the datasets and the graphs of their functions are only walked through.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ...core.data_facts import MovedApart, ZippedApart
from ...core.rows import evenly_spaced
from .data import is_dataset
from .frameworks import has_own_step, tf
from .pipelines import Origins, chain_of, kind_of, leaves_of, origins_of
from .private_api import shuffle_seeds, shuffles_anew, slices_of, sources_of
from .user_frames import written_at

#: Datasets that drop elements because of what these hold, by the method's name.
_DROPPING = {"Filter": "filter", "IgnoreErrors": "ignore_errors", "Unique": "unique"}
#: Datasets whose elements are known to be different rows.
_VARYING = frozenset(
    {"Range", "TextLine", "TFRecord", "Interleave", "ParallelInterleave"}
)
#: Rank of a batch of images with channels, and of a batch of masks without.
_IMAGES_RANK, _MASKS_RANK = 4, 3
#: Rows compared to see whether labels vary.
_ENOUGH_ROWS = 64


def come_apart(
    dataset: Any, model: Any
) -> tuple[MovedApart | None, ZippedApart | None]:
    """Return how inputs and targets of a dataset are mismatched; None if they are not.

    Args:
        dataset: Dataset of batches that ``fit`` was given, or anything else.
        model: Keras model. A training step of its own may take any two datasets, such
            as two views of an image or two sets of images without pairs.
    """
    try:
        if not is_dataset(dataset) or has_own_step(model):
            return None, None
        leaves = leaves_of(dataset)
        if leaves is None:
            return None, None
        inputs, targets = (origins_of(dataset, it) for it in leaves)
        moved = _moved_apart(inputs, targets) if _are_images(dataset) else None
        return moved, _zipped_apart(inputs, targets)
    except Exception:  # the structure differs in another version of TensorFlow
        return None, None


def _are_images(dataset: Any) -> bool:
    """Whether inputs are images, and targets images of the same height and width."""
    inputs, targets = (
        [it.shape for it in tf.nest.flatten(part)] for part in dataset.element_spec[:2]
    )
    images = [it for it in inputs if it.rank is not None and it.rank >= _IMAGES_RANK]
    return bool(targets) and all(
        it.rank is not None
        and it.rank >= _MASKS_RANK
        and any(it[1:3].is_compatible_with(image[1:3]) for image in images)
        for it in targets
    )


def _moved_apart(inputs: Origins, targets: Origins) -> MovedApart | None:
    """Return the random moves of targets that their inputs do not go through.

    None if both are made from one image: they may be two views of it.
    """
    apart = targets.moving - inputs.draws.keys()
    if not apart or inputs.images & targets.images:
        return None
    places = sorted(written_at(targets.draws[it].traceback) for it in apart)
    others = inputs.draws.keys() - targets.draws.keys()
    return MovedApart(place=places[0], draws=len(apart), inputs_too=bool(others))


class _Branch(NamedTuple):
    """What happens to the rows of one of the datasets that are zipped.

    Attributes:
        drops: Datasets that drop elements because of what these hold.
        shuffles: Datasets that shuffle.
        caches: Datasets that keep the elements of their first reading.
    """

    drops: list[Any]
    shuffles: list[Any]
    caches: list[Any]

    @classmethod
    def of(cls, dataset: Any) -> _Branch:
        chain = [*chain_of(dataset)]
        return cls(
            [it for it in chain if kind_of(it) in _DROPPING],
            [it for it in chain if kind_of(it) == "Shuffle" and shuffle_seeds(it)],
            [it for it in chain if kind_of(it) == "Cache"],
        )


def _zipped_apart(inputs: Origins, targets: Origins) -> ZippedApart | None:
    if not (_vary(inputs) and _vary(targets)):
        return None
    for zipped in inputs.zips:
        mine = inputs.branches[id(zipped)]
        theirs = targets.branches.get(id(zipped), set())
        if theirs and not mine & theirs:
            return _apart_in(sources_of(zipped), mine, theirs)
    return None


def _vary(origins: Origins) -> bool:
    """Whether the rows come from known sources, each with different rows."""
    return bool(origins.sources) and all(
        kind_of(it) in _VARYING
        or (kind_of(it) == "TensorSlice" and _varies(slices_of(it)[index]))
        for it, index in origins.sources
    )


def _varies(rows: Any) -> bool:
    some = [np.asarray(rows[it]) for it in evenly_spaced(len(rows), _ENOUGH_ROWS)]
    return any(np.any(it != some[0]) for it in some)


def _apart_in(
    sources: Sequence[Any], mine: set[int], theirs: set[int]
) -> ZippedApart | None:
    """Return what only inputs or only targets go through, if no input has its target
    beside it.
    """
    inputs, targets = (
        [_Branch.of(sources[it]) for it in sorted(some)] for some in (mine, theirs)
    )
    pairs = [*product(inputs, targets)]
    if all(_shuffled_apart(*it) for it in pairs):
        return ZippedApart(
            inputs=("shuffle",) * any(it.shuffles for it in inputs),
            targets=("shuffle",) * any(it.shuffles for it in targets),
            shuffled=True,
        )
    if all(bool(one.drops) != bool(other.drops) for one, other in pairs):
        return ZippedApart(
            inputs=_methods(inputs), targets=_methods(targets), shuffled=False
        )
    return None


def _methods(branches: Sequence[_Branch]) -> tuple[str, ...]:
    names = (_DROPPING[kind_of(it)] for branch in branches for it in branch.drops)
    return tuple(dict.fromkeys(names))


def _shuffled_apart(one: _Branch, other: _Branch) -> bool:
    """Whether two datasets have their rows in another order for certain.

    Equal seeds give the same order. One dataset that both come from is shuffled anew
    for each of them.
    """
    if len(one.shuffles) > 1 or len(other.shuffles) > 1:
        return False
    if not (one.shuffles and other.shuffles):
        return bool(one.shuffles or other.shuffles)
    mine, theirs = one.shuffles[0], other.shuffles[0]
    if mine is theirs:
        return shuffles_anew(mine) and not (one.caches or other.caches)
    seeds = shuffle_seeds(mine)
    return seeds != shuffle_seeds(theirs) or seeds == (0, 0)
