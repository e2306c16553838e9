from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.change import Change, ModelFacts
from pytest_lossguard.core.trace import Outlier
from pytest_lossguard.experiments.changes import acts_on
from pytest_lossguard.experiments.compare import (
    ComparedRun,
    improvable,
    length,
    wanted,
)
from tests.support.traces import column, falling, make_trace

FACTS = ModelFacts(optimizer="Adam", learning_rate=0.01, labels="values")


def run(end, steps=400, curve=None, **rest):
    loss = falling(1.0, end, steps) if curve is None else curve
    return make_trace(
        loss, start=1.0, end=end, constant=1.0, inputs=(column("input"),), **rest
    )


def kinds_of(groups):
    return {it.kind for group in groups for it in group}


def stuck(end):
    return run(end, curve=[1.0, *[end] * 399])


def reference(kind, end):
    change = Change(kind=kind, value=10.0 if kind == "learning_rate" else None)
    return ComparedRun(changes=(change,), description=f"{kind} changed", trace=run(end))


def test_a_run_that_learned_enough_asks_for_no_re_run():
    assert wanted(run(0.3), FACTS) == ()


def test_a_run_that_learned_little_asks_for_the_standard_changes():
    asked = [it for group in wanted(run(0.9), FACTS) for it in group]
    assert Change(kind="learning_rate", value=10.0) in asked
    assert Change(kind="learning_rate", value=0.1) in asked
    assert Change(kind="reinitialize") in asked
    assert not any(acts_on(it) == "program" for it in asked)


def test_only_what_is_not_standard_is_changed():
    facts = ModelFacts(labels="values", canonical_output=False, penalized=True)
    off = run(0.9)
    scaled = make_trace(
        off.steps.loss,
        start=1.0,
        end=0.9,
        constant=1.0,
        inputs=(column("input", mean=100.0),),
        targets=(column("target", std=50.0),),
    )
    kinds = kinds_of(wanted(scaled, facts))
    assert {
        "standardize_inputs",
        "standardize_targets",
        "canonical_output",
        "no_penalty",
    } <= kinds
    assert not {"standardize_inputs", "no_penalty"} & kinds_of(wanted(off, FACTS))
    assert (
        Change(kind="standardize_inputs"),
        Change(kind="standardize_targets"),
    ) in wanted(scaled, facts)


def test_a_program_that_cannot_be_cloned_is_not_asked_to_be():
    facts = ModelFacts(canonical_output=False, penalized=True, fixed="its own class")
    asked = [it for group in wanted(run(0.9), facts) for it in group]
    assert not any(acts_on(it) == "program" for it in asked)


@pytest.mark.parametrize(
    ("steps", "runs", "each"), [(100, 6, 100), (3000, 6, 1000), (60_000, 6, 10_000)]
)
def test_re_runs_of_a_long_training_share_its_length(steps, runs, each):
    shorter = length(steps, runs)
    factor = 1.0 if shorter is None else shorter.value
    assert round(steps * factor) == each


def test_one_change_that_makes_it_far_better_is_reported_with_both_figures():
    (found,) = improvable(
        run(0.7), (reference("learning_rate", 0.2), reference("reinitialize", 1))
    )
    assert found.kind == "improvable"
    assert found.severity == "warning"
    assert (found.value, found.limit) == (pytest.approx(0.3), pytest.approx(0.8))
    assert "learning_rate changed" in found.message
    assert "80%" in found.message
    assert "30%" in found.message


def test_of_changes_that_do_about_as_well_the_first_is_reported():
    one, other = reference("learning_rate", 0.2), reference("reinitialize", 0.18)
    (found,) = improvable(run(0.7), (one, other))
    assert "learning_rate" in found.message


@pytest.mark.parametrize("end", [0.4, 0.6, 0.7])
def test_a_small_gain_means_nothing(end):
    assert improvable(run(0.7), (reference("learning_rate", end),)) == ()


def test_a_run_that_is_stuck_next_to_the_constant_fails_once_more_is_proved():
    first, second = improvable(stuck(0.95), (reference("no_penalty", 0.2),))
    assert (first.kind, first.severity) == ("plateau", "error")
    assert second.kind == "improvable"
    assert "no_penalty changed" in first.message
    assert len(first.headline) <= 60


def fails(trace, *references):
    return "error" in [it.severity for it in improvable(trace, references)]


