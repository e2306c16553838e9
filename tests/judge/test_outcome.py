"""Verdicts by outcome: blow-ups, no fall, no better than a constant."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Outlier, Trace, Validation
from pytest_lossguard.judge import judge
from tests.support.traces import column, falling, make_trace

FAR = Outlier(row=7, column=0, value=100.0, distance=270.0)


def errors(trace: Trace, **policy: object) -> list[str]:
    found = judge(trace, Policy.from_keywords(policy))
    return [it.kind for it in found if it.severity == "error"]


def warnings(trace: Trace, **policy: object) -> list[str]:
    found = judge(trace, Policy.from_keywords(policy))
    return [it.kind for it in found if it.severity == "warning"]


def test_a_training_that_beats_the_constant_has_no_finding():
    assert judge(make_trace(falling(), start=1, end=0.1, constant=0.9), Policy()) == ()


def test_a_blow_up_fails_even_if_the_loss_comes_back():
    curve = [1.0, 1e6, 1e5, 1e4, *falling(10, 0.1)]

    assert "diverging_loss" in errors(make_trace(curve, start=1, end=0.1, constant=1))


def test_a_blow_up_at_the_second_step_is_no_reference_for_itself():
    curve = [1.0, 1e6, *falling(1e5, 0.9, 60)]

    assert "diverging_loss" in errors(make_trace(curve))


def test_a_blow_up_names_step_value_and_limit():
    trace = make_trace([1.0, 2.0, 50.0, 40.0, 30.0, 0.5], start=1, end=0.5, constant=2)

    (found,) = [it for it in judge(trace, Policy()) if it.kind == "diverging_loss"]

    assert (found.step, found.value, found.limit) == (3, 50.0, 20.0)
    assert found.headline == "loss blew up to 50 at step 3, limit 20"


def test_one_outlier_batch_is_no_divergence():
    curve = falling()
    curve[50] = 20.0

    trace = make_trace(curve, start=1, end=0.1, constant=0.9)

    assert errors(trace) == []
    assert warnings(trace) == ["oscillating_loss"]


def test_max_loss_growth_moves_the_limit_of_a_blow_up():
    trace = make_trace([1.0, *[15.0] * 9, *falling()], start=1, end=0.1, constant=1)

    assert "diverging_loss" in errors(trace)
    assert errors(trace, max_loss_growth=20) == []


def test_a_penalized_start_is_no_reference_for_the_data_loss():
    trace = make_trace(
        np.asarray(falling()) + 26.0,
        data_loss=falling(),
        start=1,
        end=0.1,
        constant=0.9,
    )

    assert errors(trace) == []


def test_a_loss_that_does_not_fall_fails():
    trace = make_trace([4.0] * 50, start=4.0, end=4.0, constant=1.0)

    assert errors(trace) == ["loss_not_decreasing", "worse_than_constant"]


def test_weights_that_were_trained_before_may_stay_where_they_are():
    trace = make_trace([0.1] * 400, start=0.1, end=0.1, constant=1.0)

    assert errors(trace) == []


def test_a_handful_of_updates_proves_no_absence_of_progress():
    trace = make_trace([4.0, 4.0], start=4.0, end=4.0)

    assert errors(trace) == []
    assert warnings(trace) == ["loss_not_decreasing"]


def test_where_only_the_curve_is_known_its_ends_are_reported_as_such():
    (found,) = judge(make_trace([1.0] * 40), Policy())

    assert found.message == (
        "the loss did not fall: 1 in the first steps, 1 in the last, limit 0.98"
    )


@pytest.mark.parametrize(
    ("end", "severity"), [(-0.08, "warning"), (0.3, "error"), (2.0, "error")]
)
def test_a_policy_gradient_need_not_fall_while_it_stays_below_zero(end, severity):
    """Its loss is an advantage, which shrinks as the policy improves."""
    (found,) = judge(make_trace(np.linspace(-0.36, end, 200)), Policy())

    assert (found.kind, found.severity) == ("loss_not_decreasing", severity)


@pytest.mark.parametrize(
    ("policy", "limit"),
    [
        ({"min_drop": 0.3}, "0.7 (min_drop=0.3)"),
        ({"max_loss": 0.2}, "0.2 (max_loss=0.2)"),
    ],
)
def test_a_loss_that_fell_is_not_said_to_have_not(policy, limit):
    trace = make_trace(falling(1, 0.8), start=1.0, end=0.8, constant=2.0)

    (found,) = judge(trace, Policy.from_keywords(policy))

    assert found.headline == f"loss fell too little: 1 -> 0.8, limit {limit[:3]}"
    assert found.message == (
        "the loss fell too little: 1 before the first update, 0.8 after step 400,"
        f" limit {limit}"
    )


def test_min_drop_asks_for_a_share_of_the_start():
    trace = make_trace(falling(1, 0.8), start=1.0, end=0.8, constant=2.0)

    assert errors(trace, min_drop=0.1) == []
    assert errors(trace, min_drop=0.3) == ["loss_not_decreasing"]


def test_max_loss_is_the_largest_final_loss():
    trace = make_trace(falling(), start=1.0, end=0.1, constant=1.0)

    assert errors(trace, max_loss=0.2) == []
    assert errors(trace, max_loss=0.05) == ["loss_not_decreasing"]


def test_a_loss_that_falls_and_stays_above_the_constant_fails():
    trace = make_trace(falling(4390, 34), start=4390, end=34, constant=0.083)

    (found,) = [it for it in judge(trace, Policy()) if it.severity == "error"]

    assert found.kind == "worse_than_constant"
    assert found.headline == "loss ended at 34, a constant costs 0.083"


def test_slow_is_not_broken():
    trace = make_trace(falling(2.6, 1.3), start=2.6, end=1.3, constant=1.0)

    assert errors(trace) == []
    assert warnings(trace) == ["slow_convergence"]


@pytest.mark.parametrize("steps", [160, 400])
def test_a_start_that_is_off_is_slow_once_most_of_it_is_gone(steps):
    curve, seen = falling(6.7, 2.1, steps), (column("inputs"),)
    trace = make_trace(curve, start=6.7, end=2.1, constant=1.0, inputs=seen)

    assert errors(trace) == []
    assert warnings(trace) == ["slow_convergence"]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param(6.7, 3.9, id="half of it is left"),
        pytest.param(9.0, 2.1, id="too far off"),
    ],
)
def test_a_start_that_is_further_off_is_no_excuse(start, end):
    curve, seen = falling(start, end, 160), (column("inputs"),)
    trace = make_trace(curve, start=start, end=end, constant=1.0, inputs=seen)

    assert errors(trace) == ["worse_than_constant"]


@pytest.mark.parametrize(
    "data",
    [
        {"inputs": (column("inputs", mean=[0.5, 50.0], std=[0.3, 30.0]),)},
        {"inputs": (column("inputs", outlier=FAR),)},
        {"targets": (column("targets", mean=50.0),)},
        {"inputs": ()},
    ],
)
def test_a_start_that_the_data_may_explain_is_no_excuse(data):
    curve, seen = falling(6.7, 2.1, 160), {"inputs": (column("inputs"),)} | data
    trace = make_trace(curve, start=6.7, end=2.1, constant=1.0, **seen)

    assert errors(trace) == ["worse_than_constant"]


def test_a_start_that_is_off_is_no_excuse_once_the_loss_stands_still():
    curve = [*falling(6.7, 2.1, 100), *[2.1] * 100]
    seen = (column("inputs"),)
    trace = make_trace(curve, start=6.7, end=2.1, constant=1.0, inputs=seen)

    assert errors(trace) == ["worse_than_constant"]


def test_a_short_run_near_the_constant_is_warned_of():
    trace = make_trace([0.1] * 40, start=0.5, end=0.1, constant=0.09)

    assert errors(trace) == []
    assert warnings(trace) == ["plateau"]


def test_a_long_run_level_with_the_constant_fails():
    trace = make_trace([0.1] * 400, start=0.5, end=0.1, constant=0.1)

    assert errors(trace) == ["worse_than_constant"]


def test_a_lucky_last_step_does_not_save_a_run_that_lived_above_the_constant():
    curve = [*falling(30, 4, 300), *[3.0] * 100]

    trace = make_trace(curve, start=30, end=0.8, constant=1.0)

    assert errors(trace) == ["worse_than_constant"]


def test_constant_targets_are_nothing_to_beat():
    trace = make_trace(falling(1, 0.01), start=1.0, end=0.01, constant=0.0)

    assert errors(trace) == []


def test_targets_that_vary_by_rounding_are_nothing_to_beat():
    targets = (column("target", mean=1e6, std=0.1, low=1e6, high=1e6 + 1),)
    trace = make_trace(
        falling(1e12, 1.0), start=1e12, end=1.0, constant=0.01, targets=targets
    )

    assert errors(trace) == []


def test_a_start_however_far_off_must_still_come_down_to_the_constant():
    trace = make_trace(falling(4e11, 1e10, 30), start=4e11, end=1e10, constant=5.0)

    assert errors(trace) == ["worse_than_constant"]


def test_the_same_prediction_for_every_row_fails():
    trace = make_trace([0.5] * 50, start=0.6, end=0.5, constant=0.5, spread=0.0)

    assert errors(trace) == ["worse_than_constant", "constant_predictions"]


def test_a_loss_that_hides_bad_predictions_fails():
    trace = make_trace(
        falling(0.57, 0.28), start=8.0, end=8.0, reported=0.28, constant=0.69
    )

    assert "masked_loss" in errors(trace)


def test_of_a_loss_below_zero_there_are_no_multiples():
    trace = make_trace(
        np.linspace(-0.2, -0.9, 400), start=-0.2, end=-0.9, constant=-13.8
    )

    assert errors(trace) == []


def test_a_differently_scored_output_that_predicts_well_is_no_fault():
    trace = make_trace(
        falling(1.1, 0.1), start=1.1, end=0.4, reported=0.1, constant=1.1
    )

    assert errors(trace) == []


def test_weights_that_never_move_fail():
    trace = make_trace([1.0] * 50, start=1, end=1, constant=1, update_norm=0.0)

    assert "unchanged_weights" in errors(trace)


def test_of_a_huge_variable_the_rows_that_moved_may_not_be_those_looked_at():
    found = {
        end: errors(
            make_trace(
                [1.0] * 50,
                start=1,
                end=end,
                constant=2,
                update_norm=0.0,
                sizes=(2_000_000, 32),
            )
        )
        for end in (1.0, 0.5)
    }

    assert "unchanged_weights" in found[1.0]
    assert found[0.5] == []


def test_held_out_loss_that_rises_is_warned_of_with_both_ends():
    trace = make_trace(
        falling(1, 0.1, 100),
        start=1,
        end=0.1,
        constant=1,
        validation=Validation(step=(25, 50, 75, 100), loss=(0.9, 0.6, 0.7, 0.9)),
    )

    (found,) = judge(trace, Policy())

    assert (found.kind, found.value, found.limit) == ("overfitting", 0.9, 0.6)


def test_held_out_loss_that_falls_along_is_fine():
    validation = Validation(step=(25, 50, 75, 100), loss=(0.9, 0.6, 0.4, 0.3))
    trace = make_trace(
        falling(1, 0.25, 100), start=1, end=0.25, constant=1, validation=validation
    )

    assert judge(trace, Policy()) == ()


def test_allow_tolerates_a_kind():
    trace = make_trace([0.1] * 400, start=0.5, end=0.1, constant=0.1)

    assert errors(trace, allow=("worse_than_constant",)) == []


def test_strict_makes_warnings_fail():
    trace = make_trace(falling(2.6, 1.3), start=2.6, end=1.3, constant=1.0)

    assert errors(trace, strict=True) == ["slow_convergence"]


@pytest.mark.parametrize("shift", [-5.0, -1.0])
def test_a_log_likelihood_may_go_below_zero(shift):
    curve = np.asarray(falling(4, 0.5)) + shift
    trace = make_trace(curve, start=4 + shift, end=0.5 + shift, constant=3.5 + shift)

    assert errors(trace) == []


@given(
    scale=st.floats(1e-3, 1e6),
    ratio=st.floats(0.05, 0.5),
    steps=st.integers(10, 500),
)
def test_a_verdict_does_not_depend_on_the_unit_of_the_loss(scale, ratio, steps):
    curve = falling(1, ratio, steps)
    plain = make_trace(curve, start=1, end=ratio, constant=0.9)
    scaled = make_trace(
        scale * np.asarray(curve), start=scale, end=scale * ratio, constant=0.9 * scale
    )

    assert errors(plain) == errors(scaled) == []


@given(end=st.floats(0.01, 10), better=st.floats(0.1, 0.99))
def test_ending_lower_never_turns_a_pass_into_a_failure(end, better):
    worse = make_trace(falling(1, end), start=1, end=end, constant=0.9)
    lower = make_trace(falling(1, end), start=1, end=end * better, constant=0.9)

    if not errors(worse):
        assert not errors(lower)


@pytest.mark.parametrize("constant", [-0.2, 0.02])
def test_a_poisson_loss_on_its_way_is_slow(constant):
    trace = make_trace(
        falling(2.4, 0.4, 150),
        start=2.4,
        end=0.4,
        constant=constant,
        losses=("poisson",),
    )

    assert errors(trace) == []
    assert warnings(trace) == ["slow_convergence"]


def test_a_first_step_that_is_high_is_a_start_and_no_blow_up():
    trace = make_trace(falling(160, 0.2), start=6.0, end=0.2, constant=0.66)

    assert errors(trace) == []


def test_a_short_run_that_climbs_from_the_constant_is_not_slow():
    trace = make_trace(
        np.linspace(1, 6, 20), start=0.96, end=6.4, constant=1.0, spread=1.0
    )

    assert errors(trace) == ["loss_not_decreasing", "worse_than_constant"]
