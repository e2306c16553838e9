"""Find the operation of a loss that pairs each row with every other.

Predictions of shape ``(n, 1)`` and labels of shape ``(n,)`` broadcast to ``(n, n)``. In
a traced step the graph is searched from the loss back to the model's output; an eager
step is observed while its first tapes are open.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ...core.relations import MixedRows
from ..backend.frameworks import tf
from ..backend.graphs import tensors_behind
from ..backend.user_frames import written_at

#: Element-wise operations on two operands.
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
#: Operations that return the size of a tensor, not its content.
_SIZES = frozenset(("Rank", "Shape", "ShapeN", "Size"))
#: Fewest rows of a constant to count as data: class weights and the like have fewer.
_FEWEST_CONSTANT = 32
_DATA = frozenset(("IteratorGetNext", "IteratorGetNextSync"))


def are_paired(one: Any, other: Any) -> bool:
    """Whether the shapes are ``(n, 1)`` and ``(n,)`` with more than one row."""
    if one.rank != 2 or other.rank != 1 or one[1] != 1:
        return False
    return bool(one[0] == other[0] and one[0] != 1)


def mixed_rows_in_graph(target: Any, outputs: Collection[int]) -> MixedRows | None:
    """Return the first operation that mixes rows in a traced loss, else None.

    Args:
        target: The loss, a tensor of a graph.
        outputs: Identities of the output tensors of models.
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
    """Return what a tensor is computed from.

    Args:
        tensor: Tensor of a graph.
        outputs: Identities of the output tensors of models.

    Returns:
        ``"learned"`` if from variables or models, ``"data"`` if from inputs of the
        step; both, or neither.
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
    """Return the kinds of a function's input, or of a tensor that it captures."""
    if tensor.dtype == tf.resource:
        return {"learned"}
    return {"data"} if outer is None or may_be_labels(outer) else set()


def _is_data(constant: Any) -> bool:
    """Whether a constant of a graph holds rows of data.

    Small tensors that a function captures become constants.
    """
    rows = constant.shape[0] if constant.shape.rank else 0
    return rows >= _FEWEST_CONSTANT and may_be_labels(tf.get_static_value(constant))


def _captured(tensor: Any) -> Any:
    """Return the outer tensor that a graph captured as ``tensor``, else None."""
    captures = getattr(tensor.graph, "captures", ())
    return next((outer for outer, inner in captures if inner is tensor), None)


def may_be_labels(values: Any) -> bool:
    """Whether values may be labels: thresholds and bins are sorted, labels are not."""
    steps = np.diff(np.ravel(np.asarray(values)))
    return bool(np.any(steps > 0) and np.any(steps < 0))
