"""Bugs of real projects are broken by a relation, their good twins keep all."""

from __future__ import annotations

import pytest

from pytest_lossguard.preprocessing import (
    ContractPolicy,
    check_relation,
    preparation_of,
)
from tests.support.more_preprocessing_bugs import MORE_PAIRS
from tests.support.preprocessing_bugs import PAIRS

SEEN = [it for it in PAIRS if it.relation is not None]


def results_of(pair, make):
    policy = ContractPolicy.from_keywords(pair.keys)
    preparation = preparation_of(**make(), unused=policy.unused)
    return [check_relation(preparation, name, policy) for name in policy.names]


def broken(results):
    return [it.relation for it in results if it.outcome == "broken"]


def test_all_29_bugs_are_here_and_most_can_be_seen():
    assert len(PAIRS) == 29
    assert len(SEEN) == 20


@pytest.mark.parametrize("pair", PAIRS + MORE_PAIRS, ids=lambda it: it.name)
def test_a_good_preparation_keeps_all(pair):
    assert broken(results_of(pair, pair.good)) == []


@pytest.mark.parametrize("pair", SEEN + list(MORE_PAIRS), ids=lambda it: it.name)
def test_a_bug_breaks_its_relation(pair):
    results = results_of(pair, pair.bad)

    assert pair.relation in broken(results)
    for it in results:
        lines = it.message.splitlines()
        assert len(lines) <= 15
        assert all(len(line) <= 76 for line in lines) or it.outcome == "skipped"


def test_the_same_seed_gives_the_same_report():
    pair = next(it for it in PAIRS if it.name == "scaler_refit_on_request")

    first, second = (results_of(pair, pair.bad) for _ in range(2))

    assert first == second
