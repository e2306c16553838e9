"""The check of the order in which rows are trained on."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.findings import Finding, Kind, finding
from ..core.rows import SORTED
from ..core.trace import Trace

__all__ = ["is_in_class_order", "rows_in_class_order"]

# What they find

ROWS_IN_CLASS_ORDER = Kind(
    name="rows_in_class_order",
    severity="warning",
    text="the rows are trained on in the order of their classes: a step has"
    " {together} of {classes} classes on average, neighbors are {share} less mixed"
    " than by chance, limit {share_limit}",
    hint="Shuffle the rows before training: fit(shuffle=True), or dataset.shuffle"
    " with a buffer as large as the data, before .batch().",
)


#: Losses of labels that name classes: others may count, in the order of time.
_OF_CLASSES = ("crossentropy", "hinge", "focal")


def is_in_class_order(trace: Trace) -> bool:
    """Whether a training takes one class after another."""
    order = trace.class_order
    named = any(it in name for name in trace.losses for it in _OF_CLASSES)
    return order is not None and named and order.order > SORTED


def rows_in_class_order(trace: Trace) -> Iterator[Finding]:
    """A step that has few of the classes unlearns the others."""
    order = trace.class_order
    if order is not None and is_in_class_order(trace):
        yield finding(
            ROWS_IN_CLASS_ORDER,
            value=order.order,
            limit=SORTED,
            together=order.together,
            classes=order.classes,
            where="the training rows",
        )
