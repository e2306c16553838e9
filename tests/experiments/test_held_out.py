"""Rows that are kept back: whether labels carry signal, and a repair holds for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.trace import Outlier, Validation
from pytest_lossguard.experiments.held_out import (
    can_be_checked_outside,
    carries_signal,
    holds_outside,
    labels_carry_no_signal,
    showed_signal,
    wants_control,
)
from tests.support.traces import column, falling, make_trace


def run(end, steps=400, **rest):
    loss = falling(1.0, end, steps)
    return make_trace(
        loss, start=1.0, end=end, constant=1.0, inputs=(column("input"),), **rest
    )


def held_out(best, constant=1.0, end=0.3):
    return make_trace(
        np.linspace(1.0, end, 400),
        start=1.0,
        end=end,
        constant=constant,
        validation=Validation(
            step=(1, 200, 400), loss=(1.2, best, best + 0.5), constant=constant
        ),
    )


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [(1.0, 0.99, False), (1.0, 0.5, True), (9.0, 1.0, True)],
)
def test_a_repair_is_better_on_rows_that_were_kept_back(before, after, holds):
    assert holds_outside(held_out(before), held_out(after)) is holds


def test_a_fault_of_the_inputs_is_undone_where_rows_kept_back_are_predicted_at_all():
    scaled = (Change(kind="standardize_inputs"),)
    assert holds_outside(held_out(0.5), held_out(0.55), scaled)
    assert not holds_outside(held_out(1.0), held_out(0.99), scaled)
    assert not holds_outside(held_out(0.5), held_out(0.55))


def test_rows_that_are_changed_or_few_tell_no_repair():
    faster, scaled = Change(kind="more_steps"), Change(kind="clip_targets")
    assert can_be_checked_outside((faster,), 100)
    assert not can_be_checked_outside((faster,), 30)
    assert not can_be_checked_outside((faster, scaled), 100)


def test_the_best_held_out_loss_shows_whether_labels_carry_signal():
    assert carries_signal(held_out(0.9))
    assert not carries_signal(held_out(0.99))


def test_labels_that_are_learned_as_well_shuffled_carry_no_signal():
    (found,) = labels_carry_no_signal(held_out(1.0), held_out(1.0))
    assert found.kind == "labels_carry_no_signal"
    assert (found.value, found.limit) == (1.0, 1.0)


@pytest.mark.parametrize(("best", "signal"), [(-1.2, True), (-1.01, False)])
def test_a_loss_below_zero_is_reported_by_what_a_perfect_prediction_costs(best, signal):
    trace = replace(held_out(best, constant=-1.0, end=-1.5), perfect_loss=-2.0)
    assert carries_signal(trace) is signal
    shuffled = replace(held_out(-1.0, constant=-1.0, end=-1.4), perfect_loss=-2.0)
    assert [it.kind for it in labels_carry_no_signal(trace, shuffled)] == [
        "labels_carry_no_signal"
    ]
    learned = replace(shuffled, after=held_out(0.0, end=-1.1).after)
    assert labels_carry_no_signal(trace, learned) == ()


def test_labels_that_are_learned_better_than_shuffled_ones_have_a_rule():
    assert labels_carry_no_signal(held_out(1.0), held_out(1.0, end=0.9)) == ()


@pytest.mark.parametrize(
    ("rows", "steps", "end", "wants"),
    [
        (100, 400, 0.5, True),
        (50, 400, 0.5, False),
        (100, 5, 0.5, False),
        (100, 400, 0.99, False),
        (10_000, 400, 0.5, False),
    ],
)
def test_the_control_is_for_runs_that_may_have_learned_by_heart(
    rows, steps, end, wants
):
    assert wants_control(run(end, steps=steps, batch_size=32), rows) is wants


def first_epoch(level, *, noise=0.05, unseen=False, epoch=40, **rest):
    """A training whose first epoch falls to a level; a constant costs 1."""
    losses = np.geomspace(1.0, 0.1, 400)
    losses[: epoch // 2] = 1.0
    wiggle = noise * (-1.0) ** np.arange(epoch - epoch // 2)
    losses[epoch // 2 : epoch] = level + wiggle
    facts = {"steps_per_epoch": epoch, "shuffled": True, **rest}
    data_loss = None if unseen else losses
    return make_trace(
        losses, data_loss=data_loss, start=1.0, end=0.1, constant=1.0, **facts
    )


@pytest.mark.parametrize(
    ("trace", "shown"),
    [
        (first_epoch(0.8), True),
        (first_epoch(0.96), False),
        (first_epoch(0.8, noise=0.3), False),
        (first_epoch(0.8, epoch=16), False),
        (first_epoch(0.8, shuffled=False), False),
        (first_epoch(0.8, unseen=True), False),
        (first_epoch(0.8, steps_per_epoch=None), False),
        (first_epoch(0.8, steps_per_epoch=401), False),
        (first_epoch(0.8, constant_loss=None), False),
    ],
    ids=[
        *("better", "as a constant", "too noisy", "few batches", "in order"),
        *("not seen", "unknown length", "stopped early", "no constant"),
    ],
)
def test_rows_that_are_predicted_before_they_are_trained_on_show_signal(trace, shown):
    assert showed_signal(trace) is shown


def test_wild_targets_drown_the_signal_of_the_others():
    far = Outlier(row=3, column=0, value=900.0, distance=900.0)
    wild = run(0.5, batch_size=32, targets=(column("target", outlier=far),))
    assert not wants_control(wild, 100)
