"""Checks of the held-out rows: whether their loss means what it should."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.coded_labels import Agreement
from ..core.column_stats import share_interval
from ..core.explanation import Explanation, Limit, curves, falling, level
from ..core.findings import Finding, Kind, finding, number
from ..core.near_rows import NEARER
from ..core.trace import ColumnStats, Floats, NearRows, Nonfinite, Repeats, Trace
from . import thresholds as at
from .curve import LossCurve

__all__ = [
    "RULES",
    "differs",
    "named_otherwise",
    "others_held_out",
    "seen_in_columns",
]

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
#: Limits beyond what repeated training rows explain, at the cautious ends of both 95 %
#: intervals.
TRAINED_ON = Limit(
    0.01,
    "It is a warning if more than {limit:.0%} of the held-out rows are among the"
    " training rows, beyond what repeated rows explain.",
    set_by="Chosen, not measured; both shares are taken at the cautious ends of their"
    " 95% intervals.",
)
MOSTLY_TRAINED_ON = Limit(
    0.2,
    "More than {limit:.0%} are an error.",
    set_by="Chosen, not measured: such a held-out loss says little about new rows.",
)
#: Share of held-out rows of classes without training rows.
UNKNOWN = 0.1

TOO_GOOD = Limit(
    0.5,
    "Where training rows are as near to one another, it is an error if near rows cost"
    " at most {limit:.0%} of what the other held-out rows do, in each half of both.",
    set_by="Rows copied with noise before the split cost 16% and 19% of what the others"
    " do, on two seeds.",
)

RENAMED = Limit(
    0.8,
    "With other names for the classes, the model is right for at least {limit:.0%} of"
    " the held-out rows. The names come from one half of these rows and are tried on"
    " the other.",
    set_by="Random predictions reach 60% (3 classes, 30 rows) and 18% (10 classes)."
    " Of 240 nets trained on shuffled labels of three classes, those that are right"
    " for 67% of their training rows reach 68%. Permuted labels of digits reach 94%.",
)
RENAMED_OF_TWO = Limit(
    0.9,
    "With two classes, {limit:.0%}.",
    set_by="Of 120 nets trained on shuffled labels of two classes none reaches 55% with"
    " at most half as many right as they are.",
)
AS_THEY_ARE = Limit(
    0.5,
    "With the names as they are, it is right for at most {limit:.0%} as many.",
    set_by="Of 200 nets trained on few rows or noisy labels, each has at least 88% as"
    " many right.",
)
#: Minimum share of right training rows: the model has learned the names of these.
NAMES_LEARNED = 2 / 3
#: Minimum number of classes with another name, of held-out rows, and of rows of each of
#: two classes.
_MOVED, _FEW_NAMED, _FEW_OF_TWO = 3, 30, 10
#: It is certain only if held-out rows are of the kind of training rows: half of them
#: lie nearer to one another than to training rows, or more by this many times
#: ``1 / sqrt(rows)``. Of 100 random splits the farthest is 1.4 such units away; rows of
#: other recordings, each of which may be taken for another class, lie 5 away if
#: recordings differ as much as their rows do, 1.2 to 3.1 if half as much.
_NEARER = 1.5

# Kinds of findings

LABELS_CODED_APART = Kind(
    name="labels_coded_apart",
    severity="error",
    suspects="labels_coded_apart",
    headline="validation labels are encoded differently",
    text="the class ids of the validation labels mean other classes than those of the"
    " training labels: predictions equal {share} of the validation labels (limit"
    " {share_limit}), but {renamed} once class {pairs}; of the training labels they"
    " equal {trained} as they are{doubt}",
    hint="Make class ids once, from the training labels, and use them for all rows: one"
    " fitted LabelEncoder or StringLookup, one list of class names, one"
    " pd.factorize before the split.",
    explanation=Explanation(
        brief="validation labels have other class ids",
        seen="On the held-out rows hardly any prediction is the label, and yet each"
        " predicted class goes with one label, another one. It is an error if the"
        " held-out rows are as near to the training rows as to one another; else a"
        " warning, since they may be of another kind.",
        why="The ids of classes were made for each set of rows on its own, as by"
        " pd.factorize, LabelEncoder or a folder without some class. The held-out loss"
        " says nothing of the model, and early stopping and checkpoints keep the wrong"
        " weights.",
        limits=(RENAMED, RENAMED_OF_TWO, AS_THEY_ARE),
        curves=curves(training=falling(1.0, 0.05), held_out=level(4.0)),
    ),
)

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
        why="The held-out rows are prepared differently, as by a scaler of their own or"
        " columns in another order. The held-out loss says nothing of the model, and"
        " production may well do the same.",
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

VALIDATION_ROWS_TRAINED_ON = Kind(
    name="validation_rows_trained_on",
    severity="warning",
    suspects="validation_rows_trained_on",
    headline="validation rows are trained on",
    text="{least}{share} of the validation rows are trained on too, limit"
    " {share_limit}"
    " ({why}): the held-out loss does not tell how the model does on new rows",
    hint="Split first, then repeat or augment the training rows; drop duplicates"
    " before the split.",
    explanation=Explanation(
        brief="held-out rows are trained on",
        seen="Held-out rows are found among the training rows, more often than"
        " training rows repeat.",
        why="The model has seen them. The held-out loss is too good and does not show"
        " how the model does on new rows.",
        limits=(TRAINED_ON, MOSTLY_TRAINED_ON),
    ),
)

VALIDATION_ROWS_NEARLY_TRAINED_ON = Kind(
    name="validation_rows_trained_on",
    severity="warning",
    suspects="validation_rows_trained_on",
    headline="validation rows are nearly trained on",
    text="{least}{share} of the validation rows are nearly equal to rows that are"
    " trained on, limit {share_limit} ({why}): the held-out loss does not tell how the"
    " model does on new rows",
    hint="Split first, then augment the training rows alone; keep all rows of one"
    " subject, recording or image on one side (GroupShuffleSplit).",
    explanation=Explanation(
        brief="held-out rows nearly equal trained rows",
        seen="Held-out rows lie far nearer to a few training rows than to all others:"
        " copies with a little noise, other rounding or another type. It is an error"
        " where training rows have no such copies among themselves, or where these"
        " held-out rows cost far less than the others; else a warning.",
        why="The model has seen them. The held-out loss is too good and does not show"
        " how the model does on new rows.",
        limits=(MOSTLY_TRAINED_ON, NEARER, TOO_GOOD),
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
    is_lost = not np.isfinite(bad[0][1])
    yield finding(
        NONFINITE_VALIDATION,
        severity="error" if is_lost and places else "warning",
        step=bad[0][0],
        value=bad[0][1],
        where=_place(places[0]) if places else None,
        known="" if len(held.loss) == 1 or not is_lost else _how_often(trace, len(bad)),
        why="; ".join(map(_describe, places)) or _NOT_SEEN,
    )


_NOT_SEEN = (
    "the training loss is finite, and what is wrong in the held-out rows was not seen"
)


def _how_often(trace: Trace, count: int) -> str:
    looks = 0 if trace.validation is None else len(trace.validation.loss)
    return f" ({count} of {looks} held-out losses are not finite)"


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


def validation_rows_trained_on(trace: Trace) -> Iterator[Finding]:
    """Held-out rows that equal or nearly equal training rows, more often than training
    rows equal each other.
    """
    held = trace.held_out
    found = None if held is None else _equal(held.repeats) or _nearly(trace, held.near)
    if found is not None:
        yield found


def _equal(repeats: Repeats | None) -> Finding | None:
    """Held-out rows that equal training rows."""
    if repeats is None:
        return None
    limits = [_beyond(it, repeats) for it in (TRAINED_ON, MOSTLY_TRAINED_ON)]
    is_error = _surely(repeats) > limits[1]
    limit = limits[is_error]
    if _surely(repeats) <= limit:
        return None
    return finding(
        VALIDATION_ROWS_TRAINED_ON,
        severity="error" if is_error else "warning",
        value=repeats.found / repeats.of,
        limit=limit,
        least=_least(repeats),
        why=_why_again(repeats),
        where="the validation data",
    )


def _nearly(trace: Trace, near: NearRows | None) -> Finding | None:
    """Held-out rows that nearly equal training rows.

    If training rows are as near to each other, they may be rows of one subject or
    frames of one recording: the loss on the other held-out rows shows whether that is
    harmful.
    """
    if near is None:
        return None
    rows = near.repeats
    limit = _beyond(MOSTLY_TRAINED_ON, rows)
    again, is_error = rows.again / rows.again_of, _surely(rows) > limit
    why = f"{again:.0%} of the training rows have such a copy"
    if not is_error:
        limit = MOSTLY_TRAINED_ON * rows.among
        why += " too: rows with noise, made before the split, or rows of one subject"
    if _surely(rows) <= limit:
        return None
    if _cost_less(trace, near):
        is_error = True
        why += (
            f"; these rows cost {number(float(np.mean(near.loss_near)))}, the other"
            f" validation rows {number(float(np.mean(near.loss_others)))}"
        )
    return finding(
        VALIDATION_ROWS_NEARLY_TRAINED_ON,
        severity="error" if is_error else "warning",
        value=rows.found / rows.of,
        limit=limit,
        least=_least(rows),
        why=why,
        where="the validation data",
    )


def _cost_less(trace: Trace, near: NearRows) -> bool:
    """Whether near rows have a far lower loss than the other held-out rows, in each
    half.
    """
    perfect = trace.perfect_loss
    if perfect is None or not near.loss_near or not near.loss_others:
        return False
    most, least = max(near.loss_near), min(near.loss_others)
    return bool(most - perfect <= TOO_GOOD * (least - perfect))


def _surely(repeats: Repeats) -> float:
    """Return the lower bound of the share of held-out rows that are training rows."""
    return share_interval(repeats.found, repeats.of)[0]


def _beyond(share: float, repeats: Repeats) -> float:
    """Return the limit for a share beyond natural repeats.

    If only some of the training rows are searched, only some of the copies are found.
    """
    _, by_nature = share_interval(repeats.again, repeats.again_of)
    return by_nature + (1 - by_nature) * share * repeats.among


def _least(repeats: Repeats) -> str:
    return "at least " if repeats.among < 1 else ""


def _why_again(repeats: Repeats) -> str:
    if repeats.copied is None:
        return f"{repeats.again / repeats.again_of:.0%} of the training rows occur"
        " twice"
    return (
        f"the rows of class {repeats.copied} were copied before the split, the others"
        " were not"
    )


def labels_coded_apart(trace: Trace) -> Iterator[Finding]:
    """Held-out labels that name other classes than the training labels do."""
    held, named = trace.held_out, named_otherwise(trace)
    agreed = None if held is None or not named else held.agreement
    if agreed is None:
        return
    certain = _are_alike(agreed)
    yield finding(
        LABELS_CODED_APART,
        severity="error" if certain else "warning",
        value=agreed.as_is,
        limit=AS_THEY_ARE * agreed.renamed,
        where="the validation labels",
        renamed=f"{agreed.renamed:.0%}",
        trained=f"{agreed.trained:.0%}",
        pairs=_renaming(agreed),
        doubt="" if certain else _DOUBT,
    )


#: Other reasons for classes that are taken for one another.
_DOUBT = (
    "; these rows are not like the training rows, so their inputs may be at fault"
    " instead: prepared differently, or from few recordings"
)
#: Most classes whose other name is reported.
_NAMED = 3


def _renaming(agreed: Agreement) -> str:
    some = [f"{mine} is read as {theirs}" for mine, theirs in agreed.moved[:_NAMED]]
    more = len(agreed.moved) - len(some)
    return ", ".join(some) + (f" (and {more} more)" if more else "")


def named_otherwise(trace: Trace) -> bool:
    """Whether the held-out labels name other classes than the training labels do."""
    agreed = None if trace.held_out is None else trace.held_out.agreement
    if agreed is None or trace.need_not_fall or agreed.rows < _FEW_NAMED:
        return False
    if agreed.classes == len(_BOTH):
        least = RENAMED_OF_TWO
        enough = len(agreed.moved) == len(_BOTH) and agreed.fewest >= _FEW_OF_TWO
    else:
        least, enough = RENAMED, len(agreed.moved) >= _MOVED
    return bool(
        enough
        and agreed.trained >= NAMES_LEARNED
        and agreed.renamed >= least
        and agreed.as_is <= AS_THEY_ARE * agreed.renamed
    )


_BOTH = (0, 1)


def _are_alike(agreed: Agreement) -> bool:
    """Whether held-out rows are as near to training rows as to one another."""
    if agreed.nearer is None:
        return False
    return bool(agreed.nearer <= 0.5 + _NEARER / np.sqrt(agreed.compared))


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
    if skill is None or skill < at.LEARNED_HALF:
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
    if theirs.outlier is not None and theirs.outlier_share < at.OUTLIER_SHARE:
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
    validation_rows_trained_on,
    labels_coded_apart,
)
