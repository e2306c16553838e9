"""What gradients were asked of, and whether it moved by other hands than an
optimizer's that is recorded.
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
from ...judge.step import trained_unseen
from ..backend.frameworks import tf
from ..backend.tensors import is_plain, raw, value_of, variable_path

__all__ = ["Asked", "Digest", "digest"]

#: Variables of together more bytes are not kept alive to be compared at the end.
_MOST_KEPT = 1 << 26
#: Up to so many bytes a digest tells any two values apart; of more it is a sum, which
#: takes a tenth of the time.
_SMALL = 1 << 22
#: So often weights may be given in one piece before that counts as training them.
_MOST_GIVEN = 3
#: Names that a sentence has room for.
_MOST_NAMED = 3

Digest = tuple[int, int]


@dataclass(slots=True)
class _Asked:
    """A variable, how to get it, its value at first, and where gradients were taken."""

    get: Callable[[], Any]
    path: str
    start: Digest | None
    by: str
    is_loose: bool
    moved: bool = False

    def look(self) -> None:
        """Compare the value now with the one at first."""
        variable = self.get()
        if variable is None or self.moved:
            return
        now = digest(variable)
        if self.start is None:
            self.start = now
        self.moved = now is not None and now != self.start

    def restart(self) -> None:
        """Take the value now for the one at first."""
        variable = self.get()
        if variable is not None and not self.moved:
            self.start = digest(variable) or self.start


class Asked:
    """The variables that a tape was asked for, each with a digest of its first value.

    A Polyak average, a target network, running statistics: what is only copied to is
    asked of no tape, and may move.
    """

    def __init__(self) -> None:
        self._known: dict[int, _Asked] = {}
        self._kept = 0
        self._given = 0
        self._is_loose = False

    def add(self, variables: Iterable[Any], by: Callable[[], str]) -> None:
        """Gradients were asked with respect to them.

        Args:
            variables: Those that a gradient reaches.
            by: Says where, as ``"train.py:12"``.
        """
        new = []
        for variable in variables:
            known = self._known.get(id(raw(variable)))
            if known is None or known.get() is None:
                new.append(variable)
            elif known.start is None:  # it was made in a first trace
                known.look()
        if not new:
            return
        where = by()
        for variable in filter(lambda it: it.trainable, new):
            inner = raw(variable)
            size = inner.dtype.size * (inner.shape.num_elements() or 0)
            self._kept += size
            loose = self._kept > _MOST_KEPT
            self._is_loose = self._is_loose or loose
            self._known[id(inner)] = _Asked(
                get=ref(inner) if loose else partial(_itself, inner),
                path=variable_path(variable),
                start=digest(inner),
                by=where,
                is_loose=loose,
            )

    def check_loose(self, recorded: Callable[[], Collection[int]]) -> None:
        """Compare what may be gone by the end; called after each step."""
        if self._is_loose:
            self._look(recorded(), lambda it: it.is_loose)

    @contextmanager
    def giving(self, recorded: Callable[[], Collection[int]]) -> Iterator[None]:
        """Weights are being given in one piece, as from a file: no training, unless
        that happens again and again.
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
        """What moved and is not recorded, as one finding; none where nothing did.

        Args:
            recorded: Keys of the variables that recorded trainings move.
        """
        self._look(recorded, lambda _: True)
        moved = [it for it in self._others(recorded) if it.moved]
        if not moved:
            return []
        names = [it.path for it in moved[:_MOST_NAMED]]
        more = len(moved) - len(names)
        listed = ", ".join(names) + (f" and {more} more" if more else "")
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
        """Forget them."""
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
    """What differs as soon as one bit of the value does; None where it has no value
    yet, or lives in a graph of its own.
    """
    value = _value(variable)
    if value is None:
        return None
    held = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    if len(held) <= _SMALL:
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
