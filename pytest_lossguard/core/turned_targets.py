"""Images that came again with a mirrored target, as where image and mask are flipped
at random, each for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .changed_labels import rows_as_bytes
from .data_facts import TurnedTargets

__all__ = ["turned_targets"]

#: Axes that an image is mirrored along.
_ALONG = ((0,), (1,), (0, 1))
#: Axes of a batch of images without channels.
_AXES = 3


def turned_targets(
    batches: Sequence[tuple[Sequence[Any], Sequence[Any]]],
) -> TurnedTargets | None:
    """How many images came again with their target mirrored.

    Args:
        batches: Arrays of inputs and of targets, as they were trained on.

    Returns:
        None where inputs or targets are no images, or none came again.
    """
    if any(len(x) != 1 or len(y) != 1 for x, y in batches):
        return None
    if any(it[0].ndim < _AXES for both in batches for it in both):
        return None
    first: dict[bytes, NDArray[Any]] = {}
    again = turned = 0
    for (x,), (y,) in batches:
        keys = rows_as_bytes([x])
        if len(keys) != len(y) or None in keys:
            return None
        for key, image, target in zip(keys, x, y, strict=True):
            known = first.setdefault(key, target)
            again += known is not target
            turned += known is not target and _is_turned(image, known, target)
    return TurnedTargets(rows=again, turned=turned) if again else None


def _is_turned(image: NDArray[Any], one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether one target is the other mirrored, and the image would not be the same."""
    return any(
        one.shape == other.shape
        and not np.array_equal(one, other)
        and np.array_equal(np.flip(one, axes), other)
        and not np.array_equal(np.flip(image, axes), image)
        for axes in _ALONG
    )
