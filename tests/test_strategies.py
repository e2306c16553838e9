"""What is drawn stays in its space and shrinks to the mildest that still fails."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import HealthCheck, find, given, settings

from pytest_lossguard import PolicyError, strategies
from pytest_lossguard.corruptions import Corruption, Offset, Outliers, Scale
from pytest_lossguard.corruptions.families import KEYWORDS

NAMES = [it.name for it in KEYWORDS]

QUIET = settings(
    database=None,
    max_examples=2000,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def smallest(condition, **keywords):
    return find(strategies.corruptions(**keywords), condition, settings=QUIET)


def has(family, **values):
    def condition(corruption):
        return any(
            isinstance(part, family)
            and all(getattr(part, key) >= least for key, least in values.items())
            for part in corruption.parts
        )

    return condition


def test_the_simplest_is_no_corruption():
    assert smallest(lambda _: True) == Corruption()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (has(Scale), Scale(10.0, features=0)),
        (has(Scale, factor=100), Scale(100.0, features=0)),
        (has(Offset, deviations=10), Offset(10.0, features=0)),
        (has(Outliers), Outliers(10.0, features=0)),
        (has(Outliers, rows=2), Outliers(10.0, rows=4, features=0)),
    ],
)
def test_it_shrinks_to_one_family_the_mildest_value_and_the_first_feature(
    condition, expected
):
    assert smallest(condition) == Corruption(expected)


def test_the_named_features_are_hit_and_no_others():
    seen = set()

    @settings(QUIET, max_examples=200)
    @given(strategies.corruptions(features=("height", "mass")))
    def draw(corruption):
        seen.update(part.features for part in corruption.parts)

    draw()
    assert seen == {None, "height", "mass"}


def test_its_keywords_are_those_of_the_marker():
    keywords = inspect.signature(strategies.corruptions).parameters

    assert {*keywords} == {*NAMES, "features"}


def test_misuse_names_the_strategy():
    with pytest.raises(PolicyError, match=r"strategies\.corruptions\(scales=3\)"):
        strategies.corruptions(scales=3)


@settings(QUIET, max_examples=100)
@given(strategies.corruptions(**dict.fromkeys(NAMES, True)))
def test_what_is_drawn_prints_as_what_makes_it(corruption):
    from pytest_lossguard import corruptions

    assert eval(repr(corruption), vars(corruptions)) == corruption
    assert len(corruption.parts) <= 2


@settings(QUIET, max_examples=60)
@given(
    strategies.corruptions(scales=False, offsets=False, outliers=False, constant=True)
)
def test_one_feature_at_a_time_is_constant_and_never_all(corruption):
    for part in corruption.parts:
        assert isinstance(part.features, int)
