from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_lossguard.core.change import ModelFacts
from pytest_lossguard.core.data_facts import DataFacts
from pytest_lossguard.core.errors import CannotChange
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Validation
from pytest_lossguard.core.verdict import Verdict
from pytest_lossguard.experiments.remembered import made_once
from pytest_lossguard.session.after_test import compared, diagnosed
from tests.support.findings import finding
from tests.support.traces import column, falling, make_trace


def run(end, **rest):
    return make_trace(
        falling(1.0, end, 100),
        start=1.0,
        end=end,
        constant=1.0,
        **{"inputs": (column("input"),), "batch_size": 32, **rest},
    )


class FakeRetraining:
    """Reaches ``end`` with every change; held-out rows are scored as given."""

    facts = ModelFacts(optimizer="Adam", learning_rate=0.01, labels="values")
    rows = 200
    is_complete = True

    def __init__(self, end=0.1, held_out=0.2, as_it_is=0.6):
        self.end, self.asked = end, []
        self.held_out, self.as_it_is = held_out, as_it_is

    def __call__(self, *changes, seed=None, held_out=0.0):
        self.asked.append((changes, held_out))
        outside = self.held_out if changes else self.as_it_is
        score = Validation(step=(1, 2), loss=(outside,) * 2, constant=1.0)
        return run(self.end, validation=score if held_out else None)


def verdict(end=0.8):
    return Verdict(trace=run(end), findings=())


def kinds(found):
    return [(it.kind, it.severity) for it in found.findings]


def test_a_run_that_learned_little_is_compared_and_warned_of():
    found = compared(verdict(0.7), lambda: FakeRetraining(), Policy())
    assert kinds(found) == [("improvable", "warning")]
    assert found.converged


def test_under_strict_the_warning_fails():
    found = compared(verdict(0.7), lambda: FakeRetraining(), Policy(strict=True))
    assert not found.converged


def test_a_run_that_learned_enough_is_only_asked_for_its_signal():
    rerun = FakeRetraining()
    found = compared(verdict(0.1), lambda: rerun, Policy())
    assert found.findings == ()
    assert [it for _, it in rerun.asked] == [pytest.approx(1 / 3)]


def test_a_run_whose_first_epoch_showed_signal_is_asked_for_nothing():
    rerun, trace = FakeRetraining(), run(0.1)
    steps = replace(trace.steps, data_loss_seen=np.ones(len(trace.steps), bool))
    trace = replace(trace, steps=steps, steps_per_epoch=50, shuffled=True)

    assert compared(Verdict(trace=trace, findings=()), lambda: rerun, Policy())
    assert rerun.asked == []


def test_a_watched_run_that_nothing_is_asked_of_is_not_run_again():
    rerun = FakeRetraining()
    rerun.rows = 10  # too few to ask for a signal
    watched = Verdict(trace=run(0.1, source="watch"), findings=())

    assert compared(watched, lambda: rerun, Policy()) == watched
    assert rerun.asked == []


def test_a_watched_run_that_learned_is_run_once_for_its_signal():
    rerun = FakeRetraining()
    watched = Verdict(trace=run(0.1, source="watch"), findings=())

    assert compared(watched, lambda: rerun, Policy()) == watched
    assert rerun.asked == [((), pytest.approx(1 / 3))]


@pytest.mark.parametrize(("again", "reported"), [(0.3, 1), (0.9, 0)])
def test_labels_without_signal_are_reported_what_comes_out_again(again, reported):
    rerun = FakeRetraining(end=again, held_out=1.0, as_it_is=1.0)
    watched = Verdict(trace=run(0.3, source="watch"), findings=())

    assert len(compared(watched, lambda: rerun, Policy()).findings) == reported
    assert rerun.asked[-1] == ((), 0.0)


def test_a_watched_run_that_learned_little_is_first_run_again_as_it_is():
    rerun = FakeRetraining(end=0.7)
    watched = Verdict(trace=run(0.7, source="watch"), findings=())

    compared(watched, lambda: rerun, Policy())

    assert rerun.asked[0] == ((), 0.0)


def test_labels_without_signal_are_reported_after_the_control():
    rerun = FakeRetraining(end=0.5, held_out=1.0, as_it_is=1.0)
    found = compared(verdict(0.3), lambda: rerun, Policy())
    assert kinds(found) == [("labels_carry_no_signal", "warning")]
    tried = [it.value for changes, _ in rerun.asked for it in changes]
    assert tried == [None, 0.1, 0.01]  # shuffled, then at lower rates


