"""Whole trainings, judged and compared: what must fail, what must not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_digits

from pytest_lossguard.core.errors import NotConverged
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.session.guard import Guard
from pytest_lossguard.training import Trainer
from tests.support.fitting import train_once
from tests.support.scenarios import SCENARIOS

SEEDS = range(3)


@pytest.fixture(scope="module")
def trainer():
    return Trainer()


@pytest.fixture
def guard(trainer):
    return lambda seed: Guard(policy=Policy(), seed=seed, trainer=lambda: trainer)


def classifier(features, optimizer="adam", norm=False):
    def build():
        inputs = keras.Input((features,))
        hidden = layers.Dense(16, None if norm else "relu")(inputs)
        if norm:
            hidden = layers.BatchNormalization()(hidden)
            hidden = layers.ReLU()(hidden)
        model = keras.Model(inputs, layers.Dense(1, "sigmoid")(hidden))
        chosen = optimizer() if callable(optimizer) else optimizer
        model.compile(chosen, "binary_crossentropy")
        return model

    return build


BUILD = classifier(12)


def rule(rows, features, seed, share=0.5):
    """Which rows score highest by a linear rule, with a little noise."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, features)).astype("float32")
    score = x @ generator.normal(size=features)
    score += 0.3 * generator.normal(size=rows)
    return x, (score > np.quantile(score, 1 - share)).astype("float32")


def frame(seed, rows=600):
    """A raw frame: 12 columns in units of their own, up to some thousands."""
    z, y = rule(rows, 12, seed)
    generator = np.random.default_rng(seed + 100)
    size = 10 ** generator.uniform(0, 3.2, 12)
    size[3] = 2000
    return z, (z * 0.4 + generator.uniform(0.3, 3, 12)) * size, y


def converged(guard, seed, run):
    """Whether a training passes, re-runs included."""
    try:
        run(made := guard(seed))
        made.compare()
    except NotConverged:
        return False
    return True


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_dropped_scaler_fails_on_every_seed_however_short_the_run(guard, epochs):
    def by_fit(x, y):
        return lambda guard: guard.fit(BUILD, x, y, epochs=epochs)

    outcomes = []
    for seed in SEEDS:
        scaled, raw, y = frame(seed)
        outcomes += [converged(guard, seed, by_fit(it, y)) for it in (scaled, raw)]
    assert outcomes == [True, False] * len(SEEDS)


def test_a_dropped_scaler_fails_a_watched_test_too(guard):
    seed = 0
    scaled, raw, y = frame(seed)

    def by_watch(x):
        def run(guard):
            with guard.judging():
                BUILD().fit(x, y, epochs=3, verbose=0)

        return run

    outcomes = [converged(guard, seed, by_watch(it)) for it in (scaled, raw)]
    assert outcomes == [True, False]


@pytest.mark.parametrize(("rate", "steps"), [(1e-6, 285), (1e-5, 100)])
def test_a_rate_that_learns_nothing_is_not_slow(guard, rate, steps):
    x, y = rule(500, 12, 0)
    build = classifier(12, lambda: keras.optimizers.SGD(rate))

    def run(guard):
        guard.fit(build, x, y, steps=steps)

    assert not any(converged(guard, seed, run) for seed in SEEDS)


def test_a_fresh_classifier_that_falls_slowly_is_slow(guard):
    x, y = rule(500, 12, 0)
    build = classifier(12, lambda: keras.optimizers.SGD(1e-3))

    def run(guard):
        guard.fit(build, x, y, steps=200)

    assert all(converged(guard, seed, run) for seed in SEEDS)


def test_where_there_is_nothing_to_learn_nothing_fails(guard):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(300, 12)), generator.integers(0, 2, 300)

    def run(guard):
        guard.fit(BUILD, x, y, steps=100)

    assert all(converged(guard, seed, run) for seed in SEEDS)


@pytest.mark.parametrize(("share", "epochs"), [(0.01, 2), (0.01, 5), (0.03, 5)])
def test_a_rare_class_that_is_learned_passes(guard, share, epochs):
    def converges(seed):
        x, y = rule(2000, 12, seed, share)
        return converged(guard, seed, lambda it: it.fit(BUILD, x, y, epochs=epochs))

    assert [converges(seed) for seed in SEEDS] == [True] * len(SEEDS)


def test_knowing_nothing_and_averaging_layers_are_measured(trainer):
    x, y = rule(400, 12, 0, 0.02)
    trace = train_once(trainer, classifier(12, norm=True), x, y, steps=20, seed=0)
    assert trace.uninformed_loss == pytest.approx(np.log(2), abs=1e-3)
    assert trace.constant_loss < 0.15
    assert trace.averaging == ("batch_normalization",)


def test_averages_that_lag_are_named_and_fail_no_training(guard):
    """In training mode the loss is some .1, predictions cost up to 20."""
    digits = load_digits()

    def build():
        model = keras.Sequential([keras.Input((64,))])
        for _ in range(2):
            model.add(layers.Dense(64))
            model.add(layers.BatchNormalization(momentum=0.999))
            model.add(layers.ReLU())
        model.add(layers.Dense(10, "softmax"))
        adam = keras.optimizers.Adam(0.1)
        model.compile(adam, "sparse_categorical_crossentropy")
        return model

    messages = []
    for seed in SEEDS:
        made = guard(seed)
        made.fit(build, digits.data / 16, digits.target, steps=100)
        made.compare()
        messages += [it.message for it in made.runs[0].findings]
    assert any("batch normalization" in it for it in messages)


@pytest.mark.parametrize("name", ["S5-fixed", "S6"])
def test_scenarios_that_converge_pass_the_comparison_too(guard, name):
    scenario = SCENARIOS[name](0)

    def run(guard):
        guard.fit(
            scenario.build,
            scenario.x,
            scenario.y,
            epochs=scenario.epochs,
            batch_size=scenario.batch_size,
        )

    assert converged(guard, 0, run)


class Constant(keras.losses.Loss):
    """A likelihood with a fixed term."""

    def call(self, y_true, y_pred):
        return keras.ops.mean((y_true - y_pred) ** 2, axis=-1) + 540


def test_a_loss_with_a_large_constant_part_falls(trainer):
    from pytest_lossguard.judge import judge

    x, y = rule(400, 12, 0)

    def build():
        model = keras.Sequential([keras.Input((12,)), layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.02), Constant())
        return model

    for seed in SEEDS:
        trace = train_once(trainer, build, x, y, steps=64, seed=seed)
        found = judge(trace, Policy())
        assert "loss_not_decreasing" not in [it.kind for it in found]
