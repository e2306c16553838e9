"""Variables of its own for each of several runs of one traced program at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..backend.frameworks import tf
from ..backend.tensors import own_variable, raw, value_of

__all__ = ["VariableCopies", "handles"]


class VariableCopies:
    """Copies of all variables that a program changes.

    What was traced names its variables by handles that it is given anew at each call:
    given others it trains others, with no second trace.

    Attributes:
        instead: The handles of the copies, by the identity of those that they stand in
            for.
    """

    def __init__(self, variables: Sequence[Any]) -> None:
        self._copies = [own_variable(value_of(it)) for it in variables]
        pairs = zip(handles(variables), self._copies, strict=True)
        self.instead = {handle: copy.handle for handle, copy in pairs}

    def start_from(self, values: Sequence[Any]) -> None:
        """Give the first of the copies these values."""
        for copy, value in zip(self._copies, values, strict=False):
            tf.raw_ops.AssignVariableOp(resource=copy.handle, value=value)


def handles(variables: Iterable[Any]) -> list[int]:
    """The identities of the handles of variables."""
    return [id(raw(it).handle) for it in variables]
