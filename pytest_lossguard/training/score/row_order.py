"""Rows beside one another: those held out, and in which order the others come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...core import rows
from ...core.near_rows import near_copies
from ...core.trace import ClassOrder, ColumnStats, HeldOut, Repeats
from ..backend.batch import ENOUGH_BATCHES, Batch
from ..backend.data import ArrayData, Fitted, joined
from ..backend.frameworks import keras
from ..backend.tensors import arrays_of, to_numpy
from ..record.recording import Recording

__all__ = [
    "held_out_rows",
    "is_sorted",
    "may_be_sorted",
    "near_and_others",
    "one_pass",
    "order_of_arrays",
    "order_of_batches",
    "order_of_watched",
    "spread_rows",
]

#: Batches of a dataset that are read to tell its order.
_MOST_BATCHES = 4096
#: Share of the steps with another usual class than the step before: in the order of
#: their classes hardly any, in turns all.
_TURNS = 0.75
#: Held-out rows whose loss tells one kind of them from another.
_FEWEST_OF_HALF = 10


def held_out_rows(
    held_out: ArrayData | None,
    trained: ArrayData | Batch | None,
    inputs: tuple[ColumnStats, ...],
    targets: tuple[ColumnStats, ...],
    among: float = 1.0,
) -> HeldOut | None:
    """What distinguishes held-out rows from those that are trained on.

    Args:
        held_out: The rows that are scored.
        trained: The rows that are trained on, or a sample of them.
        inputs: Statistics of the held-out inputs.
        targets: The same for their targets.
        among: Share of all rows that are trained on that the sample is.
    """
    if held_out is None or not len(held_out):
        return None
    x, y = arrays_of(held_out.x), arrays_of(held_out.y)
    bad = *rows.nonfinite_values(x, "inputs"), *rows.nonfinite_values(y, "targets")
    mine, labels = ([], []) if trained is None else map(arrays_of, trained.parts[:2])
    found, near = rows.repeats(x, mine, labels), near_copies(x, mine)
    return HeldOut(
        rows=len(held_out),
        inputs=inputs,
        targets=targets,
        nonfinite=bad,
        repeats=found and _among(found, among),
        near=near and replace(near, repeats=_among(near.repeats, among)),
        unknown=rows.share_of_unknown(y, labels),
    )


def _among(found: Repeats, share: float) -> Repeats:
    """What was found among a share of the rows that are trained on."""
    return replace(found, among=min(1.0, share) * found.among)


def near_and_others(
    held_out: ArrayData | None, there: HeldOut | None
) -> Sequence[Batch]:
    """Two halves of the held-out rows that nearly equal trained ones, and two of the
    others; none where there are too few.
    """
    near = None if there is None else there.near
    if held_out is None or near is None:
        return ()
    parts = (near.near[::2], near.near[1::2], near.others[::2], near.others[1::2])
    if min(map(len, parts)) < _FEWEST_OF_HALF:
        return ()
    return [held_out.rows(list(it)) for it in parts]


def order_of_arrays(data: ArrayData) -> ClassOrder | None:
    """Of rows that are trained on as they are."""
    labels = rows.class_of_rows(arrays_of(data.y))
    return None if labels is None else rows.class_order(labels, data.batch_size)


def order_of_batches(
    first: Sequence[Batch], late: Sequence[Batch] = ()
) -> ClassOrder | None:
    """Of rows as they passed.

    Args:
        first: Batches one after the other.
        late: Later ones.
    """
    parts = [arrays_of(it.y) for it in (*first, *late)]
    if not parts or any(len(it) != 1 for it in parts):
        return None
    try:
        whole = np.concatenate([it[0] for it in parts])
    except ValueError:
        return None
    labels = rows.class_of_rows([whole])
    if labels is None:
        return None
    usual = [np.bincount(it).argmax() for it in np.split(labels, _ends(first))[:-1]]
    if len(usual) > 1 and np.mean(np.diff(usual) != 0) > _TURNS:
        return None  # in turns, as a real batch and a made one
    gap = sum(len(it) for it in first)
    return rows.class_order(labels, len(first[0]), (gap,) if late else ())


def order_of_watched(
    recording: Recording, data: Fitted | None, steps_per_epoch: int | None
) -> ClassOrder | None:
    """Of rows that were seen: of whole arrays, or of what passed in one pass.

    Args:
        recording: What was watched.
        data: The arrays of its ``fit`` calls, where those got some.
        steps_per_epoch: Where known.
    """
    if data is not None:
        return None if data.shuffles else order_of_arrays(data.data)
    taped = recording.taped
    if steps_per_epoch is not None and len(taped.batches) >= steps_per_epoch:
        return order_of_batches(taped.batches[:steps_per_epoch])
    return order_of_batches(taped.batches, tuple(taped.late))


def may_be_sorted(first: Batch, rows_per_step: int) -> bool:
    """Whether the first rows of a dataset are of one class, or of one after another."""
    labels = rows.class_of_rows(arrays_of(first.y))
    if labels is None or len(labels) < 2 * rows_per_step:
        return False
    return not np.ptp(labels) or is_sorted(rows.class_order(labels, rows_per_step))


def spread_rows(dataset: Any) -> tuple[Batch, ClassOrder | None]:
    """Rows from all over a dataset of batches, and the order of all their labels. Of a
    long one as many as is read of it.
    """
    kept: list[Batch] = []
    labels: list[Batch] = []
    every = 1
    for index, element in enumerate(dataset.take(_MOST_BATCHES)):
        batch = Batch(*to_numpy(keras.utils.unpack_x_y_sample_weight(element)))
        labels.append(Batch(None, batch.y))
        if index % every == 0:
            kept.append(batch)
        if len(kept) > 2 * ENOUGH_BATCHES:
            kept, every = kept[::2], 2 * every
    return joined(kept) or kept[0], order_of_batches(labels)


def one_pass(
    recording: Recording, steps_per_epoch: int | None
) -> tuple[Batch | None, float]:
    """Rows as they passed, each once, and the share of all that they are."""
    first = recording.taped.batches[:steps_per_epoch]
    return joined(first), len(first) / (steps_per_epoch or len(first) or 1)


def is_sorted(order: ClassOrder | None) -> bool:
    """Whether rows are in the order of their classes."""
    return order is not None and order.order > rows.SORTED


def _ends(batches: Sequence[Batch]) -> Any:
    return np.cumsum([len(it) for it in batches])
