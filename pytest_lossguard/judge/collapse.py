"""The check of nets that came to give every row the same output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..core.collapse import Spread
from ..core.findings import Finding, Kind, Severity, finding
from ..core.trace import Trace

__all__ = ["RULES"]

# Limits, each with what set it

#: Fewer different rows prove nothing.
FEWEST_ROWS = 8
#: What is generated, or made of rows without any label, is one and the same if it
#: differs by so small a share of its size, and of what it differed by before the first
#: update; of dead units it is 0, a net that learned targets around 1 with a deviation
#: of .005 keeps .004 of it.
SAME = 1e-3
#: A posterior that collapsed: one net of a training keeps so small a share of how far
#: its outputs lay apart, and what another makes of these differs by so small a share of
#: how far the data do. Of VAEs whose KL term weighs .01 to 1 the codes keep .45 and
#: more, and what is made again differs by .23 to .53; of 10 to 60 times as much codes
#: keep .003 to .03, and what is made of them differs by .08 to .12.
CODE_KEPT, REBUILT = 0.05, 0.15
#: Embeddings that collapsed: their directions differ by so small a share, those of the
#: untrained net by so much more, and what still differs is their length. Views drawn
#: together with nothing against it .014 to .04 (of .2 in all), with it .77 and more.
TURNED, TURNED_BEFORE, LENGTHS = 0.05, 0.3, 0.5
#: ... or they shrank to so small a share: views drawn together by their distance keep
#: .01, good ones 1.5 and more. Where lengths count for nothing they may shrink.
SHRUNK = 0.02

# What they find

PREDICTIONS_IGNORE_INPUTS = Kind(
    name="predictions_ignore_inputs",
    severity="error",
    suspects="predictions_ignore_inputs",
    headline="{where} gives all rows one output",
    text="after training {where} gives {rows} different rows {what}: {value} {of},"
    " limit {limit}",
    hint="Of a VAE sum the reconstruction loss over what it sums the KL term over, or"
    " let that grow from 0; of embeddings push rows apart (negatives, a predictor and"
    " a stopped gradient); of a generator look at the rate of the other side.",
)

_LEFT = "of how far they lay apart untrained is left"


def predictions_ignore_inputs(trace: Trace) -> Iterator[Finding]:
    """Nets whose loss is the user's own, so that no score tells. What a net that acts
    or sets its own targets should put out may well be the same everywhere.
    """
    if trace.moving_target:
        return
    spreads = [it for it in trace.spreads if it.rows >= FEWEST_ROWS]
    for spread in spreads:
        must_differ = spread.generates or spread.embeds
        if must_differ and max(spread.apart, spread.kept) <= SAME:
            what, of = "the same output", "of its size is all by which it differs"
            yield _found(spread, spread.apart, SAME, what, of)
            return
    yield from _collapsed(spreads)


def _collapsed(spreads: Sequence[Spread]) -> Iterator[Finding]:
    codes = [it for it in spreads if it.kept <= CODE_KEPT]
    for spread in codes:
        if any(_is_rebuilt_alike(it) for it in spreads if it is not spread):
            what = "all but one output, and so does the net that is given that"
            yield _found(spread, spread.kept, CODE_KEPT, what, _LEFT)
            return
    yield from _collapsed_embedding([it for it in spreads if it.embeds])


def _collapsed_embedding(spreads: Sequence[Spread]) -> Iterator[Finding]:
    for spread in spreads:
        if _points_one_way(spread):
            what = "outputs that point one way"
            of = "of their length is how far they turn"
            yield _found(spread, spread.turned, TURNED, what, of)
        elif spread.kept <= SHRUNK:
            what, of = "all but one output", _LEFT
            yield _found(spread, spread.kept, SHRUNK, what, of, severity="warning")


def _is_rebuilt_alike(spread: Spread) -> bool:
    return spread.rebuilt is not None and spread.rebuilt <= REBUILT


def _points_one_way(spread: Spread) -> bool:
    fell = spread.turned <= TURNED and spread.turned_before >= TURNED_BEFORE
    return fell and spread.turned <= LENGTHS * spread.apart


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
