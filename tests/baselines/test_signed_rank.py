"""The exact signed-rank test against a count of every choice of signs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_lossguard.baselines.signed_rank import chance_of_worse

few_values = st.lists(
    st.integers(-4, 4).map(float) | st.floats(-10, 10), min_size=1, max_size=9
)


def by_counting(worsening):
    """Every choice of signs, one by one."""
    sizes = np.abs(worsening)
    ranks = np.array(
        [(sizes < it).sum() + ((sizes == it).sum() + 1) / 2 for it in sizes]
    )
    against = ranks[np.asarray(worsening) <= 0].sum()
    choices = product((0, 1), repeat=len(ranks))
    sums = np.array([np.dot(choice, ranks) for choice in choices])
    return float(np.mean(sums <= against))


@given(few_values)
def test_the_chance_is_the_share_of_signs_as_bad(worsening):
    assert chance_of_worse(worsening) == pytest.approx(by_counting(worsening))


def test_sixteen_pairs_that_all_got_worse_are_chance_once_in_65536():
    assert chance_of_worse(np.arange(1, 17)) == 2.0**-16


def test_pairs_that_did_not_change_are_no_sign_of_anything():
    assert chance_of_worse([0.0] * 16) == 1.0


@given(few_values, st.floats(0, 5))
def test_what_gets_worse_by_more_is_never_likelier_by_chance(worsening, more):
    worse = [it + more for it in worsening]
    # Values that became equal share their ranks, and chance counts them otherwise.
    assume(
        all(len({abs(it) for it in them}) == len(them) for them in (worse, worsening))
    )

    assert chance_of_worse(worse) <= chance_of_worse(worsening) + 1e-12
