"""A marked test trains, is judged, and fails with the reason."""

from __future__ import annotations

import pytest


def test_a_healthy_training_passes(project):
    result = project(
        """
@pytest.mark.converges
def test_trains():
    train()
"""
    )

    result.assert_outcomes(passed=1)


def test_a_broken_training_fails_at_the_users_line(project):
    result = project(
        """
@pytest.mark.converges
def test_trains():
    x, y = load()
    model = build(rate=100.0)
    model.fit(x, y, epochs=5, verbose=0)
    model.predict(x, verbose=0)
""",
        diagnosed=True,
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       model.fit(x, y, epochs=5, verbose=0)",
            "E       pytest_lossguard.NotConverged: loss blew up to *, limit *",
            "E         cause   learning_rate_too_high",
            "E                 with learning rate 100 -> *",
            "E         remedy  compile with Adam(learning_rate=*",
            "E         error   diverging_loss: *",
            "E       again: pytest test_it.py::test_trains --lossguard-seed=0",
            "test_it.py:*: NotConverged",
        ]
    )
    result.stdout.no_fnmatch_line("*site-packages*")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_traceback_goes_through_the_users_helpers_and_no_further(project):
    result = project(
        """
def helper():
    train(rate=100.0)

@pytest.mark.converges
def test_trains():
    helper()
"""
    )

    result.stdout.fnmatch_lines(
        ["test_it.py:*", "test_it.py:* in helper", "project.py:*: NotConverged"]
    )
    result.stdout.no_fnmatch_line("*pytest_lossguard/*.py:*")


def test_a_hand_written_loop_fails_at_its_update(project):
    result = project(
        """
import tensorflow as tf

@pytest.mark.converges
def test_loop():
    x, y = (tf.constant(it) for it in load())
    model, loss = build(), keras.losses.MeanSquaredError()
    optimizer = keras.optimizers.SGD(10.0)
    for _ in range(20):
        with tf.GradientTape() as tape:
            value = loss(y, model(x))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
"""
    )

    result.stdout.fnmatch_lines(
        [
            ">           optimizer.apply(gradients, model.trainable_variables)",
            "E           pytest_lossguard.NotConverged: the loss was inf at step 4",
        ]
    )


def test_a_non_finite_loss_stops_the_body(project):
    result = project(
        """
@pytest.mark.converges
def test_nan():
    train(scale=float("nan"), epochs=1000)
    print("went on")
"""
    )

    result.stdout.fnmatch_lines(
        [
            "E       pytest_lossguard.NotConverged: NaN or infinity in the input at *",
            "E       note: the training was stopped at step 1: *",
        ]
    )
    result.stdout.no_fnmatch_line("*went on*")


def test_a_test_in_which_nothing_trained_fails_and_says_so(project):
    result = project(
        """
@pytest.mark.converges
def test_nothing():
    build().predict(load()[0], verbose=0)
"""
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["NothingTrained: the test is marked converges and *"])


def test_gradients_that_are_never_applied_are_reported(project):
    result = project(
        """
import tensorflow as tf

@pytest.mark.converges
def test_forgot_to_apply():
    model = build()
    x, y = load()
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x) - y) ** 2)
        tape.gradient(loss, model.trainable_variables)
"""
    )

    result.stdout.fnmatch_lines(
        ["*gradients were computed 3 times and never applied; *"]
    )


def test_every_training_of_a_body_is_judged(project):
    result = project(
        """
@pytest.mark.converges
def test_two():
    train()
    train(rate=100.0)
"""
    )

    result.stdout.fnmatch_lines(["E       note: training 2 of the 2 in this test; 1 *"])


def test_an_error_of_the_users_own_stays_and_the_training_is_reported_beside_it(
    project,
):
    result = project(
        """
@pytest.mark.converges
def test_own_assert():
    train(rate=100.0)
    assert False, "own"
"""
    )

    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: own",
            "*Captured lossguard call*",
            "loss blew up to *",
        ]
    )


def test_the_policy_of_the_closest_mark_wins_key_by_key(project):
    result = project(
        """
pytestmark = pytest.mark.converges(min_drop=0.99, max_loss=1e9)

@pytest.mark.converges(min_drop=0.01)
def test_own():
    train()

class TestClass:
    def test_module(self):
        train(epochs=1)
"""
    )

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*limit 0.0*"])


