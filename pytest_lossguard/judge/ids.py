"""Checks of ids: weights under the ids of other classes, tokens under the id of
padding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..core.data_facts import ClassWeights, MaskedTokens
from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, finding
from ..core.numbers import number
from ..core.trace import Floats, Trace

#: Maximum number of classes that are described in a sentence, and that are listed.
_MOST_NAMED, _MOST_LISTED = 2, 5

# Limits, each with its source

AS_A_SET = Limit(
    0.1,
    "The weights, sorted, are within {limit:.0%} of those that balance the classes.",
    set_by="Weights of all rows, and counts of the 80% that are trained on, agree"
    " within 4% for a class of 160 rows (one standard deviation).",
)
AS_A_PAIR = Limit(
    0.02,
    "If the weights have only two sizes, within {limit:.0%}.",
    set_by="One ratio is met by chance more easily than several.",
)
APART = Limit(
    2.0,
    "Class by class, weight times rows differs by a factor of {limit} or more.",
    set_by="It is 1 for weights that balance the classes; classes of nearly equal"
    " counts may be exchanged without harm.",
)
APART_AS_A_PAIR = Limit(
    4.0,
    "If the weights have only two sizes, by a factor of {limit} or more.",
    set_by="Two classes, one of which has twice the rows of the other.",
)
#: Weights that differ by less than this factor count as one size.
_ONE_SIZE = 1.25

BROKEN_ROWS = Limit(
    0.5,
    "{limit:.0%} of the rows, of at least 8, have two or more separate runs of zeros"
    " between other ids.",
    set_by="Padding is one block at an end of a row, or between two sentences. Four"
    " bases numbered from 0 have such runs in all rows.",
)
#: Fewest rows that are conclusive.
_FEWEST_ROWS = 8
LONGEST_RUN = Limit(
    2.0,
    "Such a run has at most {limit} positions on average.",
    set_by="A token that is half of a text has runs of 2. Padding of several sentences,"
    " and pauses between events, have longer ones.",
)
LIKE_OTHERS = Limit(
    0.75,
    "0 occurs at least {limit:.0%} as often as the usual id.",
    set_by="A token is as frequent as others; unknown letters, or some that are"
    " dropped on purpose, are rarer.",
)
NOT_FOR_MANY = Limit(
    3.0,
    "Unless the last id never occurs, 0 occurs at most {limit} times as often.",
    set_by="All words outside a vocabulary together are far more frequent than the"
    " usual word of it.",
)
ALPHABET = Limit(
    256,
    "The layer has at most {limit} ids, all of which occur; or all but the last occur,"
    " as when ids start at 0 and the layer has one more for padding.",
    set_by="Words that are not in a large vocabulary are often given the id 0 on"
    " purpose.",
)

# Kinds of findings

CLASS_WEIGHT_MISMATCH = Kind(
    name="class_weight_mismatch",
    severity="error",
    suspects="class_weight_mismatch",
    headline="class weights belong to other classes",
    text="the class weights belong to other classes: {told}. Sorted, the weights fit"
    " the counts within {fit}, limit {fit_limit}; class by class, weight times rows"
    " differs by a factor of {value}, limit {limit}{nameless}",
    hint="Compute the weights from the training labels, each under the id of its class:"
    " classes, rows = np.unique(y, return_counts=True); class_weight ="
    " dict(zip(classes, len(y) / (len(classes) * rows))).",
    explanation=Explanation(
        brief="class weights belong to other classes",
        seen="The weights given for the classes are those that balance them, but for"
        " other classes: as a set they fit the counts, class by class they do not. Or"
        " they grow with the counts, or name no class of the labels. It is a warning if"
        " there are only two sizes of weights, or if the classes are still better"
        " balanced than without.",
        why="Weights listed in order of the counts, by name or from 1 on, end up on"
        " other classes: frequent classes are weighted up, rare ones down, and the"
        " model learns the rare ones less than without weights.",
        limits=(AS_A_SET, AS_A_PAIR, APART, APART_AS_A_PAIR),
    ),
)

TOKENS_MASKED = Kind(
    name="tokens_masked",
    severity="warning",
    suspects="tokens_masked",
    text="{where} masks id 0 as padding, but 0 seems to be a token: in {share} of"
    " {rows} rows, limit {share_limit}, zeros occur in two or more places between other"
    " ids, and {zeros} of the positions there are 0 (the usual id: {usual}){last}",
    hint="Number the tokens from 1 on, and keep 0 for padding: input_dim is the number"
    " of tokens + 1. If 0 means no token on purpose, write"
    " converges(allow='tokens_masked').",
    explanation=Explanation(
        brief="a token has the id of padding",
        seen="An Embedding with mask_zero=True reads rows in which zeros occur in"
        " several places between other ids, as often as other ids do.",
        why="Ids that start at 0 give the first token the id of padding. Layers that"
        " take masks skip that token everywhere: the model never sees it.",
        limits=(BROKEN_ROWS, LONGEST_RUN, LIKE_OTHERS, NOT_FOR_MANY, ALPHABET),
    ),
)

#: A finding whose sentence is replaced.
_MISMATCH = finding(
    CLASS_WEIGHT_MISMATCH,
    where="the class weights",
    told="",
    fit="",
    fit_limit="",
    nameless="",
)

_NAMELESS = (
    "class_weight has no effect: it has the keys {keys}, but the classes of the labels"
    " are {classes}; each of them has weight 1"
)
_GROWS = (
    "the class weights grow with the counts: {told}. Weights are proportional to the"
    " rows of the classes within {fit}, limit {limit}, so frequent classes count even"
    " more"
)


def class_weight_mismatch(trace: Trace) -> Iterator[Finding]:
    """Weights that balance the classes, and are given for other classes."""
    found = None if trace.data_facts is None else trace.data_facts.class_weights
    if found is None or trace.need_not_fall or min(found.given, default=0) <= 0:
        return
    if len(found.nameless) == len(found.given):
        if set(found.given) != {1.0}:
            yield _without_effect(found)
    elif len(found.given) == len(found.classes):
        yield from _of_other_classes(found)


def _without_effect(class_weights: ClassWeights) -> Finding:
    keys = _listed(class_weights.nameless)
    classes = _listed(map(str, class_weights.classes))
    return replace(
        _MISMATCH,
        message=_NAMELESS.format(keys=keys, classes=classes),
        headline="class_weight names no class",
        hint="Use the integers in the labels as keys of class_weight (for one-hot"
        " labels the column, from 0 on).",
    )


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:_MOST_LISTED]) + ", ..." * (len(every) > _MOST_LISTED)


def _of_other_classes(class_weights: ClassWeights) -> Iterator[Finding]:
    weights, given = np.log(class_weights.weights), np.sort(np.log(class_weights.given))
    rows = np.log(np.asarray(class_weights.rows, np.float64))
    level = float(np.mean(given + rows))
    asked = level - rows
    sizes = 1 + int((np.diff(given) > np.log(_ONE_SIZE)).sum())
    fit = _spread(given - np.sort(asked)) / 2
    apart = _spread(weights + rows)
    limits = (AS_A_SET, APART) if sizes > 2 else (AS_A_PAIR, APART_AS_A_PAIR)
    if apart < np.log(limits[1]):
        return
    is_error = sizes > 2 and apart > _spread(rows)
    told = _farthest_off(class_weights, np.exp(asked))
    if fit <= np.log1p(limits[0]):
        keys = ", ".join(class_weights.nameless[:_MOST_NAMED])
        yield finding(
            CLASS_WEIGHT_MISMATCH,
            severity="error" if is_error else "warning",
            value=float(np.exp(apart)),
            limit=limits[1],
            where="class_weight" if class_weights.nameless else "the class weights",
            told=told,
            fit=f"{np.expm1(fit):.1%}",
            fit_limit=f"{limits[0]:.0%}",
            nameless=f". No row has the class {keys} of class_weight" if keys else "",
        )
        return
    grows = _spread(weights - rows) / 2
    if sizes > 2 and grows <= np.log1p(AS_A_SET):
        yield _grows_with_rows(class_weights, float(np.expm1(grows)))


def _grows_with_rows(class_weights: ClassWeights, fit: float) -> Finding:
    few, many = int(np.argmin(class_weights.rows)), int(np.argmax(class_weights.rows))
    told = ", ".join(
        f"class {class_weights.classes[it]} ({_of(class_weights, it)}) has weight"
        f" {number(class_weights.weights[it])}"
        for it in (few, many)
    )
    return replace(
        _MISMATCH,
        value=fit,
        limit=float(AS_A_SET),
        message=_GROWS.format(told=told, fit=f"{fit:.1%}", limit=f"{AS_A_SET:.0%}"),
        headline="class weights grow with the counts",
        hint=f"Divide by the counts. {_MISMATCH.hint}",
    )


def _farthest_off(class_weights: ClassWeights, asked: Floats) -> str:
    """Return the classes whose weights are the farthest off, in words."""
    off = np.abs(np.log(np.asarray(class_weights.weights) / asked))
    worst = np.argsort(-off, kind="stable")[:_MOST_NAMED]
    return " and ".join(
        f"class {class_weights.classes[it]} ({_of(class_weights, it)}) has weight"
        f" {number(class_weights.weights[it])}, its count calls for"
        f" {number(float(asked[it]))}"
        for it in worst
    )


def _of(class_weights: ClassWeights, place: int) -> str:
    return f"{class_weights.rows[place]} of {sum(class_weights.rows)} rows"


def _spread(logs: Floats) -> float:
    """Return the logarithm of the factor between the largest and smallest value."""
    return float(np.ptp(logs))


def tokens_masked(trace: Trace) -> Iterator[Finding]:
    """A token that has the id 0, which the layer masks as padding."""
    for it in () if trace.data_facts is None else trace.data_facts.masked_tokens:
        if it.rows >= _FEWEST_ROWS and _is_token(it):
            yield finding(
                TOKENS_MASKED,
                value=it.broken / it.rows,
                limit=BROKEN_ROWS,
                where=f"layer {it.layer}",
                rows=str(it.rows),
                zeros=f"{it.share:.0%}",
                usual=f"{it.usual:.0%}",
                last=_LAST.format(it.ids - 1) if it.lacks_last else "",
            )


_LAST = "; id {}, the last of the layer, never occurs: all ids are one too low"


def _is_token(it: MaskedTokens) -> bool:
    """Whether 0 stands where tokens stand, and the ids suggest no other meaning."""
    for_one = it.share <= NOT_FOR_MANY * it.usual
    all_occur = it.ids <= ALPHABET and it.missing == 0 and for_one
    all_but_last = it.lacks_last and it.missing == 1
    return (
        it.broken >= BROKEN_ROWS * it.rows
        and it.run <= LONGEST_RUN
        and it.share >= LIKE_OTHERS * it.usual
        and (all_occur or all_but_last)
    )


RULES = (class_weight_mismatch, tokens_masked)
