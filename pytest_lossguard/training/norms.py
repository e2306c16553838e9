"""Norms of gradients, weights and changes, in few operations for many variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .frameworks import tf
from .tensors import graph_function, stacked

__all__ = ["half_square_sums", "some_rows", "taken_before"]

#: Variables of at most so many values are summed together, if they are so many; of
#: larger ones the copy that this takes costs more than the operations that it spares.
_TINY, _ENOUGH_TINY = 1 << 11, 3
#: Up to this many values a sum of squares is taken in float64; a copy of a larger
#: tensor would cost more than the sum.
_SMALL = 1 << 12
#: The change of a variable of more values than the first is taken from rows of about
#: so many as the second: all of it would take a copy of every weight.
_LARGE, _SOME = 1 << 16, 1 << 14
_ABSENT = -1.0


def some_rows(value: Any) -> Any:
    """The value itself, or evenly spaced rows of a large one."""
    values = _size(value)
    if values is None or values <= _LARGE:
        return value
    columns = value.shape[-1]
    rows = values // columns
    chosen = np.linspace(0, rows - 1, min(rows, max(1, _SOME // columns)))
    return tf.gather(tf.reshape(value, [-1, columns]), chosen.astype(np.int64))


def taken_before(gradients: Sequence[Any], parts: Sequence[Any]) -> list[Any]:
    """The same gradients, none of which is there before `some_rows` of its variable
    have been taken: the update can then happen in place, while nothing refers to the
    weights of before.
    """
    return [_after(part, it) for it, part in zip(gradients, parts, strict=True)]


def _after(part: Any, gradient: Any) -> Any:
    is_dense = tf.is_tensor(gradient) and not isinstance(gradient, tf.IndexedSlices)
    if not is_dense or _size(part) == _size(gradient):
        return gradient
    with tf.control_dependencies([part]):
        return tf.identity(gradient)


def half_square_sums(
    gradients: Sequence[Any],
    before: Sequence[Any],
    after: Sequence[Any],
    *,
    together: bool = True,
    branches: bool = True,
) -> Any:
    """Half the sum of squares of each gradient, each weight, each change.

    A norm is ``sqrt(2 * it)``: the root is left to the reader of the record, who
    takes it once for all steps. In float32 a sum of squares overflows from a norm
    of 1.8e19 on. Small tensors are therefore summed in float64; a large one, whose
    copy would cost more than the sum, as it is, and once more in float64 if the sum
    is not finite.

    Args:
        gradients: One for each variable, or None.
        before: What `some_rows` took of each variable before the update.
        after: The variables' values after it.
        together: Whether tiny ones may be summed by one operation; XLA has none
            for it, and needs none.
        branches: Whether the sum of a large one may branch. A loop on one thread
            waits for ever for a function that it calls: there all are summed in
            float64.

    Returns:
        A float64 vector: of all gradients (-1 for a None), all weights, all changes,
        those of a large variable estimated from some of its rows.
    """
    given = [_shaped(it, value) for it, value in zip(gradients, after, strict=True)]
    count = len(given)
    tiny = [it for it in range(count) if _are_tiny(given[it], after[it])]
    if len(tiny) < _ENOUGH_TINY or not together:
        return _one_by_one(given, before, after, branches=branches)
    if len(tiny) == count:
        return _together(given, before, after)
    others = [it for it in range(count) if it not in tiny]

    def of(which: list[int]) -> list[list[Any]]:
        return [[part[it] for it in which] for part in (given, before, after)]

    sums = [_together(*of(tiny)), _one_by_one(*of(others), branches=branches)]
    groups = (tiny, others)
    places = [
        part * count + it for group in groups for part in range(3) for it in group
    ]
    return tf.gather(tf.concat(sums, axis=0), np.argsort(places))


def _shaped(gradient: Any, weights: Any) -> Any:
    """The gradient as one tensor, of the shape of its variable also where tracing
    lost it, as that of a dense layer over sequences.
    """
    if gradient is None:
        return None
    gradient = tf.convert_to_tensor(gradient)
    gradient.set_shape(weights.shape)
    return gradient


def _together(
    gradients: Sequence[Any], before: Sequence[Any], after: Sequence[Any]
) -> Any:
    """All sums, of values that are copied into three vectors, each summed at once."""
    sizes = [_size(it) or 0 for it in after]
    whose = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    weights, previous = _flat(after), _flat(before)
    vectors = (_flat(gradients), weights, weights - previous)
    squares = [tf.square(tf.cast(it, tf.float64)) for it in vectors]
    return 0.5 * tf.concat([tf.math.segment_sum(it, whose) for it in squares], axis=0)


def _flat(tensors: Sequence[Any]) -> Any:
    vectors = [it if it.shape.rank == 1 else tf.reshape(it, [-1]) for it in tensors]
    return tf.concat(vectors, axis=0)


def _one_by_one(
    gradients: Sequence[Any],
    before: Sequence[Any],
    after: Sequence[Any],
    *,
    branches: bool,
) -> Any:
    moved = [some_rows(now) - was for now, was in zip(after, before, strict=True)]
    sums = stacked([_sum(it, branches) for it in (*gradients, *after, *moved)])
    shares = [_share(now, part) for now, part in zip(after, moved, strict=True)]
    if all(it == 1.0 for it in shares):
        return sums
    return sums * np.array([1.0] * 2 * len(after) + shares)


def _share(whole: Any, part: Any) -> float:
    """How many times the values of a part the whole has."""
    values = _size(whole)
    return 1.0 if values is None else values / max(1, _size(part) or 0)


def _sum(tensor: Any, branches: bool) -> Any:
    """Half the sum of squares of one tensor, float64; -1 for None."""
    if tensor is None:
        return _ABSENT
    if not branches or (_size(tensor) or _SMALL + 1) <= _SMALL:
        return _precise_sum(tensor)
    if tensor.dtype == tf.float64:
        return tf.nn.l2_loss(tensor)
    # A function of its own, traced once: so each large tensor can be freed as soon
    # as it has been summed, and to trace a step takes no longer.
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
