"""Keywords become levels, the mildest first; what cannot be meant is refused."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_lossguard import PolicyError
from pytest_lossguard.corruptions import (
    Dtype,
    FewRows,
    Imbalance,
    MissingValues,
    Offset,
    Outliers,
    Scale,
    TargetOutliers,
    TargetScale,
)
from pytest_lossguard.corruptions.families import KEYWORDS
from pytest_lossguard.corruptions.space import Space

OFF = {"scales": False, "offsets": False, "outliers": False}


def space(**keywords):
    return Space.from_keywords(keywords, "corruptions")


def levels(**keywords):
    (axis,) = space(**{**OFF, **keywords}).axes
    return axis.levels


def test_scales_offsets_and_outliers_are_on_by_default():
    assert [axis.keyword for axis in space().axes] == ["scales", "offsets", "outliers"]


def test_scales_are_powers_of_ten_the_mildest_first():
    factors = [it.factor for it in levels(scales=(1e-2, 1e3))]

    assert factors == [10.0, 0.1, 100.0, 0.01, 1000.0]


def test_a_narrow_range_is_drawn_in_powers_of_two_or_at_its_ends():
    assert levels(scales=(0.5, 4)) == (Scale(2.0), Scale(0.5), Scale(4.0))
    assert levels(scales=(1, 1.5)) == (Scale(1.5),)


def test_offsets_have_both_signs_within_their_bounds():
    assert levels(offsets=(-1, 100)) == tuple(map(Offset, [1.0, -1.0, 10.0, 100.0]))


def test_outliers_come_alone_before_they_come_in_numbers():
    found = levels(outliers=100)

    assert found[:2] == (Outliers(10.0), Outliers(100.0))
    assert found[2:] == (Outliers(10.0, rows=4), Outliers(100.0, rows=4))


def test_the_other_families_have_their_ranges():
    assert levels(targets=(1, 100)) == (
        *(TargetScale(10.0), TargetScale(100.0)),
        *(TargetOutliers(10.0), TargetOutliers(100.0)),
    )
    assert levels(missing=0.8)[0] == MissingValues(0.1)
    assert levels(rows=4)[-1] == FewRows(4)
    assert levels(imbalance=0.2)[-1] == Imbalance(0.2, label=1)
    assert levels(dtype="float16") == (Dtype("float16"),)


def test_beyond_the_range_lie_the_next_powers_of_ten():
    (axis,) = space(**{**OFF, "scales": (1, 100)}).axes

    assert axis.beyond == ((Scale(1e3), Scale(1e4), Scale(1e5)),)


def test_a_space_shows_its_ranges_and_knows_its_own():
    narrow = space(offsets=False, outliers=False)

    assert narrow.description == "scales 0.001 to 1000"
    assert narrow.has(Scale(1000.0, features=3))
    assert not narrow.has(Scale(1e4))
    assert not narrow.has(Offset(1.0))


@pytest.mark.parametrize("keyword", [it.name for it in KEYWORDS])
def test_every_keyword_can_be_turned_on_alone(keyword):
    assert levels(**{keyword: True})


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"scale": True}, "no keyword 'scale': did you mean 'scales'?"),
        ({"scales": (10, 1)}, "bounds the wrong way round: give (1.0, 10.0)"),
        ({"scales": (0, 1)}, "must be True, False or two bounds"),
        ({"scales": 10}, "must be True, False or two bounds"),
        ({"scales": (1, 1)}, "holds no factor except 1"),
        ({"scales": (1, float("nan"))}, "must be True, False or two bounds"),
        ({"offsets": (5, -5)}, "bounds the wrong way round"),
        ({"outliers": -1}, "must be True, False or the largest"),
        ({"outliers": (1, 10)}, "must be True, False or the largest"),
        ({"missing": 2}, "a share of the rows"),
        ({"rows": 0.5}, "the fewest rows"),
        ({"constant": 3}, "must be True or False"),
        ({"dtype": "float31"}, "must be one of float16"),
        ({"features": 0}, "features must be their number"),
        ({"features": (-1,)}, "features must be their number"),
        (OFF, "nothing to draw"),
    ],
)
def test_what_cannot_be_meant_is_reported_with_its_keyword(keywords, text):
    with pytest.raises(PolicyError) as error:
        space(**keywords)

    assert text in str(error.value)
    assert str(error.value).startswith("corruptions(")
    assert "\n" not in str(error.value)


@given(
    st.tuples(
        st.floats(1e-8, 1e8, allow_nan=False), st.floats(1e-8, 1e8, allow_nan=False)
    )
)
def test_no_factor_lies_outside_its_bounds(bounds):
    low, high = sorted(bounds)
    assume(low < 0.999 or high > 1.001)
    found = levels(scales=(low, high))

    assert all(low * (1 - 1e-6) <= it.factor <= high * (1 + 1e-6) for it in found)
    assert all(it.factor != 1 for it in found)


@pytest.mark.parametrize(
    ("part", "is_covered"),
    [
        (Scale(30.0), True),  # between two levels
        (Scale(1000.0, features=3), True),
        (Scale(1001.0), False),
        (Scale(0.0001), False),
        (MissingValues(0.1), False),  # off
    ],
)
def test_a_space_covers_what_lies_within_its_bounds(part, is_covered):
    space = Space.from_keywords({"scales": (0.001, 1000.0)}, "corruptions")

    assert space.covers(part) is is_covered
