"""Margins found by bisection, on trainings made by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.core.change import ModelFacts
from pytest_lossguard.core.errors import CannotChange
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.experiments.margins import (
    STEP,
    Scaled,
    find_margins,
    learning_rate,
    margins,
    scale_of,
)
from tests.support.traces import column, falling, make_trace


class Breaking:
    """Breaks when the rate, or one feature, is raised too far."""

    def __init__(self, rate=10.0, features=(50.0, 5.0), schedule=False, refuses=()):
        self.facts = ModelFacts(learning_rate=None if schedule else 0.1)
        self.limits = {"learning_rate": {(): rate}, "scale_inputs": {}}
        for index, limit in enumerate(features):
            self.limits["scale_inputs"][(index,)] = limit
        self.inputs = column("feature", mean=[0.0] * len(features))
        self.refuses = refuses
        self.trainings = 0
        self.asked, self.rounds = [], []

    def several(self, requests, begin=None):
        self.rounds.append(len(requests))
        self.asked += [it.changes for it in requests]
        return [
            CannotChange("no scale")
            if set(it.changes[0].at) & set(self.refuses)
            else self(*it.changes)
            for it in requests
        ]

    def __call__(self, *changes, **how):
        self.trainings += 1
        broken = any(it.value > self.limits[it.kind][it.at] for it in changes)
        curve = falling(1.0, 1e3) if broken else falling(1.0, 0.1)
        return make_trace(
            curve, start=1.0, end=curve[-1], constant=0.9, inputs=(self.inputs,)
        )


def headroom(limit):
    """The margin of a learning rate that breaks above a limit, and what was tried."""
    rerun = Breaking(rate=limit)
    thing = Scaled(what="rate", change=learning_rate)
    (found,) = find_margins([thing], rerun, Policy())
    return found, [it[0].value for it in rerun.asked]


@given(st.floats(1.0, 1e6, exclude_max=True))
def test_a_margin_is_known_to_a_quarter_of_an_octave(limit):
    found, _ = headroom(limit)

    assert found.factor <= limit < found.fails_at
    assert found.fails_at <= found.factor * STEP * (1 + 1e-9)
    assert found.why == "diverging_loss"


def test_what_does_not_converge_as_it_is_has_no_margin():
    found, tried = headroom(0.5)

    assert (found.factor, found.fails_at) == (0.0, 1.0)
    assert tried == [1.0]


def test_what_never_breaks_is_tried_up_to_a_million():
    found, tried = headroom(1e9)

    assert (found.factor, found.fails_at) == (4.0**10, None)
    assert tried == [4.0**it for it in range(11)]
    assert str(found) == "rate: 1,048,576x and more"


def test_several_margins_are_found_in_as_many_rounds_as_the_widest_takes():
    rerun = Breaking(rate=3.0, features=(50.0, 5.0))
    features = [Scaled(what=str(it), change=scale_of(it)) for it in range(2)]
    rate = Scaled(what="rate", change=learning_rate)

    together = find_margins([rate, *features], rerun, Policy())

    alone = [find_margins([it], rerun, Policy())[0] for it in (rate, *features)]
    assert together == alone
    assert rerun.rounds[:7] == [3, 3, 3, 3, 3, 2, 1]


def test_what_cannot_be_raised_says_why_and_the_others_are_found():
    rerun = Breaking(refuses=(0,))
    features = [Scaled(what=str(it), change=scale_of(it)) for it in range(2)]

    refused, found = find_margins(features, rerun, Policy())

    assert str(refused) == "no scale"
    assert found.factor == pytest.approx(4.76, abs=0.01)


def test_margins_of_the_rate_and_of_each_feature_the_narrowest_first():
    rerun = Breaking()

    found = margins(rerun, Policy())

    assert found.learning_rate.factor == pytest.approx(9.51, abs=0.01)
    assert [it.what for it in found.features] == ["feature 1", "feature 0"]
    assert found.narrowest.what == "feature 1"
    assert found.trainings == rerun.trainings
    assert repr(found).splitlines() == [
        f"<Margins, {rerun.trainings} trainings",
        "  learning rate: 9.51x, at 11.3x diverging_loss",
        "  feature 1: 4.76x, at 5.66x diverging_loss",
        "  feature 0: 45.3x, at 53.8x diverging_loss",
        ">",
    ]


def test_features_that_have_no_scale_are_left_out():
    (found,) = margins(Breaking(refuses=(0,)), Policy()).features

    assert found.what == "feature 1"


def test_a_rate_under_a_schedule_has_no_margin():
    assert margins(Breaking(schedule=True), Policy()).learning_rate is None


def test_wide_data_are_scaled_as_a_whole():
    rerun = Breaking(features=[1.0] * 40)
    rerun.limits["scale_inputs"] = {(): 7.0}

    (found,) = margins(rerun, Policy()).features

    assert (found.what, found.fails_at) == ("inputs", pytest.approx(8.0))
