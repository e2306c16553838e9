"""What rows that are kept back show: whether labels carry signal, and whether what
helps a training holds for new rows.

Shuffled labels are the control: what is learned as well from them is learned by heart.
"""

from __future__ import annotations

import math

import numpy as np

from ..core.change import Change
from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.trace import Trace
from ..judge.curve import loss_curve_of
from ..judge.scale import has_outlier
from .changes import acts_on, kind_of

# Limits, each with its source

#: The control with shuffled labels: fewer rows than this show nothing, more steps cost
#: too much, and rows seen for fewer epochs cannot have been learned by heart.
CONTROL_ROWS, CONTROL_STEPS, CONTROL_EPOCHS = 100, 5000, 4
#: No control is needed where the second half of the first epoch has at least so many
#: batches, and their loss is below a constant's by `SIGNAL` plus so many standard
#: errors: of 600 constant predictions for 2,000 targets none met this for normally
#: distributed targets, 1.7 % for lognormal ones.
FEWEST_BATCHES, VERY_SURE = 16, 4.0
#: A run whose skill is lower than this has learned nothing that a control could test.
LEARNED_SOMETHING = 0.05
EASIER = Limit(
    0.2,
    "Shuffled labels are learned as well: their loss is at most {limit:.0%} higher.",
    set_by="Chosen, not measured.",
)
SIGNAL = Limit(
    0.05,
    "The loss on held-out rows is never more than {limit:.0%} below that of a"
    " constant.",
    set_by="With 150 rows, the best of 50 evaluations lies up to 4% below it by"
    " chance.",
)

# Kinds of findings

LABELS_CARRY_NO_SIGNAL = Kind(
    name="labels_carry_no_signal",
    severity="warning",
    suspects="labels_carry_no_signal",
    headline="the labels carry no signal",
    text="held-back rows are predicted no better than a constant, as with shuffled"
    " labels: held-out loss {value} against {limit}",
    hint="Do the labels still belong to the rows they describe?",
    explanation=Explanation(
        brief="shuffled labels are learned as well",
        seen="The training was run again without a part of its rows. It predicts these"
        " no better than a constant, and learns shuffled labels as well as the real"
        " ones.",
        why="The model only memorized its rows. Labels that belong to other rows, after"
        " a sort or a join, look exactly like this.",
        limits=(SIGNAL, EASIER),
    ),
)

INPUTS_SHUFFLED = Kind(
    name="labels_carry_no_signal",
    severity="error",
    suspects="labels_carry_no_signal",
    headline="inputs and labels are in different orders",
    text="the inputs were predicted from data that are shuffled again at each reading,"
    " the labels come from elsewhere: held-back rows are predicted no better than a"
    " constant, as with shuffled labels: held-out loss {value} against {limit}",
    hint="Call predict on data that are not shuffled (shuffle=False), or take inputs"
    " and labels of each batch in one loop: for x, y in dataset.",
    explanation=Explanation(
        brief="inputs and labels are in different orders",
        seen="The inputs were made by model.predict from a dataset that is shuffled"
        " anew each time it is read, and the labels were given as another array. Held-"
        "out rows are predicted no better than by a constant, and shuffled labels are"
        " learned as well.",
        why="Row by row, inputs and labels do not belong together: no rule leads from"
        " one to the other.",
        limits=(SIGNAL, EASIER),
    ),
)


def wants_control(trace: Trace, rows: int) -> bool:
    """Whether a training needs the control with shuffled labels: it is long enough to
    have learned its rows by heart, and short enough to be run once more.

    Targets with outliers are excluded: a few wild targets drown the signal of all
    others.

    Args:
        trace: The trace of the training.
        rows: The number of rows of its data.
    """
    found = loss_curve_of(trace)
    seen = found.steps * (trace.batch_size or 0)
    return (
        rows >= CONTROL_ROWS
        and found.steps <= CONTROL_STEPS
        and seen >= CONTROL_EPOCHS * rows
        and found.finite
        and found.skill is not None
        and found.skill > LEARNED_SOMETHING
        and not has_outlier(trace.targets)
    )


