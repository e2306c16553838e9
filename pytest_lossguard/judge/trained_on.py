"""Held-out rows that are trained on too, or nearly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.column_stats import share_interval
from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.near_rows import NEARER
from ..core.numbers import number, percent
from ..core.trace import NearRows, Repeats, Trace

# Limits, each with its source

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
TOO_GOOD = Limit(
    0.5,
    "Where training rows are as near to one another, it is an error if near rows cost"
    " at most {limit:.0%} of what the other held-out rows do, in each half of both.",
    set_by="Rows copied with noise before the split cost 16% and 19% of what the others"
    " do, on two seeds.",
)

# Kinds of findings

VALIDATION_ROWS_TRAINED_ON = Kind(
    name="validation_rows_trained_on",
    severity="warning",
    suspects="validation_rows_trained_on",
    headline="validation rows are trained on",
    text="{least}{share} of the validation rows are trained on too, limit {share_limit}"
    " ({why}): the held-out loss does not show how the model does on new rows",
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
    " trained on, limit {share_limit} ({why}): the held-out loss does not show how the"
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
    why = _why_again(repeats)
    return _found(VALIDATION_ROWS_TRAINED_ON, repeats, limit, why, is_error=is_error)


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
    why = f"{percent(again)} of the training rows have such a copy"
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
    return _found(
        VALIDATION_ROWS_NEARLY_TRAINED_ON, rows, limit, why, is_error=is_error
    )


def _found(
    kind: Kind, repeats: Repeats, limit: float, why: str, *, is_error: bool
) -> Finding:
    return finding(
        kind,
        severity="error" if is_error else "warning",
        value=repeats.found / repeats.of,
        limit=limit,
        least="at least " if repeats.among < 1 else "",
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


def _why_again(repeats: Repeats) -> str:
    if repeats.copied is None:
        again = repeats.again / repeats.again_of
        return f"{percent(again)} of the training rows occur twice"
    return (
        f"the rows of class {repeats.copied} were copied before the split, the others"
        " were not"
    )


RULES = (validation_rows_trained_on,)
