"""What the fixtures of a marked test train on its behalf is judged with it."""

from __future__ import annotations

BROKEN = """
@pytest.fixture(scope="session", autouse=True)
def warmed():
    train(rate=1e3)

class TestFirst:
    @pytest.mark.converges(diagnose=False)
    def test_first(self):
        train()

@pytest.mark.converges(diagnose=False, allow=("diverging_loss", "worse_than_constant",
    "loss_not_decreasing", "masked_loss", "constant_predictions"))
def test_tolerates():
    train()

@pytest.mark.converges(diagnose=False)
def test_later():
    train()

def test_unmarked():
    pass
"""


def test_a_broken_training_of_a_wide_fixture_fails_each_marked_test(project):
    result = project("def test_before():\n    pass\n" + BROKEN)

    result.assert_outcomes(passed=3, failed=2)
    note = "note: trained in the set-up of fixture 'warmed' (session scope) for"
    result.stdout.fnmatch_lines([note, "      test_it.py::test_before, which *"] * 2)


EVERY_SCOPE = """
import unittest

@pytest.fixture
def trained():
    return train()

@pytest.fixture
def broken():
    return train(rate=1e3)

@pytest.fixture(scope="module")
def nan():
    train(scale=float("nan"), epochs=2)
    return "came to its end"

@pytest.fixture
def by_hand():
    import tensorflow as tf
    weight = tf.Variable(1.0, name="slope")
    with tf.GradientTape() as tape:
        loss = weight**2
    weight.assign_sub(0.1 * tape.gradient(loss, weight))

@pytest.fixture
def by_us(lossguard):
    return lossguard.fit(build, *load())

marked = pytest.mark.converges(diagnose=False)

@marked
def test_only_in_its_fixture(trained):
    assert len(trained.weights) == 4

@marked
def test_broken(broken):
    train()

@marked
@pytest.mark.usefixtures("broken")
def test_broken_unnamed():
    train()

@marked
def test_nan(nan):
    assert nan == "came to its end"

@marked
def test_nan_again(nan):
    train()

@marked
def test_unseen(by_hand):
    train()

@marked
def test_fit_in_a_fixture(by_us):
    assert by_us.converged

@marked
class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        train(rate=1e3)

    def test_case(self):
        pass

@marked
def test_nothing():
    pass
"""


def test_trainings_of_fixtures_of_every_kind_are_judged(project, pytester):
    result = project(EVERY_SCOPE, "--lossguard-json=out.json")

    result.assert_outcomes(passed=2, failed=7)
    result.stdout.fnmatch_lines(
        [
            ">       return train(rate=1e3)",
            "*note: trained in the set-up of fixture 'broken'*",
            "*note: trained in the set-up of fixture 'nan' (module scope)",
            "*note: trained in the set-up of fixture 'nan' (module scope) for*",
            "NothingTrained: trained in the set-up of fixture 'by_hand': 1 of *slope*",
            "*note: trained in the set-up of fixture 'setUpClass' (class scope)*",
            "NothingTrained: *in it or in the set-up of its fixtures*",
        ]
    )
    result.stdout.no_fnmatch_line("*was stopped*")
    tests = {it["nodeid"]: it for it in json_of(pytester)["tests"]}
    assert len(tests["test_it.py::test_only_in_its_fixture"]["runs"]) == 1
    assert len(tests["test_it.py::test_broken"]["runs"]) == 2
    assert all(run["steps"] for it in tests.values() for run in it["runs"])


def json_of(pytester):
    import json

    return json.loads((pytester.path / "out.json").read_text())


MISSED = """
import tensorflow as tf

def by_hand():
    weight = tf.Variable(1.0, name="slope")
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = weight**2
        weight.assign_sub(0.1 * tape.gradient(loss, weight))

@pytest.mark.converges(diagnose=False)
def test_beside_a_seen_one():
    train()
    by_hand()

@pytest.mark.converges(diagnose=False, allow="trained_unseen")
def test_tolerated():
    train()
    by_hand()

@pytest.mark.converges(diagnose=False)
def test_frozen():
    train()
    model = build()
    model.trainable = False
    model.train_on_batch(*load())

@pytest.mark.converges(diagnose=False)
def test_out_of_range():
    model = keras.Sequential([keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(load()[0], np.full(64, 7), verbose=0)

@pytest.mark.converges(diagnose=False, max_examples=3)
@pytest.mark.corruptions(scales=(1, 2), offsets=False, outliers=False)
def test_search(corruption):
    train()
    by_hand()

@pytest.mark.converges(diagnose=False)
def test_after():
    train()
"""


def test_what_trains_unseen_beside_a_seen_training_fails_the_test(project, pytester):
    result = project(MISSED, "--junitxml=out.xml", "--lossguard-json=out.json")

    result.assert_outcomes(passed=2, failed=4)
    result.stdout.fnmatch_lines(
        [
            "NothingTrained: 1 of the variables * no recorded training *: slope *",
            "NothingTrained: model 'sequential*' was trained by train_on_batch *",
            "E   *InvalidArgumentError: *",
            "*NothingTrained: 1 of the variables *",
        ]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    entries = {it["nodeid"].split("::")[1]: it for it in json_of(pytester)["tests"]}
    assert entries["test_out_of_range"]["runs"] == []
    unseen = ["trained_unseen"]
    assert {name: _unattached(it) for name, it in entries.items()} == {
        "test_beside_a_seen_one": unseen,
        "test_tolerated": [],
        "test_frozen": ["nothing_trainable"],
        "test_out_of_range": [],
        "test_search": unseen,
        "test_after": [],
    }


def _unattached(entry):
    return [it["kind"] for it in entry["findings"]]


def test_a_test_of_a_frozen_model_alone_has_its_finding_and_no_run(project, pytester):
    frozen = """
@pytest.mark.converges
def test_frozen():
    model = build()
    model.trainable = False
    model.fit(*load(), verbose=0)
"""
    project(frozen, "--lossguard-json=out.json").assert_outcomes(failed=1)

    (entry,) = json_of(pytester)["tests"]
    (finding,) = entry["findings"]
    assert (entry["runs"], finding["kind"]) == ([], "nothing_trainable")
    assert finding["severity"] == "error"
    assert "was trained by fit and has no trainable weight" in finding["message"]


def test_what_a_fixture_trained_unseen_is_a_finding_of_its_test(project, pytester):
    in_a_fixture = (
        MISSED.split("@pytest")[0]
        + """
@pytest.fixture
def slope():
    by_hand()

@pytest.mark.converges
def test_it(slope):
    train()
"""
    )
    project(in_a_fixture, "--lossguard-json=out.json").assert_outcomes(failed=1)

    (entry,) = json_of(pytester)["tests"]
    assert _unattached(entry) == ["trained_unseen"]
    assert [it["verdict"] for it in entry["runs"]] == ["converged"]


SEARCHED = """
@pytest.fixture
def broken():
    return train(rate=1e3)

@pytest.mark.converges(diagnose=False, max_examples=3)
@pytest.mark.corruptions(scales=(1, 2), offsets=False, outliers=False)
def test_search(lossguard, broken, corruption):
    lossguard.fit(build, *corruption(*load()))
"""


def test_a_broken_fixture_is_not_blamed_on_the_last_example_of_a_search(project):
    result = project(SEARCHED)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*trained in the set-up of fixture 'broken'*"])
    result.stdout.no_fnmatch_line("*corrupted by*")
