"""The guard, with a trainer that trains nothing: seeds, shares, chained asserts."""

from __future__ import annotations

import pytest

from pytest_lossguard import NotConverged, UsageError
from pytest_lossguard.core.change import ModelFacts
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.session.guard import Guard
from tests.support.traces import falling, make_trace

GOOD = make_trace(falling(), start=1, end=0.1, constant=1)
BAD = make_trace([9.0] * 400, start=9, end=9, constant=1)


class FakeTrainer:
    def __init__(self, bad_seeds=()):
        self.bad_seeds = bad_seeds
        self.asked = []

    def fit_seeds(self, model, x, y, *, seeds, **how):
        self.asked += [{"seed": it, **how} for it in seeds]
        return [BAD if it in self.bad_seeds else GOOD for it in seeds]

    def start_of(self, model):
        return None


def guard(trainer=None, **policy):
    trainer = trainer or FakeTrainer()
    held_to = Policy(**policy) if policy is not None else None
    return Guard(policy=held_to, seed=0, trainer=lambda: trainer)


def test_a_marked_fit_that_does_not_converge_raises():
    with pytest.raises(NotConverged, match="loss did not fall"):
        guard(FakeTrainer(bad_seeds=(0,))).fit(None, None)


def test_an_unmarked_fit_asserts_nothing():
    unmarked = Guard(policy=None, seed=0, trainer=lambda: FakeTrainer((0,)))

    assert not unmarked.fit(None, None).converged


def test_the_call_overrides_the_marker():
    trainer = FakeTrainer()

    guard(trainer, steps=50, batch_size=8).fit(None, None, steps=20)

    assert trainer.asked == [{"seed": 0, "steps": 20, "batch_size": 8}]


def test_epochs_of_the_call_replace_steps_of_the_marker():
    trainer = FakeTrainer()

    guard(trainer, steps=50).fit(None, None, epochs=2)

    assert trainer.asked == [{"seed": 0, "epochs": 2}]


def test_every_seed_is_trained_and_the_share_decides():
    trainer = FakeTrainer(bad_seeds=(1,))

    run = guard(trainer, seeds=4, min_pass=0.75).fit(None, None)

    assert [it["seed"] for it in trainer.asked] == [0, 1, 2, 3]
    assert not run.converged


def test_too_few_good_seeds_fail_and_are_reported_with_their_confidence():
    text = r"2 of 4 seeds converged \(of all seeds 15% to 85%, with 95%\s+confidence"
    with pytest.raises(NotConverged, match=text):
        guard(FakeTrainer(bad_seeds=(1, 2)), seeds=4, min_pass=0.75).fit(None, None)


@pytest.mark.parametrize("how", [{"steps": 0}, {"epochs": 1.5}, {"batch_size": -1}])
def test_counts_that_are_none_are_refused(how):
    with pytest.raises(UsageError, match="whole number of at least 1"):
        guard().fit(None, None, **how)


def test_steps_and_epochs_together_are_refused():
    with pytest.raises(UsageError, match="give only one"):
        guard().fit(None, None, steps=3, epochs=1)


def test_assertions_chain_on_the_run():
    run = guard().fit(None, None)

    assert run.assert_converged(min_drop=0.5).assert_converged().converged
    with pytest.raises(NotConverged, match="limit 0.05"):
        run.assert_converged(min_drop=0.95)


def test_a_run_shows_what_it_is():
    run = guard().fit(None, None)

    assert repr(run) == "<TrainingRun 'net': converged in 400 steps>"
    assert run.loss.shape == run.grad_norm.shape == (400,)


def test_a_diagnosis_trains_nothing_that_the_comparison_has_trained():
    class Retraining:
        facts = ModelFacts(optimizer="Adam", learning_rate=0.01, labels="values")
        rows, is_complete, asked = 10, True, []

        def __call__(self, *changes, seed=None, held_out=0.0, redrawn=False):
            self.asked.append((changes, seed, held_out, redrawn))
            return GOOD

    class Trainer(FakeTrainer):
        def fit_seeds(self, *_, **__):
            return [make_trace(falling(1, 0.7), start=1, end=0.7, constant=1)]

        def again(self, *_, **__):
            return Retraining()

    slow = guard(Trainer(), strict=True)
    with pytest.raises(NotConverged, match="learning rate"), slow.explaining():
        slow.fit(None, None)
        slow.compare()

    asked = Retraining.asked
    assert len(asked) > 1
    assert len(asked) == len(set(asked))
    assert slow.runs[0].verdict.diagnosis.causes
