"""Find a loss that takes the softmax or the sigmoid of values that are one already.

The losses of ``tf.nn`` take logits. A model that ends with softmax or sigmoid gives
them probabilities, of which they take a softmax or sigmoid once more. Keras' losses
look for the logits themselves and are right in both cases. In a traced step the graph
is searched; an eager step is observed while its first tapes are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ...core.relations import ActivatedTwice
from ..backend.frameworks import tf
from ..backend.graphs import tensors_behind
from ..backend.user_frames import written_at

_Name = Literal["softmax", "sigmoid", "exp"]

#: What operations apply to their first operand. The logarithm of 1 + exp is that of a
#: sigmoid.
_APPLIES: dict[str, _Name] = {
    "LogSoftmax": "softmax",
    "Softmax": "softmax",
    "SoftmaxCrossEntropyWithLogits": "softmax",
    "SparseSoftmaxCrossEntropyWithLogits": "softmax",
    "Sigmoid": "sigmoid",
    "Softplus": "sigmoid",
    "Log1p": "exp",
}
#: Those whose result is the activation itself.
_MAKES = frozenset(("Softmax", "Sigmoid"))
#: Operations that keep values, and those that a loss of logits takes before it.
_KEEPS = frozenset(
    ("Cast", "ExpandDims", "Identity", "Reshape", "Squeeze", "StopGradient")
)
_SELECTS = frozenset(("Select", "SelectV2"))
_SIGNS = _SELECTS | {"Neg"}


@dataclass(frozen=True, slots=True)
class Made:
    """What made the values of a tensor.

    Attributes:
        by: The activation; ``"exp"`` for the exponential of a sigmoid.
        scale: Factor that the values were multiplied by.
        again: Whether it was applied to values that it had made before.
    """

    by: _Name
    scale: float = 1.0
    again: bool = False


def made_by(
    kind: str, given: Sequence[Made | None], values: Sequence[Any]
) -> Made | None:
    """Return what made the result of an operation; None for all that does not count.

    Args:
        kind: The type of the operation.
        given: What made its operands.
        values: The operands.
    """
    place = 1 if kind in _SELECTS else 0
    first = given[place] if len(given) > place else None
    applied = _APPLIES.get(kind)
    if applied is not None:
        if first is not None and first.by == applied:
            return replace(first, again=True)
        return Made(applied) if kind in _MAKES else None
    if first is None:
        return None
    if first.by == "sigmoid" and kind == "Exp":
        return Made("exp")
    if kind in _KEEPS or (first.by == "sigmoid" and kind in _SIGNS):
        return first
    return _scaled(kind, first, values)


def _scaled(kind: str, made: Made, values: Sequence[Any]) -> Made | None:
    """Return what made values that are divided or multiplied by a number."""
    factor = tf.get_static_value(values[1]) if len(values) > 1 else None
    if factor is None or np.size(factor) != 1 or made.by == "exp":
        return None
    number = np.asarray(factor, np.float64).item()
    if kind == "RealDiv" and number >= 1:
        return Made(made.by, made.scale / number)
    if kind == "Mul" and 0 < number <= 1:
        return Made(made.by, made.scale * number)
    return None


def activated_twice_in_graph(losses: Sequence[Any]) -> ActivatedTwice | None:
    """Return the first activation that is applied twice in a traced loss, or None.

    Args:
        losses: The tensors of a graph that gradients are taken of.
    """
    known = [it for it in losses if hasattr(it, "op")]
    behind = {it.op.name for it in tensors_behind(known)}
    made: dict[str, Made | None] = {}
    for operation in known[0].graph.get_operations() if known else ():
        if operation.name not in behind or not operation.outputs:
            continue
        given = [made.get(it.name) for it in operation.inputs]
        it = made_by(operation.type, given, operation.inputs)
        if it is not None and it.again:
            place = written_at(operation.traceback)
            return activated_twice(it, operation.inputs[0], place)
        made[operation.outputs[0].name] = it
    return None


def activated_twice(made: Made, values: Any, place: str) -> ActivatedTwice:
    """Return the fact that an activation was applied again.

    Args:
        made: What was made twice.
        values: What it was applied to.
        place: Location in the user's code.
    """
    by_softmax = made.by == "softmax"
    return ActivatedTwice(
        by="softmax" if by_softmax else "sigmoid",
        units=values.shape[-1] if by_softmax and values.shape.rank else None,
        scale=made.scale,
        place=place,
    )
