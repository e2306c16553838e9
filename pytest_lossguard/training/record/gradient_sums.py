"""Sums of gradients in the user's variables, and whether they are ever reset.

For each variable it is observed whether gradients are added to it, and whether anything
else is ever written to it, as for a moving average of gradients.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import ref

import numpy as np

from ..backend.frameworks import tf
from ..backend.private_api import EAGER_ID
from ..backend.tensors import current_graph, raw, value_of

#: Operations on a gradient before it is added: dividing, casting, clipping.
_ON_THE_WAY = frozenset(
    ("Cast", "ClipByValue", "Identity", "Maximum", "Minimum", "Mul", "RealDiv")
)
_MOST_STEPS = 4
#: How often the same variable has to be applied: some loops create a new one each time.
_FEWEST_TIMES = 4


@dataclass(slots=True)
class _Written:
    """What was written to a variable.

    Attributes:
        variable: Weak reference to the variable.
        adds: Whether gradients were added to it.
        otherwise: Whether anything else was written to it.
        applied: How often it was applied; in a graph, `_FEWEST_TIMES` per trace.
    """

    variable: ref[Any]
    adds: bool = False
    otherwise: bool = False
    applied: int = 0


class GradientSums:
    """Records what is written to variables that gradients are added to."""

    def __init__(self) -> None:
        self._written: dict[int, _Written] = {}
        self._taken: frozenset[Any] = frozenset()

    def clear(self) -> None:
        """Forget all variables."""
        self._written.clear()
        self._taken = frozenset()

    def taken(self, gradients: Iterable[Any]) -> None:
        """Note the gradients that a tape returned."""
        self._taken = frozenset(_key(it) for it in gradients) - {None}

    def added(self, variable: Any, value: Any) -> None:
        """Note a call ``variable.assign_add(value)``."""
        is_gradient = self._is_gradient(value)
        known = self._of(variable, make=is_gradient)
        if known is not None:
            known.adds |= is_gradient
            known.otherwise |= not is_gradient

    def written(self, variable: Any) -> None:
        """Note that something else, such as 0, is written to a variable.

        Counts only in a graph, or after the sum in the variable was applied.
        """
        traced = current_graph() is not None
        known = self._of(variable, make=traced)
        if known is not None:
            known.otherwise |= traced or known.applied > 0

    def applied(self, gradients: Sequence[Any]) -> list[Any]:
        """Note the gradients given to an optimizer.

        Returns:
            The variables that hold the gradients; empty unless all gradients come from
            variables that gradients were added to.
        """
        found = [self._behind(it) for it in gradients if it is not None]
        sums = [it for it in found if it is not None]
        if len(sums) != len(found):
            return []
        for it in sums:
            it.applied += 1 if current_graph() is None else _FEWEST_TIMES
        return [it.variable() for it in sums]

    def never_reset(self, variables: Sequence[Any]) -> bool:
        """Whether all of the variables get gradients added and nothing else written."""
        return bool(variables) and all(
            it is not None
            and it.adds
            and not it.otherwise
            and it.applied >= _FEWEST_TIMES
            and bool(np.any(value_of(it.variable())))
            for it in map(self._of, variables)
        )

    def _of(self, variable: Any, make: bool = False) -> _Written | None:
        known = self._written.get(id(variable))
        if known is not None and known.variable() is not variable:
            known = None
        if known is None and make:
            known = self._written[id(variable)] = _Written(ref(variable))
        return known

    def _is_gradient(self, value: Any) -> bool:
        """Whether a value is a gradient last returned by a tape, perhaps scaled."""
        for _ in range(_MOST_STEPS):
            if _key(value) in self._taken:
                return True
            operation = None if current_graph() is None else _operation_of(value)
            if operation is None or operation.type not in _ON_THE_WAY:
                return False
            value = operation.inputs[0]
        return False

    def _behind(self, gradient: Any) -> _Written | None:
        """Return what is known of the variable that a gradient is read from."""
        known = self._of(raw(gradient))
        graph = current_graph()
        if known is not None or graph is None:
            return known
        for _ in range(_MOST_STEPS):
            operation = _operation_of(gradient)
            if operation is None or not operation.inputs:
                return None
            gradient = operation.inputs[0]
            if operation.type == "ReadVariableOp":
                return self._held_by(graph, gradient)
            if operation.type not in _ON_THE_WAY:
                return None
        return None

    def _held_by(self, graph: Any, handle: Any) -> _Written | None:
        captures = getattr(graph, "captures", ())
        outer = next((one for one, inner in captures if inner is handle), handle)
        held = ((it, it.variable()) for it in self._written.values())
        return next((it for it, its in held if _handle(its) is outer), None)


def _key(value: Any) -> Any:
    """Return a tensor's identity, not reused after deletion; None for non-tensors."""
    if not isinstance(value, tf.Tensor):
        return None
    eager = getattr(value, EAGER_ID, None)
    return (id(value.graph), value.name) if eager is None else eager


def _handle(variable: Any) -> Any:
    return getattr(variable, "handle", variable)


def _operation_of(value: Any) -> Any:
    return value.op if tf.is_tensor(value) and hasattr(value, "op") else None