def test_allow_and_xfail_work_as_anywhere(project):
    result = project(
        """
NAN = ("nonfinite_loss", "nonfinite_input", "nonfinite_gradient")

@pytest.mark.converges(allow=NAN)
def test_allowed():
    train(scale=float("nan"), epochs=1)

@pytest.mark.xfail(strict=True, raises=AssertionError)
@pytest.mark.converges
def test_expected():
    train(rate=100.0)

@pytest.mark.converges
def test_skipped():
    pytest.skip("not here")
"""
    )

    result.assert_outcomes(passed=1, xfailed=1, skipped=1)


def test_methods_parametrize_and_unittest_cases_are_watched(project):
    result = project(
        """
import unittest

@pytest.mark.converges
class TestMethods:
    @pytest.mark.parametrize("rate", [0.01, 100.0])
    def test_rate(self, rate):
        train(rate=rate)

@pytest.mark.converges
class Case(unittest.TestCase):
    def test_case(self):
        train(rate=100.0)
"""
    )

    result.assert_outcomes(passed=1, failed=2)


@pytest.mark.parametrize(
    ("mark", "sentence"),
    [
        ("min_dorp=0.3", "*no key 'min_dorp': did you mean 'min_drop'?*"),
        ("steps=-1", "*converges(steps=-1): steps must be a whole number*"),
        ("min_drop=30", "*a share of the starting loss between 0 and 1*"),
        ("shards=0", "*shards=0): shards must be a whole number from 1 to 256*"),
        ("0.3", "*takes keywords only, got 0.3*"),
    ],
)
def test_a_bad_policy_is_an_error_of_collection(project, mark, sentence):
    result = project(
        f"""
@pytest.mark.converges({mark})
def test_trains():
    train()
"""
    )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*test_it.py::test_trains: {sentence}"])


def test_two_marks_on_one_test_that_disagree_are_refused(project):
    result = project(
        """
@pytest.mark.converges(min_drop=0.5)
@pytest.mark.converges(min_drop=0.3)
def test_trains():
    train()
"""
    )

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*two marks on test_trains disagree*"])


def test_the_same_seed_gives_the_same_report(project, pytester):
    body = """
@pytest.mark.converges
def test_trains():
    train()

@pytest.mark.converges
def test_fits(lossguard):
    lossguard.fit(build, *load())
"""
    project(body, "--lossguard-json=one.json")
    project(body, "--lossguard-json=two.json")
    project(body, "--lossguard-json=other.json", "--lossguard-seed=1")

    one, two, other = (
        (pytester.path / f"{name}.json").read_text() for name in ("one", "two", "other")
    )
    assert one == two != other


def test_seeds_are_put_back_after_the_test(project):
    result = project(
        """
import random

@pytest.fixture(autouse=True, scope="module")
def seeded():
    random.seed(1)
    np.random.seed(1)

@pytest.mark.converges
def test_trains():
    train()

def test_next():
    expected = random.Random(1).random(), np.random.RandomState(1).rand()
    assert (random.random(), np.random.rand()) == expected
"""
    )

    result.assert_outcomes(passed=2)


def test_a_drawn_fixture_of_one_test_is_no_business_of_the_next(project):
    result = project(
        """
import random

random.seed(7)
state = random.getstate()

@pytest.mark.converges
def test_trains():
    random.random()
    train()

def test_next():
    assert random.getstate() == state
""",
        *("-p", "no:asyncio"),  # it draws between the tests
    )

    result.assert_outcomes(passed=2)


LATE_MARKS = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.converges({how}))
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_a_mark_that_a_conftest_adds_counts(project, pytester, workers):
    pytester.makeconftest(LATE_MARKS.format(how="diagnose=False"))

    result = project("def test_it():\n    train(100.0)\n", *workers)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NotConverged: *"])


def test_a_bad_mark_that_a_conftest_adds_is_reported_before_any_test_runs(
    project, pytester
):
    pytester.makeconftest(LATE_MARKS.format(how="stepz=3"))

    result = project("def test_it():\n    train()\n")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: test_it.py::test_it: converges() has no key 'stepz': *'steps'*"]
    )
