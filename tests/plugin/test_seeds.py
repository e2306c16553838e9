"""The same seed gives the same report, and leaves no trace outside of its test."""

from __future__ import annotations

import json

import pytest

#: Whatever draws, in a fixture of each scope and in the body, from each generator.
DRAWN = """
@pytest.fixture(scope="session")
def weights():
    return np.random.normal(size=(4, 1)).astype("float32")

@pytest.fixture(scope="module")
def inputs():
    return np.random.normal(size=(64, 4)).astype("float32")

@pytest.fixture
def noise():
    return 0.1 * np.random.normal(size=(64, 1)).astype("float32")

def run(inputs, weights, noise):
    keep = keras.random.uniform((64, 1)) > 0.1
    jitter = 0.01 * tf.random.normal((64, 4))
    model = build()
    model.fit(
        np.where(keep, inputs, inputs + jitter),
        inputs @ weights + noise + 0.1 * np.random.normal(size=(64, 1)),
        epochs=4,
        batch_size=16,
        verbose=0,
    )

def test_plain(inputs):
    assert len(inputs)

@pytest.mark.converges(diagnose=False)
@pytest.mark.parametrize("once", [1, 2])
def test_first(inputs, weights, noise, once):
    run(inputs, weights, noise)

@pytest.mark.converges(diagnose=False)
def test_second(inputs, weights, noise):
    run(inputs, weights, noise)

@pytest.mark.converges(diagnose=False)
def test_lazily(request, noise):
    run(*(request.getfixturevalue(it) for it in ("inputs", "weights")), noise)

failed = []

@pytest.mark.converges(diagnose=False)
def test_again(inputs, weights, noise):
    run(inputs, weights, noise)
    failed.append(1)
    assert len(failed) > 1, "once"
"""
HEADER = "import tensorflow as tf\n"
RERUN = "--reruns=1"


@pytest.fixture
def losses(project, pytester):
    """Run the tests, and read the loss of each step of each of them."""

    def run(*options):
        path = pytester.path / "r.json"
        project(HEADER + DRAWN, RERUN, f"--lossguard-json={path}", *options)
        tests = json.loads(path.read_text())["tests"]
        return {it["nodeid"]: [run["loss"] for run in it["runs"]] for it in tests}

    return run


def test_no_other_plugin_and_no_order_changes_a_training(losses):
    alone = losses()
    shuffled = losses("-p", "randomly", "--randomly-seed=2")
    one = losses("-p", "randomly", "-k", "lazily")

    assert len(alone) == 5
    assert shuffled == alone
    assert one == {name: runs for name, runs in alone.items() if "lazily" in name}


@pytest.mark.slow
def test_no_process_changes_a_training(losses):
    assert losses("-n2", "-p", "randomly") == losses()


def test_what_fixtures_and_body_draw_is_not_the_same(project):
    project(
        HEADER
        + """
@pytest.fixture(scope="module")
def one():
    return np.random.normal(size=9)

@pytest.fixture(scope="module")
def two():
    return np.random.normal(size=9)

@pytest.fixture
def three():
    return np.random.normal(size=9)

@pytest.mark.converges
def test_it(one, two, three):
    drawn = {tuple(it) for it in (one, two, three, np.random.normal(size=9))}
    assert len(drawn) == 4
    train()
"""
    ).assert_outcomes(passed=1)


def test_a_fixture_of_the_test_that_seeds_is_obeyed(project):
    project(
        """
@pytest.fixture
def seeded():
    np.random.seed(5)

@pytest.mark.converges
def test_it(seeded):
    assert np.random.rand() == np.random.RandomState(5).rand()
    train()
""",
        *("-p", "randomly"),
    ).assert_outcomes(passed=1)


#: What a wide fixture may do that leaves nothing behind.
ACTS = {
    "nothing": "yield",
    "draws": "draw(); yield",
    "draws_much": "np.random.rand(10**5); random.randbytes(10**5); yield",
    "trains": "train(epochs=1); yield",
    "asks": "request.getfixturevalue('lossguard'); yield",
}
GENERATORS = """
import random
import numpy as np
import keras
import pytest
import tensorflow as tf
from tensorflow.python.eager.context import context
from project import *

def draw():
    random.random(), np.random.rand(), tf.random.normal((1,)), keras.random.normal((1,))

def seed(value):
    random.seed(value)
    np.random.seed(value)

def state():
    return random.getstate(), np.random.get_state()

def put(old):
    random.setstate(old[0])
    np.random.set_state(old[1])

def assert_seeded(value):
    assert random.getstate() == random.Random(value).getstate()
    ours, theirs = np.random.get_state(), np.random.RandomState(value).get_state()
    assert (ours[1] == theirs[1]).all() and ours[2] == theirs[2]
    assert (context()._seed, context()._rng) == TENSORFLOW

TENSORFLOW = context()._seed, context()._rng
marked = pytest.mark.converges(diagnose=False, steps=40)
"""
WIDE = """
@pytest.fixture(scope="{scope}")
def {scope}_{act}(request):
    {does}

@marked
@pytest.mark.parametrize("lazily", [False, True])
def test_{scope}_{act}(request, lossguard, lazily{asked}):
    request.getfixturevalue("{scope}_{act}") if lazily else draw()
    lossguard.fit(build, *load())

def test_after_{scope}_{act}({plainly}):
    assert_seeded(7)
"""
SEEDS = """
@pytest.fixture(scope="{scope}")
def {scope}_seeds():
    old = state()
    seed(5)
    yield
    put(old)

class Test{scope}:
    @marked
    def test_{scope}(self, lossguard, {scope}_seeds):
        lossguard.fit(build, *load())

def test_after_{scope}():
    assert_seeded({value})
"""


def test_no_wide_fixture_leaves_our_seed_behind(project, pytester):
    made = "seed(7)\n" + "".join(
        WIDE.format(
            scope=scope,
            act=act,
            does=does,
            asked="" if index % 2 else f", {scope}_{act}",
            plainly="" if index % 2 else f"{scope}_{act}",
        )
        for scope in ("class", "module", "package", "session")
        for index, (act, does) in enumerate(ACTS.items())
    )
    made += SEEDS.format(scope="class", value=7) + SEEDS.format(scope="module", value=5)
    after = "def test_put_back():\n    assert_seeded(7)\n"
    after += SEEDS.format(scope="session", value=5)
    pytester.makepyfile(test_a=GENERATORS + made)
    pytester.makepyfile(
        test_b="import pytest\nfrom project import *\n"
        "from test_a import assert_seeded, marked, seed, state, put\n" + after
    )

    result = project(
        "def test_plain(): pass", "-p", "no:asyncio", "-p", "no:hypothesis"
    )

    result.assert_outcomes(passed=20 * 3 + 2 + 2 + 1 + 2 + 1)


def test_a_wide_fixture_that_seeds_holds_after_the_test_that_asked_first(project):
    project(
        """
import random

@pytest.fixture(scope="module")
def seeded():
    random.seed(5)
    np.random.seed(5)

@pytest.mark.converges
def test_marked(seeded):
    train()

def test_next():
    drawn = random.random(), np.random.rand()
    assert drawn == (random.Random(5).random(), np.random.RandomState(5).rand())
""",
        *("-p", "no:asyncio"),
    ).assert_outcomes(passed=2)
