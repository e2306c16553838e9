"""Compute norms of gradients, weights and updates of many variables cheaply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.rows import evenly_spaced
from ...core.trace import EXACT_WEIGHTS
from ..backend.frameworks import tf
from ..backend.tensors import graph_function, raw, stacked, value_of

#: Variables with at most the first number of values are summed together, if there are
#: at least the second number of them; the copy of larger ones costs more than it saves.
_TINY, _ENOUGH_TINY = 1 << 11, 3
#: Up to this many values a sum of squares is taken in float64; a copy of a larger
#: tensor would cost more than the sum.
_SMALL = 1 << 12
#: The change of a variable with more values than the first number is estimated from
#: rows with about the second number: the exact change takes a copy of every weight.
#: Above `EXACT_WEIGHTS` values the norm of the weights is estimated too: such a step is
#: bound by memory, and reading the weights once more takes 5 % of it and more.
_LARGE, _SOME = 1 << 16, 1 << 14
_ABSENT = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows of a variable, or all of it.

    Attributes:
        places: Indices of the rows for `tf.gather_nd`; None for all rows.
        share: Factor from the sum of squares over these rows to the estimate over all
            rows, a float or a scalar tensor.
    """

    places: Any = None
    share: Any = 1.0

    def of(self, value: Any) -> Any:
        """Return these rows of the variable's value."""
        return value if self.places is None else tf.gather_nd(value, self.places)


_ALL = Rows()


@dataclass(frozen=True, slots=True, kw_only=True)
class NormPlan:
    """The values of one variable that are summed at an update.

    Attributes:
        variable: A trainable variable.
        gradient: Gradient values to sum, a tensor; None if there is no gradient.
        weights: Rows whose weights are summed.
        moved: Rows whose change is summed.
        by_rows: Whether an optimizer may update the variable row by row.
    """

    variable: Any
    gradient: Any
    weights: Rows
    moved: Rows
    by_rows: bool = False

    def value(self) -> Any:
        """Return the variable's current value without a copy."""
        return value_of(self.variable, in_place=self.by_rows)


def plan_norms(variable: Any, gradient: Any, *, xla: bool = False) -> NormPlan:
    """Decide before an update which values of a variable and its gradient to sum.

    A sparse gradient of a large variable, such as an embedding, changes only a few of
    its rows, and summing all rows would take as long as the step. The change is then
    taken from rows of the gradient, and the norm of the weights from evenly spaced
    rows.

    Args:
        variable: A trainable variable.
        gradient: Gradient as it reached the optimizer, or None.
        xla: Whether XLA compiles the step, which cannot find the distinct rows of a
            sparse gradient.
    """
    values = _size(raw(variable)) or 0
    if isinstance(gradient, tf.IndexedSlices) and values > _LARGE and not xla:
        rows, whose = tf.unique(gradient.indices)
        return NormPlan(
            variable=variable,
            gradient=tf.math.unsorted_segment_sum(
                gradient.values, whose, tf.size(rows)
            ),
            weights=_spread_rows(variable.shape),
            moved=_some_of(rows, variable.shape),
            by_rows=True,
        )
    moved = _ALL if values <= _LARGE else _spread_rows(variable.shape)
    return NormPlan(
        variable=variable,
        gradient=_shaped(gradient, variable),
        weights=_ALL if values <= EXACT_WEIGHTS else moved,
        moved=moved,
    )


