"""Find a softmax over the batch axis in a loss that takes labels row by row.

The search is for ``tf.nn.softmax(scores, axis=0)``, with scores of shape ``(rows,
classes)``, or the same written as ``exp / sum``, combined with a label per row. A
ranking of the rows, importance weights and contrastive losses use such a softmax on
purpose, but no class per row. A loss with one softmax per axis means it as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from ...core.relations import SoftmaxOverRows
from ..backend.frameworks import tf
from ..backend.graphs import tensors_behind
from ..backend.user_frames import written_at
from .mixed_rows import ELEMENTWISE, sources

#: Fewest rows: values of fewer rows may add up to 1 by chance.
_FEWEST_ROWS = 4
#: How far the sum of shares may be off 1, as in half precision.
_ROUNDED_SUM = 1e-3

_SOFTMAX = frozenset(("Softmax", "LogSoftmax"))
#: Operations that compute a softmax over the last axis and its loss with labels.
_CROSS_ENTROPY = frozenset(
    ("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits")
)
_DIVISIONS = frozenset(("Div", "DivNoNan", "RealDiv"))
_CHOICES = frozenset(("Gather", "GatherNd", "GatherV2"))
#: Operations that pick one value of each row by a label.
NAME_BY_ROW = _CHOICES | {"SparseSoftmaxCrossEntropyWithLogits"}
#: Operations that keep each value in its place.
_KEEPS = ELEMENTWISE | {"BiasAdd", "Cast", "Identity", "Neg"}
#: Operations on a logarithm of sums before it is subtracted.
_ON_THE_WAY = frozenset(
    ("Add", "AddV2", "ExpandDims", "Identity", "Reshape", "Squeeze")
)


def softmax_over_rows_in_graph(
    target: Any, outputs: Collection[int]
) -> SoftmaxOverRows | None:
    """Return the softmax over the rows in a traced loss, or None.

    Args:
        target: The loss, a tensor of a graph.
        outputs: Identities of the output tensors of models.
    """
    behind = [*tensors_behind([target], lambda it: id(it) in outputs)]
    found = [it for it in behind if _is_over_rows(it, outputs)]
    if not found:
        return None
    derived = _made_of({id(it) for it in found}, behind)
    own = derived | {id(one) for it in found for one in it.op.inputs}
    others = (it.op for it in behind if id(it) not in own)
    if any(it.type in _SOFTMAX | _CROSS_ENTROPY for it in others):
        return None
    units = int(found[0].shape[-1])
    uses = [_labels_of(it.op, derived, units, outputs) for it in behind]
    if not any(uses):
        return None
    return SoftmaxOverRows(
        units=units,
        place=written_at(found[0].op.traceback),
        by_class=any(it == "class" for it in uses),
    )


def are_shares_of_rows(values: Any) -> bool:
    """Whether eager values, or their exponentials, add up to 1 over the rows.

    They must do so in each column, and not over the columns.

    Args:
        values: Shares or their logarithms, shape ``(rows, columns)``.
    """
    table = np.asarray(values, np.float64)
    rows, columns = table.shape
    if rows < _FEWEST_ROWS or columns < 2 or rows == columns:
        return False
    if not table.min() >= 0:
        table = np.exp(np.minimum(table, 0.0)) if table.max() <= 0 else table * np.nan
    return _add_up(table, 0) and not _add_up(table, 1)


def are_taken_by_row(labels: Any) -> bool:
    """Whether eager labels of shape ``(rows, columns)`` are one-hot in each row."""
    table = np.asarray(labels)
    return bool(
        np.isin(table, (0, 1)).all() and (np.count_nonzero(table, axis=1) == 1).all()
    )


def _add_up(table: Any, axis: int) -> bool:
    return bool(np.all(np.abs(table.sum(axis=axis) - 1) < _ROUNDED_SUM))


def _made_of(roots: set[int], behind: Iterable[Any]) -> set[int]:
    """Return identities of the roots and of all tensors computed from them."""
    derived, more = set(roots), True
    tensors = [*behind]
    while more:
        new = {
            id(it)
            for it in tensors
            if id(it) not in derived and any(id(one) in derived for one in it.op.inputs)
        }
        derived |= new
        more = bool(new)
    return derived


def _is_over_rows(tensor: Any, outputs: Collection[int]) -> bool:
    operation = tensor.op
    if tensor.shape.rank != 2:
        return False
    if operation.type == "Transpose":  # of a softmax over the rows as the last axis
        (made, _) = operation.inputs
        scores = _turned(made.op.inputs[0]) if made.op.type in _SOFTMAX else None
    elif operation.type in _DIVISIONS:
        part, whole = operation.inputs
        is_share = part.op.type == "Exp" and _summed_over_rows(whole) is part
        scores = part.op.inputs[0] if is_share else None
    elif operation.type == "Sub":
        scores, whole = operation.inputs
        scores = scores if _is_log_of_sum(scores, whole) else None
    else:
        return False
    return scores is not None and _are_scores(scores, outputs)


def _turned(tensor: Any) -> Any:
    """Return the matrix that a tensor is the transpose of, else None."""
    if tensor.op.type != "Transpose" or tensor.shape.rank != 2:
        return None
    order = tf.get_static_value(tensor.op.inputs[1])
    is_turned = order is None or [*order] == [1, 0]  # the only useful order of two axes
    return tensor.op.inputs[0] if is_turned else None


def _summed_over_rows(tensor: Any) -> Any:
    """Return the matrix that a tensor is the sum over the first axis of, else None."""
    while tensor.op.type in ("ExpandDims", "Identity", "Reshape"):
        tensor = tensor.op.inputs[0]
    if tensor.op.type != "Sum" or tensor.op.inputs[0].shape.rank != 2:
        return None
    axes = tf.get_static_value(tensor.op.inputs[1])
    is_first = axes is not None and [*np.ravel(axes)] in ([0], [-2])
    return tensor.op.inputs[0] if is_first else None


def _is_log_of_sum(scores: Any, tensor: Any) -> bool:
    """Whether a tensor is the log-sum-exp of the scores over the rows."""
    while tensor.op.type in _ON_THE_WAY:
        tensor = tensor.op.inputs[0]
    if tensor.op.type != "Log":
        return False
    summed = _summed_over_rows(tensor.op.inputs[0])
    if summed is None or summed.op.type != "Exp":
        return False
    inner = summed.op.inputs[0]
    return inner is scores or (inner.op.type == "Sub" and inner.op.inputs[0] is scores)


def _are_scores(tensor: Any, outputs: Collection[int]) -> bool:
    """Whether a tensor is a model's output, only changed element-wise.

    It must have several columns.
    """
    rows, columns = tensor.shape if tensor.shape.rank == 2 else (None, None)
    if columns is None or columns < 2 or rows in (1, columns):
        return False
    pending, seen = [tensor], set[int]()
    while pending:
        tensor = pending.pop()
        if id(tensor) in outputs:
            return True
        if id(tensor) not in seen and tensor.op.type in _KEEPS:
            seen.add(id(tensor))
            pending += (it for it in tensor.op.inputs if it.shape.rank == 2)
    return False


def _labels_of(
    operation: Any, derived: set[int], units: int, outputs: Collection[int]
) -> str:
    """Return how an operation combines the softmax with labels.

    Args:
        operation: The operation.
        derived: Identities of tensors computed from the softmax.
        units: Number of columns of the softmax.
        outputs: Identities of the output tensors of models.

    Returns:
        ``"class"`` if labels name a column of each row, ``"values"`` if they are values
        for all columns, ``""`` if the operation takes no labels.
    """
    if len(operation.inputs) < 2:
        return ""
    one, other = operation.inputs[:2]
    if operation.type in _CHOICES | _CROSS_ENTROPY:
        named = id(one) in derived and "data" in sources(other, outputs)
        dense = operation.type == "SoftmaxCrossEntropyWithLogits"
        return ("values" if dense else "class") if named else ""
    if operation.type not in ELEMENTWISE:
        return ""
    if id(one) not in derived:
        one, other = other, one
    if id(one) not in derived or id(other) in derived:
        return ""
    if other.shape.rank != 2 or other.shape[-1] != units:
        return ""
    if sources(other, outputs) != {"data"}:
        return ""
    kinds = {it.op.type for it in tensors_behind([other])}
    return "class" if "OneHot" in kinds else "values"
