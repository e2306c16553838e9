"""The published scenarios get their verdicts, on every seed, by fit and by watch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale

from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import judge
from pytest_lossguard.training import Trainer, set_seed, watching
from tests.support.fitting import train_once
from tests.support.scenarios import SCENARIOS, dense, train_by_hand
from tests.support.seeds import SEEDS, seeds

#: Watching trains by Keras, at a hundred times the price.
WATCHED_SEEDS = [*seeds(fast=2, slow=3)]


@dataclass(frozen=True)
class Right:
    """What a scenario must be judged, and never."""

    converges: bool | None  # None: either, but not without a word
    errors: frozenset[str] = frozenset()
    warns: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset({"diverging_loss"})


def kinds(*names):
    return frozenset(names)


FINE = Right(True)
RIGHT = {
    "S1": Right(False, kinds("diverging_loss"), never=kinds()),
    "S1-fixed": FINE,
    "S2": FINE,
    "S2-hot": Right(None, warns=kinds("saturated_activations")),
    "S3": Right(False, kinds("worse_than_constant"), kinds("unscaled_inputs"), kinds()),
    "S3-fixed": FINE,
    "S4": Right(
        False,
        kinds("loss_not_decreasing", "worse_than_constant"),
        kinds("saturated_activations"),
    ),
    "S4-fixed": FINE,
    "S4-slow": FINE,
    "S5": Right(False, kinds("diverging_loss"), never=kinds()),
    "S5-fixed": FINE,
    "S6": Right(True, warns=kinds("penalty_dominates")),
    "S7": Right(False, kinds("worse_than_constant"), never=kinds()),
    "S8-0.1": Right(None, never=kinds()),
    "S8-0.01": FINE,
    "S8-0.001": FINE,
    "S9": Right(False, kinds("worse_than_constant"), kinds("input_outliers")),
    "S9-fixed": FINE,
    "S10": FINE,
    "S10-L2": FINE,
}


def assert_right(name, trace):
    right = RIGHT[name]
    found = judge(trace, Policy())
    errors = {it.kind for it in found if it.severity == "error"}
    text = {it.kind for it in found}
    if right.converges is not None:
        assert (not errors) == right.converges, found
    else:
        assert text, "not a word"
    assert right.errors <= errors, found
    assert right.warns <= text, found
    assert not right.never & errors, found


@pytest.fixture(scope="module")
def trainer():
    return Trainer()


def fit(trainer, name, seed):
    scenario = SCENARIOS[name](seed)
    return train_once(
        trainer,
        scenario.build,
        scenario.x,
        scenario.y,
        epochs=scenario.epochs,
        batch_size=scenario.batch_size,
        validation_data=scenario.validation,
        seed=seed,
    )


def watch(name, seed):
    scenario = SCENARIOS[name](seed)
    set_seed(seed)
    with watching(seed=seed) as seen:
        if name.startswith("S4"):
            train_by_hand(scenario)
        else:
            scenario.build().fit(
                scenario.x,
                scenario.y,
                epochs=scenario.epochs,
                batch_size=scenario.batch_size,
                validation_data=scenario.validation,
                verbose=0,
            )
    (trace,) = seen.traces()
    return trace


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", RIGHT)
def test_fit_judges_rightly(trainer, name, seed):
    assert_right(name, fit(trainer, name, seed))


@pytest.mark.parametrize("seed", WATCHED_SEEDS)
@pytest.mark.parametrize("name", RIGHT)
def test_watch_judges_rightly(name, seed):
    assert_right(name, watch(name, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_linear_model_on_correlated_columns_is_slow_wherever_it_starts(trainer, seed):
    x, y = load_diabetes(return_X_y=True)
    x, y = scale(x), scale(y)[:, None]
    sgd = partial(keras.optimizers.SGD, 1e-3)
    build = dense(10, optimizer=sgd, hidden=0, initializer="he_normal")

    trace = train_once(trainer, build, x, y, steps=160, seed=seed)

    assert {it.kind for it in judge(trace, Policy())} <= {"slow_convergence"}


def test_the_feature_that_is_off_and_the_outlying_row_are_named(trainer):
    def places(name, kind):
        found = judge(fit(trainer, name, 0), Policy())
        return [it.where for it in found if it.kind == kind]

    assert places("S3", "unscaled_inputs") == ["feature 0"]
    assert places("S9", "input_outliers") == ["row 0, feature 0"]


def test_the_three_rates_of_s8_are_ranked_by_what_they_reach(trainer):
    reached = {
        rate: np.median([fit(trainer, f"S8-{rate}", seed).after.loss for seed in SEEDS])
        for rate in ("0.1", "0.01", "0.001")
    }

    assert sorted(reached, key=reached.get) == ["0.01", "0.001", "0.1"]


def test_overfitting_is_seen_wherever_the_held_out_loss_rose(trainer):
    traces = [fit(trainer, "S10", seed) for seed in SEEDS]
    rose = [
        it for it in traces if it.validation.loss[-1] > 1.1 * min(it.validation.loss)
    ]

    assert len(rose) >= 5
    for trace in rose:
        assert "overfitting" in {it.kind for it in judge(trace, Policy())}


def test_a_penalty_makes_the_gap_smaller(trainer):
    def gap(name):
        traces = [fit(trainer, name, seed) for seed in SEEDS]
        return np.median([it.validation.loss[-1] / it.after.loss for it in traces])

    assert gap("S10-L2") < gap("S10")
