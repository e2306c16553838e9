"""The check for nets that give every row the same output after training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.collapse import Spread
from ..core.explanation import Explanation, Limit
from ..core.findings import Finding, Kind, Severity, finding
from ..core.trace import Trace

# Limits, each with its source

#: Minimum number of distinct rows.
FEWEST_ROWS = 8
SAME = Limit(
    1e-3,
    "The outputs of different rows differ by at most {limit} of their size, and of"
    " their difference before training.",
    set_by="Dead units give 0; a net that learned targets around 1 with a deviation of"
    " 0.005 keeps 0.004.",
)
#: Posterior collapse: one net keeps almost nothing of the distances between its
#: outputs, and the reconstructions that another net makes of them hardly differ.
CODE_KEPT = Limit(
    0.05,
    "The codes of an autoencoder keep at most {limit:.0%} of their distances before"
    " training.",
    set_by="Of VAEs whose KL term weighs 0.01 to 1 they keep 0.45 and more; with 10 to"
    " 60 times as much 0.003 to 0.03.",
)
REBUILT = Limit(
    0.15,
    "Its reconstructions, too, differ by at most {limit:.0%} of what the data differ"
    " by.",
    set_by="Of the same VAEs it differs by 0.23 to 0.53, of those with 10 to 60 times"
    " the weight by 0.08 to 0.12.",
)
#: Collapse of embeddings: their directions hardly differ, but did before training; only
#: their lengths still differ.
TURNED = Limit(
    0.05,
    "The directions of embeddings differ by at most {limit:.0%} of their length, and"
    " differed far more before training.",
    set_by="Views pulled together without a term that pushes rows apart have 0.014 to"
    " 0.04, with one 0.77 and more.",
)
TURNED_BEFORE, LENGTHS = 0.3, 0.5
SHRUNK = Limit(
    0.02,
    "As a warning: embeddings keep at most {limit:.0%} of their distances before"
    " training.",
    set_by="Views pulled together by their distance keep 0.01, good ones 1.5 and more."
    " Where only directions count, lengths may shrink.",
)

# Kinds of findings

PREDICTIONS_IGNORE_INPUTS = Kind(
    name="predictions_ignore_inputs",
    severity="error",
    suspects="predictions_ignore_inputs",
    headline="{where} gives all rows one output",
    text="after training {where} gives {rows} different rows {what}: {value} {of},"
    " limit {limit}",
    hint="VAE: sum the reconstruction loss over the same axes as the KL term, or raise"
    " the KL term slowly from 0. Embeddings: push rows apart (negatives, or a"
    " predictor and a stopped gradient). Generator: check the learning rate of"
    " the discriminator.",
    explanation=Explanation(
        brief="a net gives all rows the same output",
        seen="One of several nets gives all rows the same output after training: a"
        " generator, the codes of an autoencoder, or an embedding.",
        why="The net collapsed: a constant output costs less than the right one. The"
        " loss looks fine because there is no reference loss to compare with.",
        limits=(SAME, CODE_KEPT, REBUILT, TURNED, SHRUNK),
    ),
)

_LEFT = "of their distances before training is left"


def predictions_ignore_inputs(trace: Trace) -> Iterator[Finding]:
    """Nets with a custom loss, which no score covers, that give all rows the same
    output.

    Not checked for a net that acts or sets its own targets, since its output may
    rightly be the same everywhere.
    """
    if trace.moving_target:
        return
    spreads = [it for it in trace.spreads if it.rows >= FEWEST_ROWS]
    for spread in spreads:
        must_differ = spread.generates or spread.embeds
        if must_differ and max(spread.apart, spread.kept) <= SAME:
            what, of = "the same output", "of its size is the only difference"
            yield _found(spread, spread.apart, SAME, what, of)
            return
    yield from _collapsed(spreads)


def _collapsed(spreads: Sequence[Spread]) -> Iterator[Finding]:
    codes = [it for it in spreads if it.kept <= CODE_KEPT]
    for spread in codes:
        others = [it.rebuilt for it in spreads if it is not spread]
        if any(it is not None and it <= REBUILT for it in others):
            what = "almost the same output, and so does the net that reads it"
            yield _found(spread, spread.kept, CODE_KEPT, what, _LEFT)
            return
    yield from _collapsed_embedding([it for it in spreads if it.embeds])


def _collapsed_embedding(spreads: Sequence[Spread]) -> Iterator[Finding]:
    for spread in spreads:
        fell = spread.turned <= TURNED and spread.turned_before >= TURNED_BEFORE
        if fell and spread.turned <= LENGTHS * spread.apart:
            what = "outputs that point in one direction"
            of = "of their length is how much they differ in direction"
            yield _found(spread, spread.turned, TURNED, what, of)
        elif spread.kept <= SHRUNK:
            what, of = "almost the same output", _LEFT
            yield _found(spread, spread.kept, SHRUNK, what, of, severity="warning")


def _found(
    spread: Spread,
    value: float,
    limit: float,
    what: str,
    of: str,
    severity: Severity = "error",
) -> Finding:
    return finding(
        PREDICTIONS_IGNORE_INPUTS,
        severity=severity,
        value=value,
        limit=limit,
        where=spread.net,
        rows=spread.rows,
        what=what,
        of=of,
    )


RULES = (predictions_ignore_inputs,)