def _some_of(rows: Any, shape: Sequence[int]) -> Rows:
    """Return evenly spaced rows among those of a sparse gradient."""
    count, columns = tf.size(rows), np.prod(shape[1:], dtype=np.int32)
    some = rows[:: tf.maximum(1, count * columns // _SOME)]
    share = tf.cast(count, tf.float64) / tf.cast(
        tf.maximum(1, tf.size(some)), tf.float64
    )
    return Rows(places=some[:, None], share=share)


def _spread_rows(shape: Sequence[int]) -> Rows:
    """Return evenly spaced rows (slices along the last axis) of a large variable."""
    *others, columns = shape
    rows = int(np.prod(others))
    if not others:
        return _ALL
    count = min(rows, max(1, _SOME // columns))
    chosen = evenly_spaced(rows, count)
    places = np.stack(np.unravel_index(chosen, others), axis=-1)
    return Rows(places=places, share=rows / count)


def after_reads(
    gradients: Sequence[Any], plans: Sequence[NormPlan], before: Sequence[Any]
) -> list[Any]:
    """Return the gradients, each made to depend on reading its variable's rows.

    The update can then happen in place, because nothing refers to the old weights.

    Args:
        gradients: Gradients given to the optimizer, or None.
        plans: One plan for each variable.
        before: The rows ``moved`` of each variable before the update.
    """
    return [
        gradient if gradient is None or plan.moved is _ALL else _after(part, gradient)
        for gradient, plan, part in zip(gradients, plans, before, strict=True)
    ]


def _after(part: Any, gradient: Any) -> Any:
    with tf.control_dependencies([part]):
        if not isinstance(gradient, tf.IndexedSlices):
            return tf.identity(gradient)
        return tf.IndexedSlices(
            tf.identity(gradient.values), gradient.indices, gradient.dense_shape
        )


def _shaped(gradient: Any, variable: Any) -> Any:
    """Return the gradient as one tensor with the static shape of its variable.

    Tracing may lose that shape, such as for a dense layer over sequences.
    """
    if gradient is None:
        return None
    gradient = tf.convert_to_tensor(gradient)
    gradient.set_shape(variable.shape)
    return gradient


def half_square_sums(
    plans: Sequence[NormPlan],
    before: Sequence[Any],
    *,
    xla: bool = False,
    branches: bool = True,
) -> Any:
    """Compute half the sum of squares of each gradient, each weight and each change.

    A norm is ``sqrt(2 * half)``; the root is taken once for all steps when the record
    is read. In float32 a sum of squares overflows from a norm of 1.8e19 on. Small
    tensors are therefore summed in float64. A large one, whose copy would cost more
    than the sum, is summed in float32, and again in float64 if the sum is not finite.

    Args:
        plans: One plan for each variable.
        before: The rows ``moved`` of each variable before the update; the variables
            are read again now.
        xla: Whether XLA compiles the step, which has no operation to sum tiny
            variables together, and needs none.
        branches: Whether the sum of a large tensor may branch. A loop on one thread
            would wait forever for the function it calls, so it sums all in float64.

    Returns:
        A float64 vector: the sums of all gradients (-1 for None), all weights and all
        changes; those of a large variable are estimated as its plan says.
    """
    gradients = [it.gradient for it in plans]
    values = [it.value() for it in plans]
    now = [it.moved.of(value) for it, value in zip(plans, values, strict=True)]
    weights = [
        rows if it.weights is it.moved else it.weights.of(value)
        for it, value, rows in zip(plans, values, now, strict=True)
    ]
    count = len(plans)
    tiny = [it for it in range(count) if _are_tiny(gradients[it], weights[it])]
    if len(tiny) < _ENOUGH_TINY or xla:
        tiny = []
    others = [it for it in range(count) if it not in tiny]

    def of(which: list[int], *parts: Sequence[Any]) -> list[list[Any]]:
        return [[part[it] for it in which] for part in parts]

    sums = []
    if tiny:
        sums.append(_together(*of(tiny, gradients, before, now)))
    if others:
        parts = of(others, gradients, weights, before, now)
        sums.append(_one_by_one(*parts, branches=branches))
    return _scaled_to_all_rows(_reordered(sums, tiny, others), plans)


def _reordered(sums: Sequence[Any], *groups: list[int]) -> Any:
    """Put the sums of groups of variables into the order of the variables."""
    if len(sums) == 1:
        return sums[0]
    count = sum(map(len, groups))
    places = [
        part * count + it for group in groups for part in range(3) for it in group
    ]
    return tf.gather(tf.concat(sums, axis=0), np.argsort(places))


def _scaled_to_all_rows(sums: Any, plans: Sequence[NormPlan]) -> Any:
    """Scale sums over some rows to estimates over all rows."""
    shares = [1.0] * len(plans)
    shares += [it.weights.share for it in plans] + [it.moved.share for it in plans]
    if not all(isinstance(it, float) for it in shares):
        return sums * stacked(shares)
    return sums if set(shares) == {1.0} else sums * np.array(shares)


def _together(
    gradients: Sequence[Any], before: Sequence[Any], now: Sequence[Any]
) -> Any:
    """Compute all sums at once over values copied into one vector.

    Fewer operations are traced, each of which takes a third of a millisecond.
    """
    sizes = [_size(it) or 0 for it in now]
    whose = np.repeat(np.arange(3 * len(now), dtype=np.int32), 3 * sizes)
    vector = tf.constant([-1])

    def flat(tensors: Sequence[Any]) -> list[Any]:
        return [it if it.shape.rank == 1 else tf.reshape(it, vector) for it in tensors]

    weights, nothing = flat(now), tf.constant(0.0, shape=[2 * sum(sizes)])
    values = tf.concat([*flat(gradients), *weights, *weights], axis=0)
    values -= tf.concat([nothing, *flat(before)], axis=0)  # the last third: changes
    return 0.5 * tf.math.segment_sum(tf.square(tf.cast(values, tf.float64)), whose)


def _one_by_one(
    gradients: Sequence[Any],
    weights: Sequence[Any],
    before: Sequence[Any],
    now: Sequence[Any],
    *,
    branches: bool,
) -> Any:
    moved = [new - old for new, old in zip(now, before, strict=True)]
    return stacked([_sum(it, branches) for it in (*gradients, *weights, *moved)])


def _sum(tensor: Any, branches: bool) -> Any:
    """Return half the sum of squares of one tensor, float64; -1 for None."""
    if tensor is None:
        return _ABSENT
    if not branches or (_size(tensor) or _SMALL + 1) <= _SMALL:
        return _precise_sum(tensor)
    if tensor.dtype == tf.float64:
        return tf.nn.l2_loss(tensor)
    # A separate function that is traced once: each large tensor can be freed as soon as
    # it is summed, and tracing a step takes no longer.
    return _SUM_OF_LARGE(tf.reshape(tf.cast(tensor, tf.float32), [-1]))


def _sum_of_large(vector: Any) -> Any:
    half = tf.cast(tf.nn.l2_loss(vector), tf.float64)
    is_finite = tf.math.is_finite(half)
    return tf.cond(is_finite, lambda: half, lambda: _precise_sum(vector))


def _precise_sum(tensor: Any) -> Any:
    return tf.nn.l2_loss(tf.cast(tensor, tf.float64))


_SUM_OF_LARGE = graph_function(
    _sum_of_large, input_signature=[tf.TensorSpec([None], tf.float32)]
)


def _size(tensor: Any) -> int | None:
    size: int | None = tensor.shape.num_elements()
    return size


def _are_tiny(gradient: Any, weights: Any) -> bool:
    if (
        gradient is None
        or gradient.dtype != weights.dtype
        or weights.dtype != tf.float32
    ):
        return False
    size = _size(weights)
    return size is not None and 0 < size <= _TINY and _size(gradient) == size
