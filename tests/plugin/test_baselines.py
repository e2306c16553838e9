"""Baselines as a project meets them: written, held, regressed, unused."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from pytest_lossguard import UsageError
from pytest_lossguard.baselines import demand_sound, read_baseline
from pytest_lossguard.plugin import state
from pytest_lossguard.plugin.baselines import baseline_of

FIT = """
@pytest.mark.converges(baseline=True)
def test_trains(lossguard):
    lossguard.fit(lambda: build({rate}), *load(), steps={steps})
"""
FILE = "__lossguard__/test_it.test_trains.json"


def fit(rate=0.01, steps=60):
    return FIT.format(rate=rate, steps=steps)


@pytest.fixture(scope="module")
def kept():
    """The baseline that the first test writes, for all others to begin with."""
    return {}


@pytest.fixture
def written(project, pytester, kept):
    """Put the baseline of `fit()` where it belongs; written once, as it takes long."""
    path = pytester.path / FILE
    if not kept:
        kept["result"] = project(fit())
        kept["text"] = path.read_text()
    path.parent.mkdir(exist_ok=True)
    path.write_text(kept["text"])
    return path


def test_a_missing_baseline_is_written_and_the_test_fails_saying_so(kept, written):
    result, found = kept["result"], json.loads(written.read_text())

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "BaselineError: this test had no baseline: its baseline was written to"
            f" {FILE}; review and commit it",
            "lossguard: baselines written: commit it",
            f"  {FILE}",
        ]
    )
    assert found["test"] == "test_it.py::test_trains"
    assert found["environment"]["device"] in ("CPU", "GPU")
    (training,) = found["trainings"]
    assert (training["steps"], training["seeds"]) == (60, list(range(20)))
    assert set(training["metrics"]) == {
        *("skill", "loss_removed", "steps_to_half", "worst_jump"),
        *("learning_rate_headroom", "input_scale_headroom"),
        *("highest_grad_norm", "lowest_grad_norm"),
    }
    assert len(written.read_text()) < 3000


@pytest.mark.usefixtures("written")
def test_the_unchanged_program_holds_its_baseline(project, pytester):
    result = project(fit(), "--lossguard-json=r.json")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*lossguard: baselines*")
    (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
    assert test["baseline"]["state"] == "held"
    assert not any(it["regressed"] for it in test["baseline"]["metrics"])


@pytest.mark.usefixtures("written")
def test_half_the_headroom_fails_and_says_what_it_was(project, pytester):
    result = project(fit(rate=0.02), "--lossguard-json=r.json")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "NotConverged: learning-rate headroom fell from *x to *x",
            "  baseline  medians of the same 20 seeds * then * now * worst",
            "          ! learning-rate headroom *x *x *x",
            "            input-scale headroom *",
            "  error   baseline_regression: the learning-rate headroom fell from *",
            "hint: If this is intended, run the test with --lossguard-update *",
            "again: pytest test_it.py::test_trains --lossguard-seed=0",
        ]
    )
    (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
    assert test["baseline"]["state"] == "regressed"
    assert test["runs"][0]["verdict"] == "not_converged"
    assert test["runs"][0]["findings"][0]["kind"] == "baseline_regression"


@pytest.mark.usefixtures("written")
def test_a_regression_that_is_allowed_passes(project):
    body = fit(rate=0.02).replace("=True", "=True, allow='baseline_regression'")

    project(body).assert_outcomes(passed=1)


def test_an_update_writes_what_is_new_and_then_it_holds(project, written):
    before = json.loads(written.read_text())
    project(fit(rate=0.02), "--lossguard-update").assert_outcomes(passed=1)
    after = json.loads(written.read_text())

    project(fit(rate=0.02)).assert_outcomes(passed=1)
    assert before["trainings"][0]["metrics"] != after["trainings"][0]["metrics"]


def test_an_update_of_new_ones_leaves_what_is_there(project, written):
    before = written.read_text()

    project(fit(rate=0.02), "--lossguard-update=new").assert_outcomes(failed=1)
    assert written.read_text() == before


@pytest.mark.parametrize("update", ["", "=all", "=new"])
def test_what_follows_an_update_is_a_path(project, update):
    body = "def test_plain():\n    pass\n"

    result = project(body, f"--lossguard-update{update}", "test_it.py")

    result.assert_outcomes(passed=1)


def test_an_update_of_something_else_is_refused(project):
    result = project("", "--lossguard-update=old")

    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.usefixtures("written")
def test_a_training_of_another_length_is_another_training(project):
    result = project(fit(steps=61))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"BaselineError: the training takes 61 steps, but its baseline, {FILE},"
            " took 60: if this is intended, run it with --lossguard-update"
        ]
    )


@pytest.mark.usefixtures("written")
def test_more_trainings_than_the_baseline_has_are_reported(project):
    body = fit() + "    lossguard.fit(build, *load())\n"

    result = project(body)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["BaselineError: its baseline, *, has 1 trainings, the test ran 2: *"]
    )


def test_another_environment_is_said_and_tolerates_nothing(project, written):
    text = written.read_text()
    written.write_text(text.replace('"keras": "', '"keras": "before '))

    held = project(fit())
    result = project(fit(rate=0.02))

    held.assert_outcomes(passed=1)
    held.stdout.fnmatch_lines(
        ["lossguard: the baseline is from another environment: keras before *"]
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["note: the baseline is from another environment: keras before * there,"]
    )


@pytest.mark.parametrize(
    ("change", "output"),
    [
        ({"seeds": [0]}, "1 seeds, at least 14 can show that it got worse"),
        ({"seeds": [*range(19), 0]}, "a seed twice"),
        ({"seeds": [*range(5000)]}, "5000 seeds, each a training to run: at most 100"),
        ({"metrics": {}}, "no metric that could get worse"),
        ({"metrics": {"skil": [0.5] * 20}}, "an unknown metric 'skil'"),
        ({"metrics": {"skill": [0.5]}}, "1 values of skill for 20 seeds"),
    ],
)
def test_a_baseline_that_could_not_fail_is_named(written, change, output):
    given = json.loads(written.read_text())
    given["trainings"][0] |= change
    written.write_text(json.dumps(given))

    with pytest.raises(UsageError) as caught:
        demand_sound(read_baseline(written), written)

    assert f"{written} is damaged (training 1 has {output})" in str(caught.value)


def test_a_damaged_baseline_fails_its_test(project, written):
    given = json.loads(written.read_text())
    given["trainings"][0]["metrics"] = {}
    written.write_text(json.dumps(given))

    result = project(fit())

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UsageError: the baseline *is damaged*"])


def test_a_merge_conflict_is_named_and_an_update_writes_the_same_again(
    project, written
):
    before = written.read_text()
    written.write_text("<<<<<<< HEAD\n")

    result = project(fit())
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*UsageError: the baseline * merge conflict*"])

    project(fit(), "--lossguard-update").assert_outcomes(passed=1)
    assert written.read_text() == before


def test_a_training_that_fails_writes_no_baseline(project, pytester):
    project(fit(rate=100.0), "--lossguard-update").assert_outcomes(failed=1)

    assert not (pytester.path / FILE).exists()


def test_a_model_given_as_an_object_gets_new_weights_for_each_seed(project, pytester):
    body = fit().replace("lambda: build(0.01)", "build(0.01)")

    project(body, "--lossguard-update").assert_outcomes(passed=1)

    (training,) = json.loads((pytester.path / FILE).read_text())["trainings"]
    assert len(set(training["metrics"]["loss_removed"])) > 8


WATCHED = """
@pytest.mark.converges(baseline=True)
def test_trains():
    train({rate}, epochs=15)
