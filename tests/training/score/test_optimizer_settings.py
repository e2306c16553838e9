"""Schedules and clipping of real trainings."""

from __future__ import annotations

import keras
import pytest

import pytest_lossguard.training as training
from tests.support.fitting import train_once
from tests.support.programs import mlp
from tests.support.steps import batches, findings_of, found_in, kinds_of, traces_of

SCHEDULES = keras.optimizers.schedules
STEPS = 160
X, Y = next(batches(1, rows=160))


def fit(optimizer):
    model = mlp(optimizer=optimizer)
    model.fit(X, Y, batch_size=8, epochs=STEPS // 20, shuffle=False, verbose=0)


def sgd(rate, **how):
    return keras.optimizers.SGD(rate, **how)


def warm_up(steps):
    return SCHEDULES.CosineDecay(0.0, steps, warmup_target=0.1, warmup_steps=10)


EARLY = {
    "a schedule of epochs": (SCHEDULES.PolynomialDecay(0.02, 8, 0.0), 8),
    "by the step": (SCHEDULES.ExponentialDecay(0.02, 1, 0.5), 10),
    "after a warm-up": (
        SCHEDULES.CosineDecay(0.0, 4, warmup_target=0.02, warmup_steps=4),
        8,
    ),
}


@pytest.mark.parametrize("name", EARLY)
def test_a_schedule_that_is_over_at_once_fails_by_watch_and_fit(name):
    schedule, ended = EARLY[name]
    traces = traces_of(lambda: fit(sgd(schedule)))
    assert traces[0].step.rate_ended_at == pytest.approx(ended, abs=1)
    assert "rate_ended" in {it.kind for it in found_in(traces)}


def test_lossguard_fit_sees_it_too():
    model = mlp(optimizer=sgd(SCHEDULES.PolynomialDecay(0.02, 8, 0.0)))
    trace = train_once(training.Trainer(), model, X, Y, steps=60, batch_size=8)
    assert trace.step.rate_ended_at == 8


@pytest.mark.parametrize(
    "rate",
    [
        0.05,
        SCHEDULES.CosineDecay(0.1, STEPS),
        SCHEDULES.CosineDecayRestarts(0.1, 20),
        SCHEDULES.PiecewiseConstantDecay([60, 120], [0.1, 0.01, 0.001]),
        SCHEDULES.ExponentialDecay(0.1, 20, 0.7),
        warm_up(STEPS),
    ],
    ids=["none", "cosine", "restarts", "piecewise", "exponential", "warm-up"],
)
def test_a_schedule_as_long_as_the_training_is_silent(rate):
    assert "rate_ended" not in kinds_of(lambda: fit(sgd(rate)))


@pytest.mark.parametrize(
    "how", [{"clipnorm": 1e-6}, {"clipvalue": 1e-7}, {"global_clipnorm": 1e-6}]
)
def test_clipping_to_nothing_fails_where_the_size_of_a_gradient_counts(how):
    assert "clipped_to_nothing" in kinds_of(lambda: fit(sgd(0.05, **how)))


def test_adam_divides_the_size_out_and_is_silent():
    def body():
        fit(keras.optimizers.Adam(0.01, global_clipnorm=1e-3))

    assert "clipped_to_nothing" not in kinds_of(body)


def test_clipping_that_binds_and_lets_the_loss_fall_is_silent():
    assert "clipped_to_nothing" not in kinds_of(lambda: fit(sgd(0.1, clipnorm=0.5)))


@pytest.mark.parametrize(("mode", "text"), [("min", ["warning"]), ("max", [])])
def test_a_callback_that_lowers_the_rate_for_a_score_that_grows_is_a_warning(
    mode, text
):
    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = -logs["loss"]

    def body():
        model = mlp(optimizer=keras.optimizers.SGD(0.001))
        x, y = next(batches(1, rows=320))
        lowers = keras.callbacks.ReduceLROnPlateau(
            "score", factor=0.01, patience=1, mode=mode
        )
        model.fit(x, y, epochs=10, verbose=0, callbacks=[Score(), lowers])

    found = [it for it in findings_of(body) if it.kind == "rate_ended"]
    assert [it.severity for it in found] == text
