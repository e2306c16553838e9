"""Detect inputs that a model predicted in another row order than that of the labels.

An example is ``features = base.predict(dataset)`` with a dataset that is reshuffled at
each iteration, and labels from another iteration or in the order of the files: inputs
and labels of a row then do not belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np

from ..backend.frameworks import keras, tf
from ..backend.private_api import shuffles_anew, sources_of
from ..backend.tensors import flatten


class ShuffledPredictions:
    """Predictions made from shuffled rows, and trainings that use them as inputs."""

    def __init__(self) -> None:
        self._made: dict[int, ref[Any]] = {}
        self._fed: set[tuple[int, int]] = set()

    def clear(self) -> None:
        """Forget all predictions."""
        self._made.clear()
        self._fed.clear()

    def predicted(self, given: Any, found: Any) -> None:
        """Note a call of ``predict``.

        Args:
            given: Inputs of the call.
            found: Predictions that it returned.
        """
        if _is_shuffled(given):
            owners = map(_owner, flatten(found))
            self._made |= {id(it): ref(it) for it in owners if it is not None}

    def trained_on(self, key: tuple[int, int], given: Mapping[str, Any]) -> None:
        """Note a call of ``fit``.

        Args:
            key: Identities of model and optimizer.
            given: Arguments of the call.
        """
        if self._made and self._has(given.get("x")) and self._lacks(given.get("y")):
            self._fed.add(key)

    def fed(self, key: tuple[int, int]) -> bool:
        """Whether a training got shuffled predictions as inputs and other labels."""
        return key in self._fed

    def _has(self, structure: Any) -> bool:
        return any(map(self._knows, flatten(structure)))

    def _lacks(self, structure: Any) -> bool:
        leaves = flatten(structure)
        return bool(leaves) and not any(map(self._knows, leaves))

    def _knows(self, leaf: Any) -> bool:
        owner = _owner(leaf)
        known = None if owner is None else self._made.get(id(owner))
        return known is not None and known() is owner


def _is_shuffled(given: Any) -> bool:
    """Whether data are known to come in another row order at each iteration."""
    if isinstance(given, keras.utils.PyDataset):
        return getattr(given, "shuffle", None) is True
    if not isinstance(given, tf.data.Dataset):
        return False
    return shuffles_anew(given) or any(map(_is_shuffled, sources_of(given)))


def _owner(array: Any) -> Any:
    """Return the array that a view belongs to; None for a non-array."""
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return array if isinstance(array, np.ndarray) else None