"""


def test_a_watched_fit_has_a_baseline_too(project):
    good, bad = WATCHED.format(rate=0.01), WATCHED.format(rate=0.005)

    project(good, "--lossguard-update").assert_outcomes(passed=1)
    project(good).assert_outcomes(passed=1)
    result = project(bad)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*! steps to half of it*"])


DRAWN = """
@pytest.mark.converges(baseline=True)
def test_trains(lossguard):
    x = np.random.normal(size=(64, 4)).astype("float32")
    lossguard.fit(build, x, x.sum(axis=1), steps=60)
"""


def test_data_that_the_seed_draws_are_compared_under_that_seed_only(project, pytester):
    project(DRAWN, "--lossguard-update").assert_outcomes(passed=1)

    result = project(DRAWN, "--lossguard-seed=1", "--lossguard-json=r.json")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["lossguard: test_it.py::test_trains was not compared: *"]
    )
    (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
    assert test["baseline"]["told"] == (
        "not compared: with --lossguard-seed=1 the test has other data than its"
        " baseline, which is from seed 0"
    )


@pytest.mark.usefixtures("written")
def test_the_same_data_are_compared_under_any_seed(project, pytester):
    project(fit(), "--lossguard-seed=7", "--lossguard-json=r.json")

    (test,) = json.loads((pytester.path / "r.json").read_text())["tests"]
    assert (test["outcome"], test["baseline"]["state"]) == ("passed", "held")


def test_a_search_has_no_baseline(project):
    body = """
        @pytest.mark.converges(baseline=True)
        def test_survives(lossguard, corruption):
            lossguard.fit(build, *corruption(*load()))
    """

    result = project(dedent(body))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*UsageError: converges(baseline=True) is for a test that trains the same*"]
    )


def test_names_that_no_file_can_have_are_distinguished(pytester):
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.parametrize("name", ["a/b", "a:b", "x" * 300])
        class TestAll:
            @pytest.mark.converges(baseline=True)
            def test_one(self, name, lossguard):
                pass
        """
    )

    items, _ = pytester.inline_genitems()
    for item in items:
        item.stash[state.TEST] = state.Test(policy=None)  # as where it runs
    paths = {baseline_of(it).path for it in items}

    assert len(paths) == 3
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
        assert path.parent == pytester.path / "__lossguard__"
        assert path.name.startswith("test_it.TestAll.test_one[")
        assert len(path.name) < 140


