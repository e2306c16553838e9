"""Compares held-out with training rows, and finds the class order of the latter."""

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

#: Most batches of a dataset that are read to find the order of its classes.
_MOST_BATCHES = 4096
#: If more than this share of the steps has another most frequent class than the step
#: before, classes alternate by step; for rows sorted by class hardly any step has.
_TURNS = 0.75
#: Fewest held-out rows of a half whose loss is comparable.
_FEWEST_OF_HALF = 10


def held_out_rows(
    held_out: ArrayData | None,
    trained: ArrayData | Batch | None,
    inputs: tuple[ColumnStats, ...],
    targets: tuple[ColumnStats, ...],
    among: float = 1.0,
) -> HeldOut | None:
    """Compare held-out rows with training rows.

    Args:
        held_out: The held-out rows.
        trained: The training rows, or a sample of them.
        inputs: Column statistics of the held-out inputs.
        targets: Column statistics of the held-out targets.
        among: Share of all training rows that are in ``trained``.

    Returns:
        None if there are no held-out rows.
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
    """Return repeats that were found in only a share of the training rows."""
    return replace(found, among=min(1.0, share) * found.among)


def near_and_others(
    held_out: ArrayData | None, there: HeldOut | None
) -> Sequence[Batch]:
    """Return two halves of the held-out rows that nearly equal training rows, and two
    halves of the others; empty if a half has too few rows.
    """
    near = None if there is None else there.near
    if held_out is None or near is None:
        return ()
    parts = (near.near[::2], near.near[1::2], near.others[::2], near.others[1::2])
    if min(map(len, parts)) < _FEWEST_OF_HALF:
        return ()
    return [held_out.rows(list(it)) for it in parts]


def order_of_arrays(data: ArrayData) -> ClassOrder | None:
    """Return the class order of arrays that are trained on without shuffling."""
    labels = rows.class_of_rows(arrays_of(data.y))
    return None if labels is None else rows.class_order(labels, data.batch_size)


def order_of_batches(
    first: Sequence[Batch], late: Sequence[Batch] = ()
) -> ClassOrder | None:
    """Return the class order of recorded batches.

    Args:
        first: Consecutive batches.
        late: Some later batches.
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
        return None  # classes alternate, as real and generated batches of a GAN do
    gap = sum(len(it) for it in first)
    return rows.class_order(labels, len(first[0]), (gap,) if late else ())


def order_of_watched(
    recording: Recording, data: Fitted | None, steps_per_epoch: int | None
) -> ClassOrder | None:
    """Return the class order of the rows of a watched training, from its whole arrays
    (None if shuffled) or else from recorded batches, if possible of one epoch.

    Args:
        recording: The watched training.
        data: The arrays given to its ``fit`` calls; None if there are none.
        steps_per_epoch: None if unknown.
    """
    if data is not None:
        return None if data.shuffles else order_of_arrays(data.data)
    taped = recording.taped
    if steps_per_epoch is not None and len(taped.batches) >= steps_per_epoch:
        return order_of_batches(taped.batches[:steps_per_epoch])
    return order_of_batches(taped.batches, tuple(taped.late))


def may_be_sorted(first: Batch, rows_per_step: int) -> bool:
    """Whether the first rows of a dataset have one class or are sorted by class."""
    labels = rows.class_of_rows(arrays_of(first.y))
    if labels is None or len(labels) < 2 * rows_per_step:
        return False
    return not np.ptp(labels) or is_sorted(rows.class_order(labels, rows_per_step))


def spread_rows(dataset: Any) -> tuple[Batch, ClassOrder | None]:
    """Read up to ``_MOST_BATCHES`` batches of a dataset.

    Returns:
        Rows spread over these batches, and the class order of all their labels.
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
    """Return the recorded rows of the first epoch, and their share of that epoch."""
    first = recording.taped.batches[:steps_per_epoch]
    return joined(first), len(first) / (steps_per_epoch or len(first) or 1)


def is_sorted(order: ClassOrder | None) -> bool:
    """Whether rows are sorted by class."""
    return order is not None and order.order > rows.SORTED


def _ends(batches: Sequence[Batch]) -> Any:
    return np.cumsum([len(it) for it in batches])
