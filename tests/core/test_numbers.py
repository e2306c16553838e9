"""Numbers, shares and times as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.core.numbers import (
    format_seconds,
    number,
    percent,
    percent_and_limit,
)

SHARES = st.floats(0, 100)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (40, "40"),
        (0.0817, "0.0817"),
        (1.34e8, "1.34e8"),
        (2.86e-5, "2.86e-5"),
        (-1.5e20, "-1.5e20"),
        (float("nan"), "NaN"),
        (float("-inf"), "-inf"),
        (None, "unknown"),
    ],
)
def test_numbers_read_well(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (3725, "1 h 2 min")]
)
def test_times_have_their_units(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0%"),
        (0.123, "12%"),
        (1.0, "100%"),
        (0.005, "0.5%"),
        (0.00034, "0.03%"),
        (2e-7, "under 0.01%"),
        (-0.3, "-30%"),
    ],
)
def test_small_shares_do_not_read_as_none(value, text):
    assert percent(value) == text


@given(SHARES)
def test_only_no_share_reads_as_none(value):
    assert (percent(value) == "0%") is (value == 0)


@pytest.mark.parametrize(
    ("value", "limit", "texts"),
    [
        (0.5, 0.2, ("50%", "20%")),
        (0.052, 0.05, ("5.2%", "5.0%")),
        (0.9004, 0.9, ("90.04%", "90.00%")),
        (0.05, 0.05, ("5%", "5%")),
    ],
)
def test_a_share_and_its_limit_have_the_digits_that_tell_them_apart(
    value, limit, texts
):
    assert percent_and_limit(value, limit) == texts
