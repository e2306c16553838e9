"""A training held against its baseline, both made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_lossguard.baselines import Measured, compared_metrics, environment_change
from pytest_lossguard.baselines.check import _demand_same_metrics
from pytest_lossguard.core.errors import BaselineError
from pytest_lossguard.report.baseline import baseline_lines

SEEDS = tuple(range(16))
WORDS = ("baseline", "medians", "of", "the", "same", "16", "seeds")
SPREAD = np.linspace(0.9, 1.1, 16)


def measured(**metrics):
    columns = {
        name: tuple(float(it) for it in values) for name, values in metrics.items()
    }
    return Measured(
        model="net", steps=100, seeds=SEEDS, data="0", half=0.4, metrics=columns
    )


def regressed(before, now):
    return [it.name for it in compared_metrics(before, now) if it.regressed]


def test_the_same_values_are_no_regression():
    same = measured(skill=0.8 * SPREAD, learning_rate_headroom=32 * SPREAD)

    assert regressed(same, same) == []


def test_half_the_headroom_on_every_seed_is_a_regression():
    before = measured(skill=0.8 * SPREAD, learning_rate_headroom=32 * SPREAD)
    now = measured(skill=0.8 * SPREAD, learning_rate_headroom=16 * SPREAD)

    found = {it.name: it for it in compared_metrics(before, now)}

    assert regressed(before, now) == ["learning_rate_headroom"]
    assert found["learning_rate_headroom"].finding().message == (
        "the learning-rate headroom fell from 32x to 16x; the worst seed of its"
        " baseline had 28.8x, chance alone does this once in 65,536"
    )
    assert found["learning_rate_headroom"].finding().headline == (
        "learning-rate headroom fell from 32x to 16x"
    )


def test_a_rise_of_what_should_be_low_is_a_regression():
    before, now = (
        measured(steps_to_half=10 * SPREAD),
        measured(steps_to_half=20 * SPREAD),
    )

    assert regressed(before, now) == ["steps_to_half"]


def test_what_got_better_is_no_regression():
    before, now = (
        measured(steps_to_half=20 * SPREAD),
        measured(steps_to_half=10 * SPREAD),
    )

    assert regressed(before, now) == []


def test_a_regression_may_spare_a_seed_or_two_by_little():
    shift = np.full(16, 0.2)
    shift[3], shift[5] = -0.02, -0.03
    before = measured(skill=0.5 * SPREAD + 0.4)

    assert regressed(before, measured(skill=0.5 * SPREAD + 0.4 - shift)) == ["skill"]


def test_seeds_that_go_both_ways_are_chance():
    signs = np.where(np.arange(16) % 2, 0.2, -0.2)
    before = measured(skill=0.5 * SPREAD)

    assert regressed(before, measured(skill=0.5 * SPREAD + signs)) == []


def test_what_is_less_than_the_resolution_is_not_reported():
    before = measured(skill=0.5 * SPREAD)

    assert regressed(before, measured(skill=0.5 * SPREAD - 0.004)) == []
    assert regressed(before, measured(skill=0.5 * SPREAD - 0.006)) == ["skill"]


def test_a_metric_that_was_only_seen_to_hold_has_no_value_now():
    (found,) = compared_metrics(
        measured(learning_rate_headroom=32 * SPREAD), measured()
    )

    assert (found.now, found.regressed) == (None, False)
    assert found.to_json()["now"] == "held"


def test_the_table_marks_what_got_worse():
    before = measured(skill=0.8 * SPREAD, learning_rate_headroom=32 * SPREAD)
    now = measured(skill=0.4 * SPREAD)

    lines = list(baseline_lines(compared_metrics(before, now), 16))

    assert [line.split() for line in lines] == [
        [*WORDS, "then", "now", "worst"],
        ["!", "skill", "against", "a", "constant", "80%", "40%", "72%"],
        ["learning-rate", "headroom", "32x", "held", "28.8x"],
    ]
    assert max(len(line) for line in lines) <= 78


@pytest.mark.parametrize(
    ("here", "text"),
    [
        ({"keras": "3.15", "device": "CPU"}, None),
        ({"keras": "3.15", "device": "CPU", "numpy": "2"}, None),
        (
            {"keras": "3.9", "device": "GPU"},
            "the baseline is from another environment: keras 3.15 there, 3.9 here,"
            " device CPU there, GPU here",
        ),
    ],
)
def test_another_environment_is_said(here, text):
    assert environment_change({"keras": "3.15", "device": "CPU"}, here) == text


def test_what_could_not_be_measured_is_not_held():
    before = measured(skill=0.8 * SPREAD, learning_rate_headroom=32 * SPREAD)
    without_margin = measured(skill=0.8 * SPREAD)
    without_skill = measured(learning_rate_headroom=32 * SPREAD)

    _demand_same_metrics(before, without_margin, Path("a/b.json"))
    with pytest.raises(BaselineError, match="has no skill against a constant now"):
        _demand_same_metrics(before, without_skill, Path("a/b.json"))
