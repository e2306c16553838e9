"""Copies of variables, one set for each concurrent run of a traced program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..backend.frameworks import tf
from ..backend.tensors import own_variable, raw, value_of


class VariableCopies:
    """Copies of all variables that a program changes.

    A concrete function takes the handles of its variables as inputs of each call. With
    the handles of the copies, it trains the copies without being traced again.

    Attributes:
        instead: Handles of the copies, by the ``id`` of the original handles.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self._copies = [own_variable(value_of(it)) for it in variables]
        pairs = zip(handles(variables), self._copies, strict=True)
        self.instead = {handle: copy.handle for handle, copy in pairs}

    def start_from(self, values: Sequence[Any]) -> None:
        """Assign values to the first copies, in order."""
        for copy, value in zip(self._copies, values, strict=False):
            tf.raw_ops.AssignVariableOp(resource=copy.handle, value=value)


def handles(variables: Iterable[Any]) -> list[int]:
    """Return the ``id`` of the handle of each variable."""
    return [id(raw(it).handle) for it in variables]
