from __future__ import annotations

import json

import pytest

MODULE = """
import keras
import numpy as np
import pytest
from keras import layers
import tensorflow as tf

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(128, 4)).astype("float32")
Y = (X @ np.array([1.0, -2.0, 0.5, 0.0], "float32"))[:, None]


def build(rate=0.01, optimizer=keras.optimizers.Adam):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(16, "relu"), layers.Dense(1)]
    )
    model.compile(optimizer(rate), "mse")
    return model
"""


@pytest.fixture
def run(pytester):
    def run(body, *options):
        pytester.makepyfile(test_it=MODULE + body)
        report = pytester.path / "report.json"
        result = pytester.runpytest_inprocess(
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
            f"--lossguard-json={report}",
            *options,
        )
        tests = json.loads(report.read_text())["tests"] if report.exists() else []
        return result, {it["nodeid"].partition("::")[2]: it for it in tests}

    return run


FIT = """
@pytest.mark.converges(steps=60{marker})
def test_rate(lossguard):
    lossguard.fit(lambda: build(50.0), X, Y)
"""


def test_a_failed_fit_names_its_cause_in_message_and_report(run):
    result, tests = run(FIT.format(marker=""))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E         cause   learning_rate_too_high",
            "E                 with learning rate 50 -> *",
            "E         remedy  compile with Adam(learning_rate=*",
        ]
    )
    found = tests["test_rate"]["runs"][0]["diagnosis"]
    assert set(found) == {"causes", "tried"}
    assert set(found["causes"][0]) == {
        "cause",
        "verified",
        "where",
        "change",
        "loss_before",
        "loss_after",
        "remedy",
    }
    assert found["causes"][0]["cause"] == "learning_rate_too_high"
    assert found["causes"][0]["verified"] is True
    assert found["tried"] >= 1


def test_all_experiments_are_reported_under_vv(run):
    result, _ = run(FIT.format(marker=""), "-vv")
    result.stdout.fnmatch_lines(["E         final loss  change"])


@pytest.mark.parametrize(
    ("marker", "options"),
    [(", diagnose=False", ()), ("", ("--lossguard-no-diagnose",))],
)
def test_a_diagnosis_can_be_switched_off(run, marker, options):
    result, tests = run(FIT.format(marker=marker), *options)
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*cause   *")
    assert tests["test_rate"]["runs"][0]["diagnosis"] is None


def test_the_marker_is_closer_than_the_command_line(run):
    _, tests = run(FIT.format(marker=", diagnose=True"), "--lossguard-no-diagnose")
    assert tests["test_rate"]["runs"][0]["diagnosis"] is not None


def test_a_spent_budget_leaves_suspicions_that_are_called_so(run):
    result, tests = run(FIT.format(marker=""), "--lossguard-budget=1e-9")
    found = tests["test_rate"]["runs"][0]["diagnosis"]
    assert [it["verified"] for it in found["causes"]][:1] == [False]
    result.stdout.fnmatch_lines(
        ["E         cause?  learning_rate_too_high*not verified"]
    )


def test_a_watched_fit_and_a_hand_written_loop_are_diagnosed_too(run):
    result, tests = run(
        """
@pytest.mark.converges
def test_fit():
    model = build(50.0)
    model.fit(X, Y, epochs=10, verbose=0)

@pytest.mark.converges
def test_loop():
    model, loss = build(), keras.losses.MeanSquaredError()
    optimizer = keras.optimizers.SGD(0.05)
    x = X * 300
    for _ in range(40):
        with tf.GradientTape() as tape:
            value = loss(Y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""
    )
    result.assert_outcomes(failed=2)
    causes = {
        name: it["runs"][0]["diagnosis"]["causes"][0] for name, it in tests.items()
    }
    assert causes["test_fit"]["cause"] == "learning_rate_too_high"
    assert causes["test_loop"]["cause"] == "unscaled_inputs"
    assert all(it["verified"] for it in causes.values())


def test_a_search_is_diagnosed_once_on_its_smallest_case(run):
    result, tests = run(
        """
CALLS = []

@pytest.mark.converges(steps=80)
@pytest.mark.corruptions(scales=(1e-3, 1e3), offsets=False, outliers=False)
def test_search(lossguard, corruption):
    CALLS.append(corruption)
    x, y = corruption(X, Y)
    lossguard.fit(build, x, y)
"""
    )
    result.assert_outcomes(failed=1)
    (found,) = tests["test_search"]["runs"]
    assert found["diagnosis"]["causes"][0]["cause"] == "unscaled_inputs"
    result.stdout.fnmatch_lines(
        [
            "E         corrupted by Corruption(Scale(*",
            "E         cause   unscaled_inputs*",
        ]
    )


SLOW = """
@pytest.mark.converges(steps=150{marker})
def test_slow(lossguard):
    lossguard.fit(lambda: build(2e-5), X, Y)
"""


def test_a_passing_run_that_learned_little_is_warned_of(run):
    result, tests = run(SLOW.format(marker=""))
    result.assert_outcomes(passed=1)
    kinds = [it["kind"] for it in tests["test_slow"]["runs"][0]["findings"]]
    assert "improvable" in kinds


def test_under_strict_it_fails_and_says_which_change(run):
    result, _ = run(SLOW.format(marker=", strict=True, allow='slow_convergence'"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "NotConverged: far better with learning rate 2e-5 -> *",
            "  cause   learning_rate_too_low",
        ]
    )
    result.stdout.no_fnmatch_line("*hidden*")


def test_what_is_allowed_is_not_reported(run):
    _, tests = run(SLOW.format(marker=", allow='improvable'"))
    kinds = [it["kind"] for it in tests["test_slow"]["runs"][0]["findings"]]
    assert "improvable" not in kinds


def test_nothing_of_the_users_is_changed_by_a_diagnosis(run):
    result, _ = run(
        """
MODEL = build(50.0)
BEFORE = [it.numpy() for it in MODEL.variables]
STATE = {}

@pytest.mark.converges(steps=30)
def test_fails(lossguard):
    STATE["numpy"] = np.random.get_state()[1].copy()
    lossguard.fit(MODEL, X, Y)

def test_all_is_as_it_was():
    for value, variable in zip(BEFORE, MODEL.variables):
        np.testing.assert_array_equal(value, variable.numpy())
    assert float(MODEL.optimizer.learning_rate.numpy()) == 50.0
    assert MODEL.compiled
    history = MODEL.fit(X, Y, epochs=1, verbose=0)
    assert len(history.history["loss"]) == 1
"""
    )
    result.assert_outcomes(failed=1, passed=1)


def test_the_same_seed_gives_the_same_report(run):
    def runs():
        _, tests = run(FIT.format(marker="") + SLOW.format(marker=""))
        return json.dumps(tests, sort_keys=True)

    assert runs() == runs()
