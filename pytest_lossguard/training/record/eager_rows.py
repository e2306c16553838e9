"""Detect in the operations of an eager step whether its loss mixes rows, or applies an
activation twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ...core.relations import ActivatedTwice, MixedRows, SoftmaxOverRows
from ..backend.frameworks import tf
from ..backend.private_api import EAGER_ID, eager_context
from ..backend.user_frames import taken_at
from .activated_twice import Made, activated_twice, made_by
from .mixed_rows import ELEMENTWISE, are_paired, may_be_labels
from .softmax_over_rows import NAME_BY_ROW, are_shares_of_rows, are_taken_by_row

_T = TypeVar("_T")

#: Tapes to observe, which are those of the first step or of the first few.
_TAPES = 6


class EagerRows(threading.local):
    """What operations under the first tapes of a thread do to rows and activations."""

    def __init__(self) -> None:
        self._left, self._open = _TAPES, 0
        self._learned: set[int] = set()
        self._mixed: dict[int, MixedRows | SoftmaxOverRows] = {}
        self._softmax: set[tuple[int | None, ...]] = set()
        self._made: dict[int, Made] = {}
        self._twice: dict[int, ActivatedTwice] = {}

    def opened(self) -> None:
        """Note that a tape was opened, perhaps inside another."""
        self._open += 1
        if self._open == 1 and self._left:
            self._left -= 1
            eager_context().add_op_callback(self._on_operation)

    def closed(self) -> None:
        """Note that a tape was closed."""
        self._open = max(0, self._open - 1)
        context = eager_context()
        if not self._open and self._on_operation in context.op_callbacks:
            context.remove_op_callback(self._on_operation)

    def predicted(self, outputs: Iterable[Any]) -> None:
        """Note a model's outputs: not every operation in a model is reported."""
        if self._open and self._on_operation in eager_context().op_callbacks:
            self._learned.update(_keys(outputs))

    def behind(self, losses: Sequence[Any]) -> MixedRows | SoftmaxOverRows | None:
        """Return what mixes rows in the computation of losses, else None."""
        return _first(self._mixed, _keys(losses))

    def twice_behind(self, losses: Sequence[Any]) -> ActivatedTwice | None:
        """Return the activation that losses take twice, else None."""
        return _first(self._twice, _keys(losses))

    def clear(self) -> None:
        """Forget everything and observe the next tapes again."""
        self._left = _TAPES
        self._learned.clear()
        self._mixed.clear()
        self._softmax.clear()
        self._made.clear()
        self._twice.clear()

    def _on_operation(
        self,
        kind: Any,
        inputs: Sequence[Any],
        attributes: Any,
        outputs: Sequence[Any],
        op_name: Any = None,
        graph: Any = None,
    ) -> None:
        del attributes, op_name
        if graph is not None:
            return
        made = [getattr(it, EAGER_ID) for it in outputs]
        used = [getattr(it, EAGER_ID) for it in inputs]
        self._activated(kind, inputs, used, made)
        if any(it.dtype == tf.resource for it in inputs):
            self._learned.update(made)
        elif not self._learned.isdisjoint(used):
            self._learned.update(made)
            if kind in ("Softmax", "LogSoftmax"):
                self._softmax.update(tuple(it.shape) for it in outputs)
            mixed = _first(self._mixed, used) or self._combined(kind, inputs, used)
            if mixed is not None:
                self._mixed.update(dict.fromkeys(made, mixed))

    def _activated(
        self, kind: Any, inputs: Sequence[Any], used: list[int], made: list[int]
    ) -> None:
        """Follow activations to one that is applied again, and that to the loss."""
        by = made_by(kind, [self._made.get(it) for it in used], inputs)
        twice = _first(self._twice, used)
        if by is not None:
            self._made.update(dict.fromkeys(made, by))
            if by.again:
                twice = twice or activated_twice(by, inputs[0], taken_at())
        if twice is not None:
            self._twice.update(dict.fromkeys(made, twice))

    def _combined(
        self, kind: Any, inputs: Sequence[Any], keys: Sequence[int]
    ) -> MixedRows | SoftmaxOverRows | None:
        if len(inputs) < 2:
            return None
        if kind not in ELEMENTWISE or len(inputs) != 2:
            return self._shared(kind, inputs, keys)
        one, other = inputs
        if one.shape == other.shape:
            return self._shared(kind, inputs, keys)
        if not (
            are_paired(one.shape, other.shape) or are_paired(other.shape, one.shape)
        ):
            return None
        if keys[0] not in self._learned:
            one, other = other, one
        elif keys[1] in self._learned:
            return None
        if not may_be_labels(other):
            return None
        return MixedRows(
            predictions=tuple(one.shape), labels=tuple(other.shape), place=taken_at()
        )

    def _shared(
        self, kind: Any, inputs: Sequence[Any], keys: Sequence[int]
    ) -> SoftmaxOverRows | None:
        """Return a softmax over the rows that is combined with one label per row."""
        shares, labels = inputs[:2]
        if kind in ELEMENTWISE and keys[0] not in self._learned:
            shares, labels = labels, shares
        elif keys[0] not in self._learned or keys[1] in self._learned:
            return None
        if kind in ELEMENTWISE:
            by_row = labels.shape.rank == 2 and are_taken_by_row(labels)
        else:
            by_row = kind in NAME_BY_ROW
        if not by_row or shares.shape.rank != 2 or tuple(shares.shape) in self._softmax:
            return None
        if not are_shares_of_rows(shares):
            return None
        return SoftmaxOverRows(units=shares.shape[1], place=taken_at(), by_class=True)


def _keys(tensors: Iterable[Any]) -> list[int]:
    """Return the identities that TensorFlow gives to eager tensors."""
    keys = (getattr(it, EAGER_ID, None) for it in tensors)
    return [it for it in keys if it is not None]


def _first(known: Mapping[int, _T], keys: Iterable[int]) -> _T | None:
    """Return the value of the first key that is known, else None."""
    return next((known[it] for it in keys if it in known), None)