@pytest.mark.parametrize(("are_shuffled", "severity"), [(1, "error"), (0, "warning")])
def test_labels_without_signal_fail_where_inputs_were_seen_in_another_order(
    are_shuffled, severity
):
    rerun = FakeRetraining(end=0.5, held_out=1.0, as_it_is=1.0)
    facts = DataFacts(shuffled_inputs=bool(are_shuffled))
    trained = Verdict(trace=run(0.3, data_facts=facts), findings=())

    found = compared(trained, lambda: rerun, Policy())
    assert kinds(found) == [("labels_carry_no_signal", severity)]


def test_shuffled_inputs_that_predict_their_labels_all_the_same_are_no_fault():
    facts = DataFacts(shuffled_inputs=True)
    trained = Verdict(trace=run(0.3, data_facts=facts), findings=())

    assert compared(trained, lambda: FakeRetraining(), Policy()).findings == ()


def test_of_changes_that_help_the_next_is_reported_where_the_best_is_by_heart():
    class ByHeart(FakeRetraining):
        def __call__(self, *changes, seed=None, held_out=0.0):
            rate = next((it.value for it in changes), None)
            self.held_out = 0.99 if rate == 10.0 else 0.5
            self.end = 0.1 if rate == 10.0 else 0.25
            return super().__call__(*changes, seed=seed, held_out=held_out)

    found = compared(verdict(0.7), lambda: ByHeart(as_it_is=0.99), Policy())
    (finding,) = found.findings
    assert finding.kind == "improvable"
    assert finding.where == "learning rate 0.01 -> 1"


def test_labels_from_which_a_lower_rate_learns_carry_a_signal():
    rerun = FakeRetraining(end=0.5, held_out=0.5, as_it_is=1.0)
    assert compared(verdict(0.3), lambda: rerun, Policy()).findings == ()


@pytest.mark.parametrize(("held_out", "is_reported"), [(0.97, False), (0.5, True)])
def test_what_a_faster_training_learns_by_heart_is_no_improvement(
    held_out, is_reported
):
    rerun = FakeRetraining(held_out=held_out, as_it_is=0.99)
    found = compared(verdict(0.97), lambda: rerun, Policy())
    assert ("improvable" in [kind for kind, _ in kinds(found)]) is is_reported


def test_no_re_run_begins_once_the_time_is_up():
    rerun = FakeRetraining()
    now = iter(np.arange(0.0, 1000.0, 20.0))
    found = compared(
        verdict(0.7), lambda: rerun, Policy(), clock=lambda: float(next(now))
    )
    assert len(rerun.asked) <= 2
    assert "no re-run begins after 30 s" in found.trace.notes[-1]


def test_a_comparison_that_the_clock_did_not_end_says_nothing_of_it():
    found = compared(verdict(0.7), lambda: FakeRetraining(), Policy())
    assert found.trace.notes == verdict(0.7).trace.notes


def test_a_watched_run_that_comes_out_otherwise_is_not_compared():
    watched = Verdict(trace=run(0.7, source="watch"), findings=())
    rerun = FakeRetraining(end=0.1)
    assert compared(watched, lambda: rerun, Policy()) is watched
    assert rerun.asked == [((), 0.0)]


def test_rows_that_were_not_all_kept_would_be_learned_by_heart():
    rerun = FakeRetraining()
    rerun.is_complete = False
    before = verdict(0.7)
    assert compared(before, lambda: rerun, Policy()) is before
    assert rerun.asked == []


def test_what_cannot_be_run_again_stays_as_it_was():
    def refuses():
        raise CannotChange("its data were not seen")

    before = verdict(0.7)
    assert compared(before, refuses, Policy()) is before
    found = diagnosed(before, refuses, Policy(), 1.0)
    assert found.diagnosis.left_out == ("its data were not seen",)


def test_a_stuck_run_replaces_the_warning_that_it_may_be():
    warned = finding("plateau", step=1, value=1.0, limit=1.0, why="perhaps")
    trace = make_trace(
        [1.0] * 100,
        start=1.0,
        end=1.0,
        constant=1.0,
        inputs=(column("input"),),
    )
    found = compared(
        Verdict(trace=trace, findings=(warned,)), lambda: FakeRetraining(), Policy()
    )
    assert kinds(found) == [("plateau", "error"), ("improvable", "warning")]


