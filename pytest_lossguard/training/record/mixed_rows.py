"""Finds the operation of a loss that pairs each row with every other.

Predictions of shape ``(n, 1)`` against labels of shape ``(n,)`` become ``(n, n)``. It
is seen where the step is traced, from the loss back to the model's output; of a step
that runs eagerly, while its first tapes are open.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ...core.relations import MixedRows
from ..backend.frameworks import tf
from ..backend.graphs import tensors_behind
from ..backend.user_frames import written_at

__all__ = [
    "ELEMENTWISE",
    "are_paired",
    "may_be_labels",
    "mixed_rows_in_graph",
    "sources",
]

#: Operations that work element by element, on two operands.
ELEMENTWISE = frozenset(
    (
        "Add",
        "AddV2",
        "Div",
        "Maximum",
        "Minimum",
        "Mul",
        "Pow",
        "RealDiv",
        "SquaredDifference",
        "Sub",
    )
)
#: What says how large a tensor is, and not what is in it.
_SIZES = frozenset(("Rank", "Shape", "ShapeN", "Size"))
#: Rows of a constant that are no weights of classes or the like.
_FEWEST_CONSTANT = 32
_DATA = frozenset(("IteratorGetNext", "IteratorGetNextSync"))


def are_paired(one: Any, other: Any) -> bool:
    """Whether shapes are ``(n, 1)`` and ``(n,)``, for more than one row."""
    if one.rank != 2 or other.rank != 1 or one[1] != 1:
        return False
    return bool(one[0] == other[0] and one[0] != 1)


def mixed_rows_in_graph(target: Any, outputs: Collection[int]) -> MixedRows | None:
    """The first such operation behind a loss that is being traced.

    Args:
        target: The loss, a tensor of a graph.
        outputs: Identities of the tensors that models made.
    """
    for tensor in tensors_behind([target], lambda it: id(it) in outputs):
        operation = tensor.op
        if id(tensor) in outputs or operation.type not in ELEMENTWISE:
            continue
        if len(operation.inputs) == 2:
            one, other = operation.inputs
            if not (_may_pair(one, other) or _may_pair(other, one)):
                continue
            made_of = [sources(it, outputs) for it in (one, other)]
            if made_of[0] == {"data"}:
                one, other = other, one
            if "learned" in sources(one, outputs) and {"data"} in made_of:
                return MixedRows(
                    predictions=tuple(one.shape),
                    labels=tuple(other.shape),
                    place=written_at(operation.traceback),
                )
    return None


def _may_pair(one: Any, other: Any) -> bool:
    return are_paired(one.shape, other.shape)


def sources(tensor: Any, outputs: Collection[int]) -> set[str]:
    """What a tensor is made of: ``"learned"`` of variables, ``"data"`` of what the
    step is given.
    """
    pending, seen, found = [tensor], set(), set()
    while pending:
        tensor = pending.pop()
        if id(tensor) in outputs:
            found.add("learned")
            continue
        if not hasattr(tensor, "op") or tensor.op in seen:
            continue
        operation = tensor.op
        seen.add(operation)
        if operation.type in _DATA:
            found.add("data")
        elif operation.type == "Placeholder":
            outer = _captured(tensor)
            if outer is None or hasattr(outer, "numpy"):
                found |= _kinds_of_input(tensor, outer)
            else:
                pending.append(outer)
        elif operation.type == "Const":
            found |= {"data"} if _is_data(tensor) else set()
        elif operation.type not in _SIZES:
            pending.extend(operation.inputs)
    return found


def _kinds_of_input(tensor: Any, outer: Any) -> set[str]:
    """What a function is given, or finds outside of it."""
    if tensor.dtype == tf.resource:
        return {"learned"}
    return {"data"} if outer is None or may_be_labels(outer) else set()


def _is_data(constant: Any) -> bool:
    """Whether a constant of a graph is rows: small tensors that a function finds
    outside of it become constants.
    """
    rows = constant.shape[0] if constant.shape.rank else 0
    return rows >= _FEWEST_CONSTANT and may_be_labels(tf.get_static_value(constant))


def _captured(tensor: Any) -> Any:
    """The tensor outside of a graph that stands behind one, None of any other."""
    captures = getattr(tensor.graph, "captures", ())
    return next((outer for outer, inner in captures if inner is tensor), None)


def may_be_labels(values: Any) -> bool:
    """Whether known values are of rows, and no thresholds or bins: those are sorted."""
    steps = np.diff(np.ravel(np.asarray(values)))
    return bool(np.any(steps > 0) and np.any(steps < 0))
