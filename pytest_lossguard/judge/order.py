"""The check of the order in which rows are trained on."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.explanation import Explanation, Limit, curves
from ..core.findings import Finding, Kind, finding
from ..core.rows import SORTED
from ..core.trace import ClassOrder, Trace
from . import thresholds as at
from .curve import LossCurve

__all__ = ["RULES", "is_in_class_order"]

# Limits, each with what set it

UNLEARNS = Limit(
    0.6,
    "From {limit} on it is an error, if little was learned.",
    set_by="Digits class by class have 0.83, through a shuffle buffer of 16 rows 0.82,"
    " of 64 rows 0.67, of 180 rows (a class) 0.33; five classes through a buffer of a"
    " third of one have 0.64. In 5 epochs class by class 0.26 to 0.33 of what a"
    " constant costs is learned away, in 20 and 60 epochs 0.83 to 0.97, shuffled 0.76"
    " to 0.99.",
)

# What they find

ROWS_IN_CLASS_ORDER = Kind(
    name="rows_in_class_order",
    severity="warning",
    suspects="rows_in_class_order",
    headline="the rows come class by class",
    text="the rows are trained on in the order of their classes: a step has"
    " {together} of {classes} classes on average, neighbors are {share} less mixed"
    " than by chance, limit {share_limit}",
    hint="Shuffle the rows before training: fit(shuffle=True), or dataset.shuffle"
    " with a buffer as large as the data, before .batch().",
    explanation=Explanation(
        brief="rows are trained on class by class",
        seen="The rows are trained on class by class: a step has few of the classes,"
        " neighbors share one far more often than by chance.",
        why="Each stretch teaches one class and unlearns the others. The loss looks"
        " small within a stretch and jumps at its end.",
        limits=(SORTED, UNLEARNS, at.LEARNED_ENOUGH, at.LEFT_WITHOUT_FAULT),
        curves=curves(loss=tuple(1.2 * 0.75 ** (it % 10) for it in range(40))),
    ),
)


#: Losses of labels that name classes: others may count, in the order of time.
_OF_CLASSES = ("crossentropy", "hinge", "focal")


def is_in_class_order(trace: Trace) -> bool:
    """Whether a training takes one class after another."""
    order = trace.class_order
    named = any(it in name for name in trace.losses for it in _OF_CLASSES)
    return order is not None and named and order.order > SORTED


def rows_in_class_order(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """A step that has few of the classes unlearns the others: an error where little
    was learned.
    """
    order = trace.class_order
    if order is not None and is_in_class_order(trace):
        yield finding(
            ROWS_IN_CLASS_ORDER,
            severity="error" if _hurts(order, curve) else "warning",
            value=order.order,
            limit=SORTED,
            together=order.together,
            classes=order.classes,
            where="the training rows",
        )


def _hurts(order: ClassOrder, curve: LossCurve) -> bool:
    """Whether steps have few of the classes, and little was learned."""
    skill = curve.share_gone(curve.predicts)
    return order.order > UNLEARNS and skill is not None and skill < at.LEARNED_ENOUGH


RULES = (rows_in_class_order,)
