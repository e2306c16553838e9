"""Variables that gradients were taken of and that no recorded optimizer changed.

They are compared with their first values to find trainings that were not recorded.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

from ...core.findings import Finding
from ...core.numbers import format_names
from ...judge.updates import trained_unseen
from ..backend.frameworks import tf
from ..backend.tensors import is_plain, raw, value_of, variable_path

#: Bytes of all variables that are kept alive to be compared at the end; further ones
#: are held by weak references.
MOST_KEPT = 1 << 26
#: Bytes of a value up to which its digest is a CRC-32; above it is a sum, which takes a
#: tenth of the time.
SMALL = 1 << 22
#: How often all weights may be assigned at once before that counts as training.
_MOST_GIVEN = 3
#: Variable names listed in the message.
_MOST_NAMED = 3

Digest = tuple[int, int]


@dataclass(slots=True)
class _Asked:
    """A variable of which gradients were taken.

    Attributes:
        get: Returns the variable, or None if it was deleted.
        path: Path of the variable.
        start: Digest of its first value; None before it has one.
        by: Where its gradients were taken, such as ``"train.py:12"``.
        is_loose: Whether the variable is held by a weak reference.
        moved: Whether its value has changed.
    """

    get: Callable[[], Any]
    path: str
    start: Digest | None
    by: str
    is_loose: bool
    moved: bool = False

    def look(self) -> None:
        """Compare the current value with the first one."""
        variable = self.get()
        if variable is None or self.moved:
            return
        now = digest(variable)
        if self.start is None:
            self.start = now
        self.moved = now is not None and now != self.start

    def restart(self) -> None:
        """Take the current value as the first one."""
        variable = self.get()
        if variable is not None and not self.moved:
            self.start = digest(variable) or self.start


class Asked:
    """The variables that gradients were taken of, with digests of their first values.

    A Polyak average, a target network and running statistics are only copied to; no
    gradients are taken of them, so they may change.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Asked] = {}
        self._kept = 0
        self._given = 0
        self._is_loose = False

    def add(self, variables: Iterable[Any], by: Callable[[], str]) -> None:
        """Note that gradients were taken with respect to ``variables``.

        Args:
            variables: Variables that a gradient reaches.
            by: Returns the place of the call, such as ``"train.py:12"``.
        """
        new = []
        for variable in variables:
            known = self._known.get(id(raw(variable)))
            if known is None or known.get() is None:
                new.append(variable)
            elif known.start is None:  # created in a first trace, without a value
                known.look()
        if not new:
            return
        where = by()
        for variable in filter(lambda it: it.trainable, new):
            inner = raw(variable)
            size = inner.dtype.size * (inner.shape.num_elements() or 0)
            self._kept += size
            loose = self._kept > MOST_KEPT
            self._is_loose = self._is_loose or loose
            self._known[id(inner)] = _Asked(
                get=ref(inner) if loose else partial(_itself, inner),
                path=variable_path(variable),
                start=digest(inner),
                by=where,
                is_loose=loose,
            )

    def check_loose(self, recorded: Callable[[], Collection[int]]) -> None:
        """Compare variables that may be deleted before the end; call after each step.

        Args:
            recorded: Returns keys of the variables that recorded trainings update.
        """
        if self._is_loose:
            self._look(recorded(), lambda it: it.is_loose)

    @contextmanager
    def giving(self, recorded: Callable[[], Collection[int]]) -> Iterator[None]:
        """Do not count assignments in the block as training, unless repeated often.

        For calls that assign all weights at once, such as ``load_weights``.
        """
        others = self._others(recorded()) if self._known else []
        self._given += bool(others)
        for known in others:
            known.look()
        yield
        if self._given <= _MOST_GIVEN:
            for known in others:
                known.restart()

    def found(self, recorded: Collection[int]) -> list[Finding]:
        """Return one finding for variables that changed unrecorded, or an empty list.

        Args:
            recorded: Keys of the variables that recorded trainings update.
        """
        self._look(recorded, lambda _: True)
        moved = [it for it in self._others(recorded) if it.moved]
        if not moved:
            return []
        listed = format_names((it.path for it in moved), _MOST_NAMED)
        values = [it.get() for it in moved]
        broken = any(it is not None and not _is_finite(it) for it in values)
        return [
            trained_unseen(
                value=len(moved),
                where=listed,
                by=" and ".join(dict.fromkeys(it.by for it in moved)),
                ended=", and ended at values that are not finite" if broken else "",
            )
        ]

    def clear(self) -> None:
        """Forget all variables."""
        self._known.clear()
        self._kept = self._given = 0
        self._is_loose = False

    def _others(self, recorded: Collection[int]) -> list[_Asked]:
        return [it for key, it in self._known.items() if key not in recorded]

    def _look(self, recorded: Collection[int], which: Callable[[_Asked], bool]) -> None:
        for known in filter(which, self._others(recorded)):
            known.look()


def _itself(variable: Any) -> Any:
    return variable


def digest(variable: Any) -> Digest | None:
    """Return a digest of a variable's value that changes with any bit of it.

    None if the variable has no value yet, or belongs to a separate graph.
    """
    value = _value(variable)
    if value is None or not np.size(value):  # one without a value reads as empty
        return None
    held = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    if len(held) <= SMALL:
        return zlib.crc32(held.data), 0
    whole = len(held) // 8 * 8
    total = np.add.reduce(held[:whole].view(np.uint64))
    return int(total), zlib.crc32(held[whole:].data)


def _is_finite(variable: Any) -> bool:
    value = _value(variable)
    return value is None or bool(np.isfinite(np.asarray(value, np.float64).sum()))


def _value(variable: Any) -> Any:
    try:
        with tf.init_scope():
            if not tf.executing_eagerly():
                return None
            plain = is_plain(variable)
            read = value_of(variable, in_place=True) if plain else variable.value()
            return read.numpy()
    except (tf.errors.OpError, ValueError, AttributeError, NotImplementedError):
        return None