@pytest.mark.parametrize(("steps", "proof"), [(200, False), (400, True)])
def test_a_short_run_that_still_falls_is_slow_a_long_one_fails(steps, proof):
    slow = run(0.85, steps=steps, curve=np.linspace(1.0, 0.7, steps))
    assert fails(slow, reference("learning_rate", 0.2)) is proof


@pytest.mark.parametrize(
    ("end", "steps", "kind", "proof"),
    [
        (0.55, 150, "standardize_inputs", True),
        (0.55, 150, "canonical_output", True),
        (0.45, 150, "standardize_inputs", False),  # it learned half
        (0.55, 90, "standardize_inputs", False),  # not far off, too few updates
        (0.55, 400, "learning_rate", False),  # slow is not broken
        (0.55, 400, "unfreeze", False),  # a frozen backbone may be meant
        (0.95, 400, "wider", False),  # a narrow code as well
    ],
)
def test_a_fault_of_the_data_or_the_program_fails_a_run_that_learned_less_than_half(
    end, steps, kind, proof
):
    off = (column("input", mean=5.0, std=3.0),)  # as good as scaled would be no fault
    trace = replace(run(end, steps=steps), inputs=off)  # which still falls
    (finding, *_) = found = improvable(trace, (reference(kind, 0.05),))
    assert fails(trace, reference(kind, 0.05)) is proof
    assert found[-1].kind == "improvable"
    assert f"{kind} changed" in finding.message


def test_of_changes_that_help_alike_the_surest_fault_is_reported_a_choice_last():
    rate, penalty = reference("learning_rate", 0.05), reference("no_penalty", 0.07)
    frozen = reference("unfreeze", 0.05)
    *_, finding = improvable(run(0.9), (rate, penalty))
    assert "no_penalty" in finding.message
    *_, finding = improvable(run(0.9), (frozen, rate))
    assert "learning_rate" in finding.message


def test_what_is_odd_about_data_and_program_is_changed():
    facts = ModelFacts(labels="values", dropout=0.95, frozen=("conv",), narrowest=1)
    far = Outlier(row=3, column=0, value=900.0, distance=900.0)
    odd = replace(
        run(0.9),
        inputs=(column("input", outlier=far),),
        targets=(column("target", outlier=far),),
    )
    asked = {"clip_inputs", "clip_targets", "no_dropout", "unfreeze", "wider"}
    assert asked <= kinds_of(wanted(odd, facts))
    usual = ModelFacts(labels="values", dropout=0.5, narrowest=2)
    assert not asked & kinds_of(wanted(run(0.9), usual))


@pytest.mark.parametrize("kind", ["learning_rate", "standardize_inputs"])
def test_what_is_no_better_than_a_constant_is_no_improvement(kind):
    assert improvable(run(1.73), (reference(kind, 1.01),)) == ()


@pytest.mark.parametrize(
    ("unit", "figures"),
    [
        ({}, None),  # no common unit
        ({"as_before": 0.65}, None),
        ({"as_before": 0.2}, (0.3, 0.8)),
        ({"unchanged_there": 0.15}, None),  # as good on the easier task already
        ({"unchanged_there": 0.9}, (0.1, 0.9)),
    ],
)
def test_another_loss_or_an_easier_task_is_compared_in_one_unit(unit, figures):
    """Clipped targets are easier: 90 % of their loss alone proves nothing."""
    easier = replace(run(0.1), same_measure=False, **unit)
    clipped = ComparedRun(
        changes=(Change(kind="clip_targets"),), description="", trace=easier
    )
    found = improvable(run(0.7), (clipped,))
    figures_found = [(it.value, it.limit) for it in found if it.kind == "improvable"]
    assert figures_found == ([] if figures is None else [pytest.approx(figures)])


def test_a_reference_that_broke_is_no_reference():
    broken = ComparedRun(
        changes=(),
        description="",
        trace=make_trace([1.0, np.nan], start=1.0, end=np.nan, constant=1.0),
    )
    assert improvable(run(0.7), (broken,)) == ()


@pytest.mark.parametrize(
    ("end", "curve", "is_reported"),
    [
        (0.95, "flat", True),
        (0.85, "flat", False),
        (0.95, "falling", False),
    ],
)
def test_a_run_that_learned_hardly_anything_is_reported(end, curve, is_reported):
    from pytest_lossguard.core.policy import Policy
    from pytest_lossguard.judge import judge

    trace = stuck(end) if curve == "flat" else run(end, curve=np.linspace(1, 0.7, 400))
    kinds = [(it.kind, it.severity) for it in judge(trace, Policy())]
    assert (("plateau", "warning") in kinds) is is_reported
