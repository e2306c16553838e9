"""Held-out labels whose class ids mean other classes than those of training rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.coded_labels import Agreement
from ..core.explanation import Explanation, Limit, curves, falling, level
from ..core.findings import Finding, Kind, finding
from ..core.trace import Trace

# Limits, each with its source

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
        seen="On the held-out rows hardly any prediction equals the label, but each"
        " predicted class matches one other label. It is an error if the held-out rows"
        " are as near to the training rows as to one another; else a warning, since"
        " they may be of another kind.",
        why="The ids of classes were made for each set of rows on its own, as by"
        " pd.factorize, LabelEncoder or a folder without some class. The held-out loss"
        " says nothing about the model, and early stopping and checkpoints keep the"
        " wrong weights.",
        limits=(RENAMED, RENAMED_OF_TWO, AS_THEY_ARE),
        curves=curves(training=falling(1.0, 0.05), held_out=level(4.0)),
    ),
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


RULES = (labels_coded_apart,)
