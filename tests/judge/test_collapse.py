"""Nets that give every row the same output, and those that only seem to."""

from __future__ import annotations

import pytest

from pytest_lossguard.core.collapse import Spread
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from tests.support.traces import falling, make_trace

#: Of a good VAE and a good embedding of the corpus.
GOOD = {"rows": 32, "apart": 0.5, "kept": 2.9, "turned": 0.5, "turned_before": 0.6}
CODE = {**GOOD, "net": "encoder", "kept": 0.02}
REBUILT = {**GOOD, "net": "decoder", "rebuilt": 0.1}
EMBEDDING = {**GOOD, "net": "encoder", "apart": 0.13, "turned": 0.04, "embeds": True}


def found(*spreads, **facts):
    made = tuple(Spread(**{"net": "net", **it}) for it in spreads)
    errors = judge(make_trace(falling(), spreads=made, **facts), Policy())
    return [(it.kind, it.where) for it in errors]


BROKEN = {
    "generator": ([{**GOOD, "apart": 1e-6, "kept": 1e-6, "generates": True}], "net"),
    "no labels": ([{**GOOD, "apart": 1e-6, "kept": 1e-6, "embeds": True}], "net"),
    "posterior": ([CODE, REBUILT], "encoder"),
    "embedding": ([EMBEDDING], "encoder"),
}


@pytest.mark.parametrize(("spreads", "where"), BROKEN.values(), ids=list(BROKEN))
def test_a_collapsed_net_fails(spreads, where):
    assert found(*spreads) == [("predictions_ignore_inputs", where)]


@pytest.mark.parametrize(
    "spreads",
    [
        [GOOD],
        [{**GOOD, "apart": 0.005, "kept": 0.01, "generates": True}],
        [{**GOOD, "apart": 0.0, "kept": 0.0}],
        [{**GOOD, "apart": 1e-4, "kept": 1.0}],
        [CODE, GOOD],
        [CODE, {**REBUILT, "rebuilt": 0.4}],
        [CODE],
        [REBUILT, GOOD],
        [{**EMBEDDING, "embeds": False}],
        [{**EMBEDDING, "turned_before": 0.05}],
        [{**EMBEDDING, "apart": 0.05}],
        [{**EMBEDDING, "turned": 0.97, "apart": 0.99}],
        [{**GOOD, "kept": 0.01}],
        [{**GOOD, "apart": 0.0, "kept": 0.0, "rows": 4, "generates": True}],
        [],
    ],
    ids=[
        "good",
        "made around 1",
        "another's to judge",
        "large outputs",
        "a code alone",
        "a code that tells little, rebuilt well",
        "one net with little left",
        "a decoder of rows that hardly differ",
        "forecasts of steps that are alike",
        "pointed one way from the start",
        "an offset",
        "a good embedding",
        "a code alone that shrank",
        "too few rows",
        "unknown",
    ],
)
def test_other_nets_do_not(spreads):
    assert found(*spreads) == []


def test_an_embedding_that_shrank_is_a_warning():
    shrunk = Spread(**{**EMBEDDING, "turned": 0.9, "kept": 0.01})
    (finding,) = judge(make_trace(falling(), spreads=(shrunk,)), Policy())

    assert (finding.kind, finding.severity) == ("predictions_ignore_inputs", "warning")
    assert (
        "0.01 of their distances before training is left, limit 0.02" in finding.message
    )


def test_what_an_agent_puts_out_may_be_the_same_everywhere():
    assert found(*BROKEN["posterior"][0], moving_target=True) == []
