"""Held-out rows that are prepared differently, or hold NaN or infinity."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.explanation import Explanation, Limit, curves, falling, level
from ..core.findings import Finding, Kind, finding
from ..core.numbers import number
from ..core.trace import ColumnStats, Floats, Nonfinite, Trace
from . import thresholds
from .coded_labels import named_otherwise
from .curve import LossCurve

# Limits, each with its source

OTHER_COLUMN = Limit(
    3.0,
    "A column of held-out rows differs if it lies {limit} standard deviations of the"
    " training rows away, or if its spread is that many times as large.",
    set_by="Of four data sets split by chance, with 20 to 449 rows held out, the"
    " farthest column lies 1.1 away.",
)
#: Or most columns lie this many standard deviations away, or this far apart from one
#: another, as columns in another order do: 4 to 5 in two tables, by chance .31; windows
#: of a series that drifts lie .58 away and .01 apart.
OTHER_COLUMNS, OTHER_ORDER = 1.0, 0.6
OTHER_ROWS_SEEN = Limit(
    0.5,
    "If a column shows it, it is enough that the held-out loss never falls below"
    " {limit} times that of a constant while training removes half of it, or that it"
    " rises.",
    set_by="Chosen, not measured.",
)
OTHER_ROWS = Limit(
    1.5,
    "If no column shows it, the held-out loss never falls below {limit} times that of"
    " a constant, and is far above the training loss already after the first pass.",
    set_by="After one pass nothing is memorized yet.",
)
#: Factor above the training loss of those steps.
OTHER_LOSS = 2.0
#: Minimum number of held-out rows to compare.
FEW_HELD_OUT = 20
#: Share of held-out rows of classes without training rows.
UNKNOWN = 0.1

# Kinds of findings

VALIDATION_DIFFERS = Kind(
    name="validation_differs",
    severity="warning",
    text="the held-out rows differ from the training rows: their loss {fact}"
    " {value}, limit {limit}{times}, while the training loss fell to {train};"
    " {why}",
    hint="Prepare held-out rows as training rows are prepared: the same function,"
    " the same columns in the same order, the scaler fitted on the training rows.",
    explanation=Explanation(
        brief="held-out rows are prepared differently",
        seen="The held-out loss is far above that of a constant from the first"
        " validation on, while the training goes well; often a column shows why,"
        " by its mean or spread.",
        why="The held-out rows are prepared differently, for example with another"
        " scaler or columns in another order. The held-out loss says nothing about the"
        " model, and production may well do the same.",
        limits=(OTHER_COLUMN, OTHER_ROWS_SEEN, OTHER_ROWS),
        curves=curves(training=falling(1.0, 0.1), held_out=level(4.0)),
    ),
)

NONFINITE_VALIDATION = Kind(
    name="nonfinite_validation",
    severity="warning",
    headline="NaN or infinity in the validation data",
    text="the held-out loss was {value} after step {step}{known}: {why}",
    hint="Fill or drop missing values in the held-out rows as in the training rows.",
    explanation=Explanation(
        brief="NaN or infinity in the held-out rows",
        seen="The held-out rows hold NaN or infinity, or their loss is not finite,"
        " although the training is.",
        why="Early stopping and checkpoints cannot use such a loss, and overfitting is"
        " not seen. In production the model answers NaN.",
        no_limit="One such value is enough: an error where it spoils the held-out"
        " loss, else a warning.",
    ),
)

#: Minimum number of columns for a statement on most of them.
_SEVERAL = 4
#: Lower bound of a spread, as a share of the median spread of all columns, since a
#: column that hardly varies is a poor unit.
_LEAST_SPREAD = 0.1


def nonfinite_validation(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """NaN or infinity in held-out rows, or a held-out loss that is not finite although
    the training is.

    If the held-out loss is finite nevertheless, as with a mask, such rows are reported
    only if no training row has NaN or infinity.
    """
    held, rows = trace.validation, trace.held_out
    if held is None:
        return
    bad = [(it, loss) for it, loss in zip(held.step, held.loss, strict=True)]
    bad = [(it, loss) for it, loss in bad if not np.isfinite(loss)]
    places = () if rows is None else rows.nonfinite
    if not bad:
        trained = any(it.nonfinite for it in (*trace.inputs, *trace.targets))
        if trained or not any(it.part.startswith("inputs") for it in places):
            return
        bad = [(held.step[-1], held.loss[-1])]
    elif not places and not curve.finite:
        return  # the model is broken, not the rows
    is_lost, known = not np.isfinite(bad[0][1]), ""
    if is_lost and len(held.loss) > 1:
        known = f" ({len(bad)} of {len(held.loss)} held-out losses are not finite)"
    yield finding(
        NONFINITE_VALIDATION,
        severity="error" if is_lost and places else "warning",
        step=bad[0][0],
        value=bad[0][1],
        where=_place(places[0]) if places else None,
        known=known,
        why="; ".join(map(_describe, places)) or _NOT_SEEN,
    )


_NOT_SEEN = (
    "the training loss is finite, and what is wrong in the held-out rows was not seen"
)


def _place(it: Nonfinite) -> str:
    if it.columns == 1:
        return f"the {it.part}"
    return f"{'feature' if it.part.startswith('inputs') else 'column'} {it.column}"


def _describe(it: Nonfinite) -> str:
    column = "" if it.columns == 1 else f" in {_place(it)}"
    more = f" (and in {it.affected - 1} more)" if it.affected > 1 else ""
    return (
        f"the validation {it.part} hold NaN or infinity{column}, in {it.rows} of"
        f" {it.of} rows ({number(100 * it.rows / it.of)}%){more}"
    )


def validation_differs(trace: Trace, curve: LossCurve) -> Iterator[Finding]:
    """Held-out rows that are prepared differently: their loss is far above a constant's
    from the first evaluation on, however well the training goes.

    Not reported if only their labels are coded otherwise.
    """
    others = others_held_out(trace, curve)
    if others is not None and not named_otherwise(trace):
        yield others


def others_held_out(trace: Trace, curve: LossCurve) -> Finding | None:
    """Return a finding if held-out rows differ in kind from training rows from the
    first evaluation on; None if they may be of the same kind.
    """
    loss, constant = _lowest(trace), _constant(trace, curve)
    if loss is None or constant is None:
        return None
    skill = curve.share_gone(curve.predicts)
    if skill is None or skill < thresholds.LEARNED_HALF:
        return None
    factor, why = OTHER_ROWS_SEEN, seen_in_columns(trace)
    if why is None:
        factor, why = OTHER_ROWS, _seen_at_once(trace, curve)
    if why is None or loss <= factor * constant:
        return None
    times = f" ({number(factor)} x what a constant prediction costs)"
    return differs(trace, curve, why, "was never below", loss, factor * constant, times)


def differs(
    trace: Trace,
    curve: LossCurve,
    why: str,
    fact: str,
    value: float,
    limit: float,
    times: str = "",
) -> Finding:
    """Make the finding that held-out rows differ from training rows."""
    return finding(
        VALIDATION_DIFFERS,
        step=None if trace.validation is None else trace.validation.step[0],
        value=value,
        limit=limit,
        where="the validation data",
        fact=fact,
        times=times,
        train=curve.predicts,
        why=why,
    )


def _lowest(trace: Trace) -> float | None:
    losses = () if trace.validation is None else trace.validation.loss
    return min(losses) if losses and np.isfinite(losses).all() else None


def _constant(trace: Trace, curve: LossCurve) -> float | None:
    """Return the loss of a constant, on the training or held-out rows, whichever is
    higher.
    """
    if not curve.finite or not curve.has_floor or curve.constant is None:
        return None
    constant = None if trace.validation is None else trace.validation.constant
    return max(curve.constant, constant or 0.0)


def seen_in_columns(trace: Trace) -> str | None:
    """Describe the column in which held-out rows differ most, inputs first."""
    rows = trace.held_out
    if rows is None or rows.rows < FEW_HELD_OUT:
        return None
    for part, mine, theirs in (
        ("feature", trace.inputs, rows.inputs),
        ("target", trace.targets, rows.targets),
    ):
        if len(mine) != len(theirs):
            continue
        for one, other in zip(mine, theirs, strict=True):
            sentence = _otherwise(one, other, part)
            if sentence is not None:
                return sentence
    if rows.unknown > UNKNOWN:
        return f"{rows.unknown:.0%} of its rows are of a class that no training row has"
    return None


def _otherwise(mine: ColumnStats, theirs: ColumnStats, part: str) -> str | None:
    if len(mine.mean) != len(theirs.mean) or not (mine.is_numeric or theirs.is_numeric):
        return None
    varying = mine.std[mine.std > 0]
    if not len(varying):
        return None
    scale = np.maximum(mine.std, _LEAST_SPREAD * float(np.median(varying)))
    signed = (theirs.mean - mine.mean) / scale
    shift = np.abs(signed)
    spread = theirs.std / scale
    span = mine.high - mine.low
    outside = (theirs.high > mine.high + span) | (theirs.low < mine.low - span)
    wider = outside & (span > 0)
    apart: Floats = np.where(wider, np.maximum(shift, spread), shift)
    if theirs.outlier is not None and theirs.outlier_share < thresholds.OUTLIER_SHARE:
        apart[theirs.outlier.column] = 0.0  # one value does not make a column differ
    off = int(np.count_nonzero(apart >= OTHER_COLUMN))
    if not off and _most_differ(mine, theirs, signed):
        off = len(shift)
    if not off:
        return None
    worst = int(np.argmax(apart))
    more = f" (and {off - 1} more)" if off > 1 else ""
    named = f"the {mine.name}" if len(mine.mean) == 1 else f"{part} {worst}"
    return (
        f"{named}{more} has mean {number(_rounded(theirs.mean[worst], scale[worst]))}"
        f" and standard deviation {number(float(theirs.std[worst]))} there,"
        f" {number(_rounded(mine.mean[worst], scale[worst]))} and"
        f" {number(float(mine.std[worst]))} in the training rows"
    )


def _most_differ(mine: ColumnStats, theirs: ColumnStats, shift: Floats) -> bool:
    """Whether most of several columns are shifted, squeezed or in another order."""
    varies = mine.std > 0
    spread = mine.std[varies]
    narrower = spread / np.maximum(theirs.std[varies], 1e-9 * spread)
    if np.count_nonzero(varies) < _SEVERAL:
        return False
    usual = np.median(shift[varies])
    return bool(
        abs(usual) >= OTHER_COLUMNS
        or np.median(np.abs(shift[varies] - usual)) >= OTHER_ORDER
        or np.median(narrower) >= OTHER_COLUMN
    )


def _rounded(mean: float, spread: float) -> float:
    """Return the mean, or 0 if it is 0 up to rounding."""
    return 0.0 if abs(mean) < 1e-6 * spread else float(mean)


def _seen_at_once(trace: Trace, curve: LossCurve) -> str | None:
    """Return a sentence if the held-out loss is far above the training loss after one
    pass.

    In the first pass every row is new. Running averages that lag do not count.
    """
    held, rows = trace.validation, trace.held_out
    if held is None or trace.averaging or trace.steps_per_epoch is None:
        return None
    if rows is not None and rows.rows < FEW_HELD_OUT:
        return None
    if held.step[0] > trace.steps_per_epoch:
        return None
    steps = curve.losses[held.step[0] // 2 : held.step[0]]
    if not len(steps) or held.loss[0] <= OTHER_LOSS * float(np.mean(steps)):
        return None
    look = (
        "; their inputs have the range of the training inputs: look at the labels and"
        " at the order of columns"
    )
    return (
        f"it was {number(held.loss[0])} after the first pass over the data already,"
        f" {number(float(np.mean(steps)))} in training{look if rows else ''}"
    )


RULES = (
    nonfinite_validation,
    validation_differs,
)
