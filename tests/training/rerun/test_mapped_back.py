"""A training and its re-runs are compared in one unit: one loss, the same targets."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.errors import NotConverged
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.judge import loss_curve_of
from pytest_lossguard.judge.curve import in_one_unit
from pytest_lossguard.session.guard import Guard
from pytest_lossguard.training import Trainer
from tests.support.fitting import train_once

GENERATOR = np.random.default_rng(0)
X = GENERATOR.standard_normal((200, 4)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5], [0.0]], "float32")) * 3 + 5
WILD = Y.copy()
WILD[0] += 3000
PIXELS = (load_digits().data / 16).astype("float32")


@pytest.fixture(scope="module")
def trainer():
    return Trainer()


def linear(loss="mse", rate=0.05):
    def build():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(rate), loss)
        return model

    return build


def both(trainer, build, x, y, *changes, **how):
    """The training, its re-run, and both in one unit."""
    first = train_once(trainer, build, x, y, seed=0, **how)
    again = trainer.again(build, x, y, seed=0, **how)(*changes)
    return first, again, in_one_unit(loss_curve_of(first), again)


def test_predictions_of_standardized_targets_are_scored_as_targets(trainer):
    standardized = Change(kind="standardize_targets")
    _, again, held = both(trainer, linear(), X, Y, standardized, steps=60)

    assert not again.same_measure
    assert held.after == pytest.approx(again.after.loss * Y.var(), rel=1e-3)
    assert held.skill == pytest.approx(loss_curve_of(again).skill, abs=1e-3)


@pytest.mark.parametrize(
    ("loss", "rate", "is_fault"), [("mae", 0.2, False), ("mse", 0.5, True)]
)
def test_clipped_targets_prove_a_fault_only_of_a_loss_that_minds_outliers(
    trainer, loss, rate, is_fault
):
    """Both trainings are scored on the clipped targets, which are easier."""
    clipped = Change(kind="clip_targets")
    first, again, held = both(trainer, linear(loss, rate), X, WILD, clipped, steps=150)

    assert held.skill > 0.8
    assert loss_curve_of(first).skill < held.skill - 0.35  # on targets that differ
    assert (held.skill - held.skill_before > 0.35) is is_fault
    assert again.unchanged_there == held.before


def autoencoder():
    layers = [keras.layers.Dense(16, "relu"), keras.layers.Dense(64, "sigmoid")]
    model = keras.Sequential([keras.Input((64,)), *layers])
    model.compile("adam", "binary_crossentropy")
    return model


def test_another_loss_is_scored_by_the_loss_of_the_first(trainer):
    other = Change(kind="canonical_output")
    _, again, held = both(trainer, autoencoder, PIXELS, PIXELS, other, steps=100)

    assert again.losses == ("mean_squared_error",)
    assert held.after > 0.2 > again.after.loss  # nothing costs less by cross-entropy


@pytest.mark.parametrize("seed", range(2))
def test_the_autoencoder_of_the_tutorials_is_healthy(trainer, seed):
    guard = Guard(policy=Policy(), seed=seed, trainer=lambda: trainer)
    run = guard.fit(autoencoder, PIXELS, PIXELS, epochs=12)
    guard.compare()

    assert guard.runs[0].findings == ()
    assert loss_curve_of(run.trace).skill > 0.45


def test_a_fixed_pairing_that_a_faster_training_learns_by_heart_has_no_cause(trainer):
    x = GENERATOR.standard_normal((150, 30)).astype("float32")
    y = GENERATOR.integers(0, 3, 150)

    def build():
        layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(3, "softmax")]
        model = keras.Sequential([keras.Input((30,)), *layers])
        model.compile(keras.optimizers.Adam(2e-5), "sparse_categorical_crossentropy")
        return model

    guard = Guard(policy=Policy(), seed=0, trainer=lambda: trainer)
    with pytest.raises(NotConverged), guard.explaining():
        guard.fit(build, x, y, steps=320)

    found = guard.runs[0].verdict.diagnosis
    assert not any(it.verified for it in found.causes)
    assert any(it.by_heart for it in found.experiments)