HANDS_ON = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.lossguard_files = {"baseline": {
        "path": "__lossguard__/a.json", "test": "test_it.py::test_a", "seed": 0,
        "environment": {}, "trainings": []
    }}
    return report
"""


def test_a_baseline_that_cannot_be_written_fails_the_session(project, pytester):
    pytester.makeconftest(HANDS_ON)
    (pytester.path / "__lossguard__").write_text("a file where the folder would be")

    result = project("def test_plain(): pass")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["lossguard: the baseline *a.json cannot be written *"])


STALE = ("test_it.test_gone.json", "test_no_more.test_x.json", "test_other.test_y.json")


@pytest.fixture
def stale(pytester):
    """Tests with and without a baseline, and baselines of no test."""
    folder = pytester.mkdir("__lossguard__")
    pytester.makepyfile(test_other="def test_y():\n    pass\n")
    for name in (*STALE, "test_it.test_trains.json"):
        (folder / name).write_text("{}")
    body = fit().replace("@pytest", "@pytest.mark.skip\n@pytest", 1)
    return body + "\ndef test_plain():\n    pass\n"


@pytest.mark.parametrize(
    "workers", [(), pytest.param(("-n2",), marks=pytest.mark.slow)]
)
def test_baselines_of_no_test_are_named(project, stale, workers):
    result = project(stale, *workers)

    output = [line.strip() for line in result.outlines]
    place = output.index("lossguard: baselines without a test: delete them")
    assert output[place + 1 : place + 4] == [f"__lossguard__/{it}" for it in STALE]


@pytest.mark.parametrize(
    "selected",
    [
        ("-k", "plain"),
        ("-m", "skip"),
        ("--deselect", "test_it.py::test_plain"),
        ("test_it.py::test_plain",),
        ("--lf", "-p", "cacheprovider"),
    ],
)
def test_where_tests_are_left_out_nothing_is_reported_baselines(
    project, stale, selected
):
    result = project(stale, *selected)

    result.stdout.no_fnmatch_line("*without a test*")


def test_a_path_that_leaves_a_file_out_shows_nothing_of_its_baselines(
    project, pytester
):
    folder = pytester.mkdir("__lossguard__")
    (pytester.path / "test a.b.py").write_text("")
    (folder / "test_a.b.test_x-1234.json").write_text('{"test": "test a.b.py::test_x"}')

    result = project("def test_plain():\n    pass\n", "test_it.py")

    result.stdout.no_fnmatch_line("*without a test*")


@pytest.mark.usefixtures("written")
def test_of_tests_that_were_not_asked_for_nothing_is_reported(project):
    plain = "\ndef test_plain():\n    pass\n"

    result = project(fit() + plain, "test_it.py::test_plain")

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*without a test*")


def test_the_margins_of_a_training_are_reported(project):
    body = """
        def test_margins(lossguard):
            found = lossguard.margins(build, *load(), steps=60)
            assert 4 <= found.learning_rate.factor <= 400
            assert found.learning_rate.why
            assert {it.what for it in found.features} == {
                f"feature {it}" for it in range(4)
            }
    """

    project(dedent(body)).assert_outcomes(passed=1)


def test_margins_of_what_does_not_converge_fail_a_marked_test(project):
    body = """
        @pytest.mark.converges
        def test_margins(lossguard):
            lossguard.margins(lambda: build(100.0), *load())
    """

    result = project(dedent(body))

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*NotConverged: *"])


OWN_LAYER = """
class Cast(keras.layers.Layer):
    def call(self, x):
        return keras.ops.cast(x, "float32")

plain = build
def build(rate):
    inner = plain()
    model = keras.Sequential([keras.Input((4,)), Cast(), *inner.layers])
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model
"""
MAYBE_IDS = pytest.param(OWN_LAYER, id="maybe ids", marks=pytest.mark.slow)


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("more", [pytest.param("", id="numbers"), MAYBE_IDS])
def test_floats_that_became_integers_are_a_regression_and_the_type_is_reported(
    project, more
):
    whole = "x, y = load()\n    lossguard.fit(lambda: build(0.01), x.astype(int), y,"
    body = fit().replace("lossguard.fit(lambda: build(0.01), *load(),", whole)

    result = project(more + body)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*NotConverged: *",
            "note: the type of the inputs has changed since: float32 there, int64 here",
        ]
    )
    result.stdout.no_fnmatch_line("*only indices*")
