"""The causes of the published scenarios, proved by training again."""

from __future__ import annotations

import numpy as np
import pytest

import pytest_lossguard
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.experiments.diagnose import diagnose
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.fitting import train_once
from tests.support.scenarios import SCENARIOS, train_by_hand
from tests.support.seeds import seeds

#: First cause of each broken scenario, and what it names.
CAUSES = {
    "S1": ("learning_rate_too_high", None),
    "S3": ("unscaled_inputs", "feature 0"),
    "S4": ("bad_initialization", None),
    "S5": ("learning_rate_too_high", None),
    "S7": ("unscaled_inputs", None),
    "S9": ("input_outliers", "row 0, feature 0"),
}


@pytest.fixture(scope="module")
def trainer():
    return Trainer()


@pytest.mark.parametrize("seed", seeds(fast=3, slow=5))
@pytest.mark.parametrize("name", CAUSES)
def test_the_right_cause_comes_first_and_is_proved(trainer, name, seed):
    scenario = SCENARIOS[name](seed)
    how = {"epochs": scenario.epochs, "batch_size": scenario.batch_size, "seed": seed}
    trace = train_once(trainer, scenario.build, scenario.x, scenario.y, **how)
    again = trainer.again(scenario.build, scenario.x, scenario.y, **how)

    found = diagnose(trace, judge(trace, Policy()), again, Policy(), budget=60.0)

    cause, where = CAUSES[name]
    assert found.causes[0].cause == cause, found
    assert found.causes[0].verified
    if where is not None:
        assert found.causes[0].where == where


@pytest.mark.parametrize("seed", range(3))
def test_unscaled_inputs_are_the_cause_of_saturated_sigmoids(trainer, seed):
    scenario = SCENARIOS["S2-hot"](seed)
    how = {"epochs": scenario.epochs, "batch_size": scenario.batch_size, "seed": seed}
    trace = train_once(trainer, scenario.build, scenario.x, scenario.y, **how)
    again = trainer.again(scenario.build, scenario.x, scenario.y, **how)
    policy = Policy(strict=True)

    found = diagnose(trace, judge(trace, policy), again, policy, budget=60.0)

    assert "unscaled_inputs" in [it.cause for it in found.causes], found


@pytest.mark.parametrize("seed", range(3))
def test_the_hand_written_loop_is_diagnosed_by_watching_it(trainer, seed):
    scenario = SCENARIOS["S4"](seed)
    set_seed(seed)
    with watching(seed=seed) as watch:
        train_by_hand(scenario)
    trace = watch.traces()[0]

    found = diagnose(
        trace,
        judge(trace, Policy()),
        trainer.watched_again(watch, watch.recordings[0]),
        Policy(),
        budget=60.0,
    )

    assert found.causes[0].cause == "bad_initialization"
    assert found.causes[0].verified


def test_the_same_failure_is_diagnosed_the_same_way(trainer):
    scenario = SCENARIOS["S1"](0)
    how = {"epochs": scenario.epochs, "seed": 0}

    def once():
        trace = train_once(trainer, scenario.build, scenario.x, scenario.y, **how)
        again = trainer.again(scenario.build, scenario.x, scenario.y, **how)
        return diagnose(trace, judge(trace, Policy()), again, Policy(), budget=60.0)

    assert once() == once()


def test_a_notebook_gets_the_causes_without_pytest():
    scenario = SCENARIOS["S3"](0)

    found = pytest_lossguard.diagnose(
        scenario.build, scenario.x, scenario.y, epochs=scenario.epochs
    )

    assert found.causes[0].cause == "unscaled_inputs"
    assert "StandardScaler" in repr(found)
    assert "<li>unscaled_inputs" in found._repr_html_()


def test_a_training_that_converges_has_no_causes():
    scenario = SCENARIOS["S3-fixed"](0)

    found = pytest_lossguard.diagnose(
        scenario.build, scenario.x, scenario.y, epochs=scenario.epochs
    )

    assert not found
    assert str(found) == "the training converges"


def test_a_training_that_could_learn_far_more_has_a_cause_too():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 4))
    y = x @ generator.normal(size=(4, 1))

    def slow():
        import keras

        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(1e-4), "mse")
        return model

    found = pytest_lossguard.diagnose(slow, x, y, steps=100)

    assert found.causes[0].cause == "learning_rate_too_low"
    assert found.causes[0].verified
