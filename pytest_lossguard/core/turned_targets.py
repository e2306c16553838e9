"""Images that are repeated with a mirrored target, as when image and mask are flipped
at random independently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data_facts import TurnedTargets
from .rows import evenly_spaced

#: Combinations of image axes to mirror.
_ALONG = ((0,), (1,), (0, 1))
#: Number of axes of a batch of images without channels.
_AXES = 3
#: Number of values of an image that are used to look it up; then the whole image is
#: compared.
_NUMBERS = 256


def turned_targets(
    batches: Sequence[tuple[Sequence[Any], Sequence[Any]]],
) -> TurnedTargets | None:
    """Count repeated images whose target was mirrored.

    Args:
        batches: Arrays of inputs and of targets of each batch, in training order.

    Returns:
        The counts; None if inputs or targets are not images, or if no image is
        repeated.
    """
    if any(len(x) != 1 or len(y) != 1 for x, y in batches):
        return None
    if any(it[0].ndim < _AXES for both in batches for it in both):
        return None
    if any(len(x[0]) != len(y[0]) or x[0].dtype.kind not in "fiub" for x, y in batches):
        return None
    first: dict[bytes, tuple[NDArray[Any], NDArray[Any]]] = {}
    again = turned = 0
    for (x,), (y,) in batches:
        flat = x.reshape(len(x), -1)
        some = np.ascontiguousarray(flat[:, evenly_spaced(flat.shape[1], _NUMBERS)])
        for row, image, target in zip(some, x, y, strict=True):
            known, its_target = first.setdefault(row.tobytes(), (image, target))
            if known is not image and np.array_equal(known, image):
                again += 1
                turned += _is_turned(image, its_target, target)
    return TurnedTargets(rows=again, turned=turned) if again else None


def _is_turned(image: NDArray[Any], one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether one target is the other one mirrored, and the image is not symmetric."""
    return any(
        one.shape == other.shape
        and not np.array_equal(one, other)
        and np.array_equal(np.flip(one, axes), other)
        and not np.array_equal(np.flip(image, axes), image)
        for axes in _ALONG
    )