def broken(*_, **__):
    raise ValueError("zip() argument 2 is shorter\nthan argument 1")


def test_what_ends_a_re_run_of_a_passed_training_is_a_note():
    found = compared(verdict(0.7), broken, Policy())
    assert found.converged
    assert found.trace.notes == (
        "not compared with re-runs: a re-run ended in ValueError: zip() argument 2 is"
        " shorter",
    )


@pytest.mark.parametrize("as_it_ends", ["made", "called"])
def test_what_ends_a_re_run_of_a_failed_training_leaves_the_diagnosis_without(
    as_it_ends,
):
    class Broken(FakeRetraining):
        __call__ = broken

    failed = Verdict(
        trace=run(1.2), findings=(finding("plateau", severity="error", why="x"),)
    )
    make_rerun = broken if as_it_ends == "made" else Broken
    found = diagnosed(failed, make_rerun, Policy(), budget=5.0)
    assert not found.converged
    assert any("ended in ValueError" in it for it in found.diagnosis.left_out)


class HeldOut(FakeRetraining):
    """Held-out losses by seed: with the fault, and with the rows shuffled."""

    def __init__(self, shuffled=(0.1, 0.1, 0.1), fault=0.4, **rest):
        super().__init__(**rest)
        self.shuffled, self.fault = shuffled, fault
        self.seeds = []

    def __call__(self, *changes, seed=None, held_out=0.0, redrawn=False):
        assert redrawn is (seed is not None)
        self.seeds += [seed] if held_out and seed not in self.seeds else []
        self.held_out = self.shuffled[self.seeds.index(seed)] if held_out else 0.0
        self.as_it_is = self.fault
        return super().__call__(*changes, held_out=held_out)


def in_order():
    told = finding(
        "rows_in_class_order", value=0.7, limit=0.4, together=2, classes=9, where="rows"
    )
    return Verdict(trace=run(0.1, perfect_loss=0.0), findings=(told,))


def told_of_order(rerun, policy=None):
    return compared(in_order(), lambda: rerun, policy or Policy())


def test_a_warning_that_three_seeds_prove_fails_with_its_cause():
    rerun = HeldOut()
    found = told_of_order(rerun)

    assert kinds(found) == [("rows_in_class_order", "error")]
    assert found.diagnosis.causes[0].verified
    assert len(set(rerun.seeds)) == 3


@pytest.mark.parametrize(
    "rerun",
    [
        HeldOut(shuffled=(0.1, 0.1, 0.39)),  # one seed does as well with the fault
        HeldOut(end=0.5),  # it comes out otherwise
    ],
    ids=["seed", "otherwise"],
)
def test_what_is_not_proved_stays_a_warning(rerun):
    assert kinds(told_of_order(rerun)) == [("rows_in_class_order", "warning")]


def test_a_proof_and_the_comparison_share_what_they_run_again():
    rerun = HeldOut(shuffled=(0.39,) * 3, end=0.7)  # in order as good as shuffled
    (told,) = in_order().findings
    warned = Verdict(trace=run(0.7, source="watch"), findings=(told,))

    compared(warned, made_once(lambda: rerun), Policy())

    assert rerun.asked.count(((), 0.0)) == 1
    assert len(rerun.asked) == len(set(rerun.asked))


def test_of_few_rows_none_can_be_kept_back():
    rerun = HeldOut()
    rerun.rows = 99
    assert kinds(told_of_order(rerun)) == [("rows_in_class_order", "warning")]
    assert rerun.asked == []


def test_a_proof_that_the_clock_ends_is_none():
    now = iter(np.arange(0.0, 1000.0, 20.0))
    found = compared(in_order(), HeldOut, Policy(), clock=lambda: float(next(now)))
    assert kinds(found) == [("rows_in_class_order", "warning")]
    assert "no re-run begins after 30 s" in found.trace.notes[-1]


def test_what_refuses_a_change_is_compared_all_the_same():
    class Refuses(HeldOut):
        def __call__(self, *changes, seed=None, held_out=0.0, redrawn=False):
            if any(it.kind == "shuffle_rows" for it in changes):
                raise CannotChange("no")
            return super().__call__(
                *changes, seed=seed, held_out=held_out, redrawn=redrawn
            )

    rerun = Refuses()
    assert kinds(told_of_order(rerun)) == [("rows_in_class_order", "warning")]
    assert rerun.asked