def showed_signal(trace: Trace) -> bool:
    """Whether the first epoch predicted its rows better than a constant does.

    In the first epoch each batch is unseen until its own step. If it is predicted
    well, the labels carry signal and no control is needed.
    """
    found, epoch = loss_curve_of(trace), trace.steps_per_epoch
    if not trace.shuffled or epoch is None or len(trace.steps) < epoch:
        return False
    if found.constant is None or found.perfect is None:
        return False
    late = slice(epoch // 2, epoch - 1)  # the last batch may have fewer rows
    losses = trace.steps.data_loss[late]
    if len(losses) < FEWEST_BATCHES or not trace.steps.data_loss_seen[late].all():
        return False
    most = losses.mean() + VERY_SURE * losses.std(ddof=1) / math.sqrt(len(losses))
    return bool(found.constant - most > SIGNAL * (found.constant - found.perfect))


def carries_signal(held_out: Trace) -> bool:
    """Whether a training predicts held-out rows better than a constant.

    Args:
        held_out: The trace of a training with held-out rows that were scored.
    """
    best, perfect = best_held_out(held_out), loss_curve_of(held_out).perfect
    constant = None if held_out.validation is None else held_out.validation.constant
    if best is None or constant is None or perfect is None or constant <= perfect:
        return True  # nothing to compare
    return constant - best > SIGNAL * (constant - perfect)


def can_be_checked_outside(changes: tuple[Change, ...], rows: int) -> bool:
    """Whether held-out rows can distinguish a repair from rows learned by heart: the
    changes keep rows and targets, and there are enough rows.
    """
    kinds = [kind_of(it) for it in changes]
    return rows >= CONTROL_ROWS and not any(
        it.other_targets or it.other_rows for it in kinds
    )


def holds_outside(
    as_it_is: Trace, changed: Trace, changes: tuple[Change, ...] = ()
) -> bool:
    """Whether a change makes a training better on held-out rows, too.

    Where a change of the data undoes a fault it is enough that held-out rows are
    predicted better than by a constant.

    Args:
        as_it_is: The trace of the unchanged training with held-out rows.
        changed: The trace of the training with the change and the same held-out rows.
        changes: The changes.
    """
    before, after = best_held_out(as_it_is), best_held_out(changed)
    if before is None or after is None or changed.validation is None:
        return True  # nothing to compare
    constant, perfect = changed.validation.constant, loss_curve_of(changed).perfect
    known = constant is not None and perfect is not None and constant > perfect
    gap = constant - perfect if known else abs(before)  # type: ignore[operator]
    if any(acts_on(it) == "data" for it in changes) and carries_signal(changed):
        return True
    return before - after > SIGNAL * gap


def best_held_out(trace: Trace) -> float | None:
    """Return the lowest finite held-out loss, None where there is none."""
    if trace.validation is None:
        return None
    losses = np.asarray(trace.validation.loss)
    losses = losses[np.isfinite(losses)]
    return float(losses.min()) if len(losses) else None


def labels_carry_no_signal(
    real: Trace, shuffled: Trace, *, are_shuffled: bool = False
) -> tuple[Finding, ...]:
    """Return a finding if shuffled labels are learned as well as the real ones, on
    held-out rows and on the rows of the training.

    Args:
        real: The trace of the training with held-out rows, for which
            `carries_signal` is false.
        shuffled: The same with the labels shuffled among the rows.
        are_shuffled: Whether the inputs are known to come in another order than the
            labels.
    """
    best, control = best_held_out(real), best_held_out(shuffled)
    if best is None or control is None:
        return ()
    kind = INPUTS_SHUFFLED if are_shuffled else LABELS_CARRY_NO_SIGNAL
    easier, harder = loss_curve_of(real), loss_curve_of(shuffled)
    perfect = easier.perfect or 0.0
    if easier.end - perfect < (1 - EASIER) * (harder.end - perfect):
        return ()  # the labels follow some rule, if not one that generalizes
    return (finding(kind, value=best, limit=control, where="the labels"),)
