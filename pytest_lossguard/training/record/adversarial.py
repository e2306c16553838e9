"""Detect trainings that work against each other, such as the two of a GAN."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..backend.tensors import variable_key
from .recording import Recording

NOTE = (
    "at the same time another training changed what this loss depends on: the loss need"
    " not fall, and fails the test only if it blows up"
)


def is_adversarial(recording: Recording, others: Iterable[Recording]) -> bool:
    """Whether another training interferes with this one at the same time.

    The other has a different loss, and either trains variables that this loss depends
    on, or its loss depends on variables that this one trains.
    """
    return any(
        _at_once(recording, other)
        and (_depends(recording, other) or _depends(other, recording))
        and not _share_a_loss(recording, other)
        for other in others
        if other is not recording
    )


def _at_once(one: Recording, other: Recording) -> bool:
    return one.began < other.ended and other.began < one.ended


def _depends(one: Recording, other: Recording) -> bool:
    """Whether the loss of ``one`` uses variables that only ``other`` trains."""
    return bool((one.taped.uses - _trained(one)) & _trained(other))


def _trained(recording: Recording) -> frozenset[int]:
    return frozenset(map(variable_key, recording.variables))


def _share_a_loss(one: Recording, other: Recording) -> bool:
    """Whether both have one loss curve, as two optimizers for parts of one model do."""
    mine, theirs = one.table().loss, other.table().loss
    return np.array_equal(mine, theirs, equal_nan=True)
