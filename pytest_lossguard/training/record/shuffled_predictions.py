"""Inputs that a model predicted from rows in another order than that of the labels.

``features = base.predict(dataset)`` of a dataset that is shuffled anew each time that
it is read, and labels from another reading, or in the order of the files: row by row
they do not belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ref

import numpy as np

from ..backend.frameworks import keras, tf
from ..backend.private_api import shuffles_anew, sources_of
from ..backend.tensors import flatten

__all__ = ["ShuffledPredictions"]


class ShuffledPredictions:
    """What models predicted from shuffled rows, and who is trained on it."""

    def __init__(self) -> None:
        self._made: dict[int, ref[Any]] = {}
        self._fed: set[tuple[int, int]] = set()

    def clear(self) -> None:
        """Forget them."""
        self._made.clear()
        self._fed.clear()

    def predicted(self, given: Any, found: Any) -> None:
        """A model predicted.

        Args:
            given: From these rows.
            found: This.
        """
        if _is_shuffled(given):
            owners = map(_owner, flatten(found))
            self._made |= {id(it): ref(it) for it in owners if it is not None}

    def trained_on(self, key: tuple[int, int], given: Mapping[str, Any]) -> None:
        """``fit`` is called.

        Args:
            key: Of model and optimizer.
            given: Its arguments.
        """
        if self._made and self._has(given.get("x")) and self._lacks(given.get("y")):
            self._fed.add(key)

    def fed(self, key: tuple[int, int]) -> bool:
        """Whether what trained got its inputs so, and its labels elsewhere."""
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
    """Whether rows come in another order each time, as far as that can be seen."""
    if isinstance(given, keras.utils.PyDataset):
        return getattr(given, "shuffle", None) is True
    if not isinstance(given, tf.data.Dataset):
        return False
    return shuffles_anew(given) or any(map(_is_shuffled, sources_of(given)))


def _owner(array: Any) -> Any:
    """The array that a view is of; None of what is no array."""
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return array if isinstance(array, np.ndarray) else None
