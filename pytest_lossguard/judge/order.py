"""Checks of the order of the training rows."""

from __future__ import annotations

from collections.abc import Iterator

from ..core.explanation import Explanation, Limit, curves
from ..core.findings import Finding, Kind, finding
from ..core.keras_names import is_for_classes
from ..core.numbers import format_names
from ..core.rows import SORTED
from ..core.trace import ClassOrder, Trace
from . import thresholds
from .curve import LossCurve

# Limits, each with its source

UNLEARNS = Limit(
    0.6,
    "From {limit} on it is an error, if little was learned.",
    set_by="Digits class by class have 0.83, through a shuffle buffer of 16 rows 0.82,"
    " of 64 rows 0.67, of 180 rows (a class) 0.33; five classes through a buffer of a"
    " third of one have 0.64. In 5 epochs class by class 0.26 to 0.33 of what a"
    " constant costs is learned away, in 20 and 60 epochs 0.83 to 0.97, shuffled 0.76"
    " to 0.99.",
)

ORDER_COUNTS = Limit(
    0.01,
    "With the rows in another order their predictions change by {limit:.0%} of the"
    " spread of all predictions, on average.",
    set_by="A graph convolution over neighboring digits changes by 79%; a net that"
    " reads a kernel matrix as features by rounding errors.",
)

STATE_COUNTS = Limit(
    0.001,
    "Predictions from the state that their rows leave differ by {limit:.1%} of their"
    " spread from those without a state.",
    set_by="Eight sine series in shuffled windows, after six epochs: windows of 5 steps"
    " 1.5% (GRU) to 2.5% (LSTM), of 20 steps 0.02% to 1%, of 60 steps 0% to 0.08%.",
)

# Kinds of findings

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
        " and neighbors share a class far more often than by chance.",
        why="Each stretch teaches one class and unlearns the others. The loss looks"
        " small within a stretch and jumps at its end.",
        limits=(
            SORTED,
            UNLEARNS,
            thresholds.LEARNED_ENOUGH,
            thresholds.LEFT_WITHOUT_FAULT,
        ),
        curves=curves(loss=tuple(1.2 * 0.75 ** (it % 10) for it in range(40))),
    ),
)


GRAPH_SHUFFLED = Kind(
    name="graph_shuffled",
    severity="error",
    suspects="graph_shuffled",
    headline="the rows of a graph are shuffled",
    text="fit shuffles the {rows} rows, but not the {rows} columns of {where}, which"
    " stand for the same rows: in another order their predictions change by {share} of"
    " their spread, limit {share_limit}",
    hint="Keep the order and give the graph as one batch:"
    " fit(..., batch_size=len(x), shuffle=False).",
    explanation=Explanation(
        brief="fit shuffles the rows of a graph",
        seen="One of several inputs has as many columns as rows, as an adjacency matrix"
        " or a kernel, fit shuffles the rows, and the predictions of the rows depend on"
        " their order.",
        why="In each epoch the rows of the matrix are paired with the features of other"
        " nodes: a graph convolution averages over random nodes. The loss falls only by"
        " what a node's own features tell; the graph adds nothing.",
        limits=(ORDER_COUNTS,),
    ),
)


STATE_SHUFFLED = Kind(
    name="state_shuffled",
    severity="warning",
    suspects="state_shuffled",
    headline="shuffled rows get states of other rows",
    text="{by} shuffles the rows, and {where} (stateful=True) starts each row from the"
    " state that another row left at its place in the batch before: states change"
    " predictions by {change} of their spread, limit {least}",
    hint="Keep the order, as by fit(..., shuffle=False), so that row i of a batch"
    " continues row i of the batch before, and reset the states where a new series"
    " begins. If rows are independent, set stateful=False.",
    explanation=Explanation(
        brief="a stateful layer gets shuffled rows",
        seen="A recurrent layer with stateful=True is trained by fit on rows that fit"
        " or the dataset shuffles, its states are not reset before each step, and they"
        " change its predictions.",
        why="The state of one row goes to the row at the same place in the next batch."
        " Shuffled, that is a part of another series or of another time. The layer"
        " learns to ignore its past: the loss falls only by what one row tells. It is a"
        " warning because rows that need no past lose nothing.",
        limits=(STATE_COUNTS,),
    ),
)


#: Layers that a message names.
_MOST_NAMED = 3


def is_in_class_order(trace: Trace) -> bool:
    """Whether a training uses one class after another."""
    order = trace.class_order
    # With another loss, labels may be counts in order of time.
    are_classes = any(map(is_for_classes, trace.losses))
    return order is not None and are_classes and order.order > SORTED


def rows_in_class_order(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Steps with few of the classes, so that training on one class unlearns the others;
    an error if little was learned.
    """
    order = trace.class_order
    if order is not None and is_in_class_order(trace):
        yield finding(
            ROWS_IN_CLASS_ORDER,
            severity="error" if _is_harmful(order, curve) else "warning",
            value=order.order,
            limit=SORTED,
            together=order.together,
            classes=order.classes,
            where="the training rows",
        )


def _is_harmful(order: ClassOrder, curve: LossCurve) -> bool:
    """Whether steps have few of the classes and little was learned."""
    skill = curve.share_gone(curve.predicts)
    return (
        order.order > UNLEARNS
        and skill is not None
        and skill < thresholds.LEARNED_ENOUGH
    )


def graph_shuffled(trace: Trace) -> Iterator[Finding]:
    """Rows that are shuffled although the columns of an input stand for them."""
    found = None if trace.data_facts is None else trace.data_facts.shuffled_graph
    if found is not None and found.change > ORDER_COUNTS:
        yield finding(
            GRAPH_SHUFFLED,
            value=found.change,
            limit=ORDER_COUNTS,
            where=f"input {found.input}",
            rows=found.rows,
        )


def state_shuffled(trace: Trace) -> Iterator[Finding]:
    """Rows that are shuffled although layers carry their state to the next batch."""
    found = None if trace.data_facts is None else trace.data_facts.shuffled_state
    if found is not None and found.change > STATE_COUNTS:
        yield finding(
            STATE_SHUFFLED,
            value=found.change,
            limit=STATE_COUNTS,
            where=format_names(found.layers, _MOST_NAMED),
            by=found.by,
            change=f"{found.change:.1%}",
            least=f"{STATE_COUNTS:.1%}",
        )


RULES = (graph_shuffled, state_shuffled, rows_in_class_order)
