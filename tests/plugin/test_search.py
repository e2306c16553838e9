"""A marked test that asks for `corruption` is a search, whatever it is part of."""

from __future__ import annotations

import json

import hypothesis
import pytest

#: A pipeline that forgot to scale: of its space one case breaks it, all features
#: times 100 (the first one alone does not).
SEARCHED = """
@pytest.mark.converges(steps=30)
@pytest.mark.corruptions(scales=(1, 100), features=1, offsets=False, outliers=False)
def test_survives(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, {prepared}, y)
"""
BROKEN = SEARCHED.format(prepared="x")
GOOD = SEARCHED.format(prepared="(x - x.mean(0)) / x.std(0)")
FEW = ("--lossguard-max-examples=25", "--hypothesis-seed=0")


@pytest.fixture(autouse=True)
def no_options_of_another_session(monkeypatch):
    """Hypothesis keeps its own options for all sessions in a process."""
    monkeypatch.setattr("hypothesis.core.global_force_seed", None)
    yield
    hypothesis.settings.load_profile("patient")  # see tests/conftest.py


@pytest.fixture
def report(project, pytester):
    """Run, and read the JSON report."""

    def run(body, *options):
        path = pytester.path / "report.json"
        result = project(body, f"--lossguard-json={path}", *options)
        tests = json.loads(path.read_text())["tests"] if path.exists() else []
        return result, tests

    return run


def test_a_robust_pipeline_survives_and_says_what(report):
    result, (test,) = report(GOOD, *FEW)

    result.assert_outcomes(passed=1)
    search = test["search"]
    assert search["examples"] == 25
    assert 1 < search["unique"] <= 5
    assert search["failing"] is None
    assert search["exhausted_budget"] is False
    assert [run["verdict"] for run in test["runs"]] == ["converged"]
    result.stdout.fnmatch_lines(
        ["*test_it.py::test_survives survived scales 1 to 100; searched 25*"]
    )
    assert search["headroom"] == ["survives Scale(100000.0)"]


def test_a_broken_one_fails_with_the_smallest_case_at_the_users_line(report):
    result, (test,) = report(BROKEN, *FEW)

    result.assert_outcomes(failed=1)
    assert test["search"]["failing"] == "Corruption(Scale(100.0, features=0))"
    assert [run["verdict"] for run in test["runs"]] == ["not_converged"]
    result.stdout.fnmatch_lines(
        [
            ">       lossguard.fit(build, x, y)",
            "E         corrupted by Corruption(Scale(100.0, features=0))",
            "E       note: the smallest corruption found that breaks it, in *",
            "E       note: another unit (a factor) alone breaks it: no step of the*",
            "E             *@pytest.mark.corruptions(scales=(1, 10))",
            "E       paste: @example(corruption=Corruption(Scale(100.0, features=0)))",
            "E       again: pytest --lossguard-replay=.lossguard/test_it.py-test_sur*",
            "test_it.py:*: NotConverged",
        ]
    )
    result.stdout.no_fnmatch_line("*contextlib*")
    result.stdout.no_fnmatch_line("*Falsifying*")
    result.stdout.no_fnmatch_line("*Failing test case*")


def test_the_same_seed_twice_gives_the_same_examples_and_report(report, pytester):
    reports = []
    for _ in range(2):
        _, tests = report(BROKEN + GOOD.replace("survives", "good"), *FEW)
        reports.append(tests)

    assert reports[0] == reports[1]


#: Tells what it was run on; trains at times, which takes longest.
TELLING = """
seen = []

@pytest.mark.converges(steps=30, max_examples=10)
@pytest.mark.parametrize("case", [1, 2])
def test_survives(lossguard, corruption, case):
    x, y = corruption(*load())
    seen.append((case, corruption))
    if not corruption.parts:
        lossguard.fit(build, *load())

def test_seen():
    print("saw", [[it for key, it in seen if key == case] for case in (1, 2)])
"""


def saw(result):
    (line,) = (it for it in result.outlines if it.startswith("saw"))
    return line


def test_the_seed_decides_on_the_examples_of_each_test(project, pytester, monkeypatch):
    monkeypatch.delenv("CI", raising=False)

    def run(*options):
        return saw(project(TELLING, "-rP", "--hypothesis-profile=default", *options))

    found = [run() for _ in range(2)]
    other = run("--lossguard-seed=1")
    alone = run("-k", "2 or seen")
    of_hypothesis = [run(f"--hypothesis-seed={it}") for it in (1, 2)]
    # The profile stays loaded in this process.
    of_hypothesis_in_ci = run("--hypothesis-seed=2", "--hypothesis-profile=ci")
    monkeypatch.setattr("hypothesis.core.global_force_seed", None)
    in_ci = run("--hypothesis-profile=ci")

    assert found[0] == found[1]
    assert found[0] == in_ci
    assert of_hypothesis[1] == of_hypothesis_in_ci
    first, second = found[0].removeprefix("saw ").strip("[]").split("], [")
    assert first != second
    assert second in alone
    assert len({found[0], other, *of_hypothesis}) == 4


def test_a_seed_is_drawn_where_that_is_asked_for_and_said(project):
    body = "@pytest.mark.converges\ndef test_it(lossguard):\n"
    body += "    print('drew', lossguard.fit(build, *load()).trace.seed)\n"

    first = project(body, "--lossguard-seed=random", "-rP")
    second = project(body, "--lossguard-seed=random", "-rP")

    drawn = [
        next(it.split()[1] for it in each.outlines if it.startswith("drew"))
        for each in (first, second)
    ]
    assert drawn[0] != drawn[1]
    output = [
        it for it in first.outlines if f"drew --lossguard-seed={drawn[0]}, which" in it
    ]
    assert len(output) == 2


@pytest.mark.slow
def test_workers_share_the_seed_that_was_drawn(report, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    body = GOOD + GOOD.replace("survives", "good")

    result, tests = report(body, "--lossguard-seed=random", "-n2")

    seeds = {run["seed"] for test in tests for run in test["runs"]}
    assert len(seeds) == 1
    result.stdout.fnmatch_lines([f"lossguard: drew --lossguard-seed={seeds.pop()}, *"])


def test_a_failure_that_was_found_is_tried_first(report, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    few = ("--lossguard-max-examples=40", "--hypothesis-profile=default")

    first, second = (report(BROKEN, *few)[1][0]["search"] for _ in range(2))

    assert (
        first["failing"] == second["failing"] == "Corruption(Scale(100.0, features=0))"
    )
    assert second["examples"] < first["examples"]


def test_a_replay_runs_exactly_the_failing_case(report):
    report(BROKEN + GOOD.replace("survives", "good"), *FEW)

    replay = "--lossguard-replay=.lossguard/test_it.py-test_survives.json"
    result, (test,) = report(BROKEN + GOOD.replace("survives", "good"), replay)

    result.assert_outcomes(failed=1, deselected=1)
    assert test["search"]["failing"] == "Corruption(Scale(100.0, features=0))"
    assert test["search"]["unique"] == 1
    result.stdout.fnmatch_lines(
        ["E         corrupted by Corruption(Scale(100.0, features=0))"]
    )


def test_a_replay_of_a_mended_pipeline_passes(report):
    report(BROKEN, *FEW)

    replay = "--lossguard-replay=.lossguard/test_it.py-test_survives.json"
    result, _ = report(GOOD, replay)

    result.assert_outcomes(passed=1)


def test_a_replay_runs_one_case_of_a_parametrized_test(report):
    body = (
        BROKEN.replace("@pytest", '@pytest.mark.parametrize("n", [64, 96])\n@pytest', 1)
        .replace("corruption):", "corruption, n):")
        .replace("load()", "load(n)")
    )
    report(body, *FEW)

    replay = "--lossguard-replay=.lossguard/test_it.py-test_survives-96.json"
    result, (test,) = report(body, replay)

    assert test["nodeid"] == "test_it.py::test_survives[96]"
    result.assert_outcomes(failed=1, deselected=1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"corruption": ["os.system"]}'])
def test_a_file_that_is_no_replay_is_named(project, pytester, text):
    (pytester.path / "x.json").write_text(text)

    result = project(GOOD, "--lossguard-replay=x.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*x.json is not a replay file of pytest-lossguard*"])


def test_a_replay_of_a_test_that_is_not_there_is_reported(report):
    report(BROKEN, *FEW)

    replay = "--lossguard-replay=.lossguard/test_it.py-test_survives.json"
    result, _ = report(GOOD.replace("survives", "other"), replay)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*holds a case of test_it.py::test_survives, which*"])


def test_a_spent_budget_is_reported(report):
    result, (test,) = report(GOOD, "--lossguard-budget=0.001")

    result.assert_outcomes(passed=1)
    assert test["search"]["exhausted_budget"] is True
    assert test["search"]["unique"] == 1
    result.stdout.fnmatch_lines(["*the budget left no time for others*"])


def test_the_option_caps_the_markers_budget(report):
    body = GOOD.replace("steps=30", "steps=30, budget=1000")

    _, (test,) = report(body, "--lossguard-budget=0.001")

    assert test["search"]["exhausted_budget"] is True


def test_the_marker_says_how_many_examples(report):
    _, (test,) = report(GOOD.replace("steps=30", "steps=30, max_examples=7"), *FEW)

    assert test["search"]["examples"] == 7


def test_the_ini_file_says_how_many_examples(report, pytester):
    pytester.makeini("[pytest]\nlossguard_max_examples = 6\nlossguard_budget = 100")

    _, (test,) = report(GOOD)

    assert test["search"]["examples"] == 6


# What it composes with

DECORATED = """
from hypothesis import example, reproduce_failure, seed, settings, given, Phase
from hypothesis import strategies as st
from pytest_lossguard import strategies
from pytest_lossguard.corruptions import *
"""


def test_the_users_own_settings_hold(report):
    body = DECORATED + GOOD.replace("@pytest", "@settings(max_examples=4)\n@pytest", 1)

    result, (test,) = report(body, *FEW)

    result.assert_outcomes(passed=1)
    assert test["search"]["examples"] == 4


def test_an_explicit_example_is_run_first(report):
    marked = "@example(corruption=Corruption(Scale(1e6)))\n@pytest"
    body = DECORATED + BROKEN.replace("@pytest", marked, 1)

    result, (test,) = report(body)

    result.assert_outcomes(failed=1)
    assert test["search"]["failing"] == "Corruption(Scale(1000000.0))"
    assert test["search"]["examples"] == 1


def test_a_seed_of_hypothesis_holds(report):
    found = []
    for _ in range(2):
        body = DECORATED + GOOD.replace("@pytest", "@seed(7)\n@pytest", 1)
        _, (test,) = report(body, *FEW)
        found.append(test["search"])

    assert found[0] == found[1]


def test_a_given_of_the_users_own_is_judged_example_by_example(report):
    result, tests = report(
        DECORATED
        + """
@pytest.mark.converges(steps=30)
@settings(max_examples=30, deadline=None, database=None)
@given(
    corruption=strategies.corruptions(
        scales=(1, 100), features=1, offsets=False, outliers=False
    )
)
def test_one(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, x, y)

@pytest.mark.converges(steps=30)
@settings(max_examples=8, deadline=None, database=None)
@given(exponent=st.integers(0, 5))
def test_another(lossguard, exponent):
    x, y = load()
    lossguard.fit(build, x * 10.0**exponent, y)
"""
    )

    result.assert_outcomes(failed=2)
    other, one = tests
    assert one["search"]["failing"] == "Corruption(Scale(100.0, features=0))"
    assert other["search"]["examples"] >= 2
    result.stdout.fnmatch_lines(["*exponent=*"])


def test_all_that_trains_is_watched_in_each_example(report):
    result, (test,) = report(
        """
@pytest.mark.converges
@pytest.mark.corruptions(scales=(1, 100), features=1, offsets=False, outliers=False)
def test_survives(corruption):
    x, y = corruption(*load())
    model = build()
    model.fit(x, y, epochs=8, batch_size=16, verbose=0)
""",
        "--lossguard-max-examples=12",
    )

    result.assert_outcomes(failed=1)
    assert test["search"]["failing"] == "Corruption(Scale(100.0, features=0))"
    assert test["runs"][0]["source"] == "watch"
    result.stdout.fnmatch_lines(
        [
            ">       model.fit(x, y, epochs=8, batch_size=16, verbose=0)",
            "test_it.py:*: NotConverged",
        ]
    )


def test_classes_inheritance_parametrize_and_fixtures_of_every_scope(report):
    result, tests = report(
        """
@pytest.fixture(scope="session")
def rows(): return 64

@pytest.fixture(scope="module")
def data(rows): return load(rows)

@pytest.fixture
def scaler():
    return lambda x: (x - x.mean(0)) / x.std(0)

pytestmark = pytest.mark.converges(steps=30, max_examples=6)

class Base:
    @pytest.mark.parametrize("rate", [0.01, 0.02])
    def test_survives(self, lossguard, corruption, data, scaler, rate, tmp_path):
        x, y = corruption(*data)
        assert self.offset == type(self).offset
        lossguard.fit(lambda: build(rate), scaler(x) + self.offset, y)

class TestOne(Base):
    offset = 0.0

@pytest.mark.corruptions(outliers=False, scales=(1, 10))
class TestTwo(Base):
    offset = 0.1

@pytest.mark.usefixtures("scaler")
@pytest.mark.corruptions(scales=False, offsets=False)
def test_module_mark(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, np.clip(x, -3, 3), y)
"""
    )

    result.assert_outcomes(passed=5)
    output = {test["nodeid"]: test["search"]["space"] for test in tests}
    assert len(output) == 5
    assert output["test_it.py::TestOne::test_survives[0.01]"].startswith("scales 0.001")
    assert output["test_it.py::TestTwo::test_survives[0.02]"].startswith(
        "scales 1 to 10"
    )
    assert output["test_it.py::test_module_mark"].startswith("outliers")


def test_a_search_in_a_class_is_kept_remembered_and_replayed(report):
    method = BROKEN.replace("\n", "\n    ").replace("(lossguard,", "(self, lossguard,")
    body = f"class TestIt:{method}"

    _, (test,) = report(body, *FEW)
    replay = "--lossguard-replay=.lossguard/test_it.py-TestIt-test_survives.json"
    result, (again,) = report(body, replay)

    assert test["search"]["failing"] == "Corruption(Scale(100.0, features=0))"
    assert test["search"]["unique"] < test["search"]["examples"]
    assert again["search"]["failing"] == "Corruption(Scale(100.0, features=0))"
    assert again["search"]["unique"] == 1
    result.stdout.fnmatch_lines(
        ["E       paste: @example(corruption=Corruption(Scale(100.0, features=0)))"]
    )


def test_what_pytest_fail_ends_is_a_case_too(report):
    body = BROKEN.replace("lossguard.fit", "abs(x).max() > 50 and pytest.fail('no')#")

    result, (test,) = report(body, *FEW)

    assert test["search"]["failing"] == "Corruption(Scale(100.0, features=0))"
    result.stdout.fnmatch_lines(["*paste: @example(corruption=*"])


def test_a_class_mark_is_added_to_by_the_tests_own(report):
    _, (test,) = report(
        """
@pytest.mark.corruptions(scales=False, offsets=False)
class TestIt:
    @pytest.mark.converges(steps=20, max_examples=3)
    @pytest.mark.corruptions(scales=(1, 100))
    def test_survives(self, lossguard, corruption):
        x, y = corruption(*load())
        lossguard.fit(build, x / abs(x).max(), y)
"""
    )

    space = test["search"]["space"]
    assert space == "scales 1 to 100, outliers to 1000 standard deviations"


def test_workers_report_the_same(report):
    body = BROKEN + GOOD.replace("survives", "good")
    _, alone = report(body, *FEW)

    _, parallel = report(body, *FEW, "-n2")

    assert parallel == alone


def test_failed_searches_are_rerun(report):
    result, (test,) = report(BROKEN, *FEW, "--reruns=1")

    assert test["outcome"] == "failed"
    assert len(test["runs"]) == 1
    assert result.parseoutcomes()["rerun"] == 1
    assert result.parseoutcomes()["failed"] == 1


def test_randomly_seeded_and_shuffled(project):
    result = project(BROKEN + GOOD.replace("survives", "good"), "-p", "randomly", *FEW)

    result.assert_outcomes(passed=1, failed=1)


ASYNC = """
@pytest.mark.converges(steps=30)
@pytest.mark.{plugin}
async def test_survives(lossguard, corruption{more}):
    x, y = corruption(*load())
    lossguard.fit(build, x, y)
"""


def test_a_coroutine_under_asyncio(report):
    result, (test,) = report(ASYNC.format(plugin="asyncio", more=""), *FEW)

    result.assert_outcomes(failed=1)
    assert test["search"]["failing"].startswith("Corruption(")
    result.stdout.fnmatch_lines(["test_it.py:*: NotConverged"])


def test_a_coroutine_under_anyio(report):
    body = """
@pytest.fixture
def anyio_backend(): return "asyncio"
""" + ASYNC.format(plugin="anyio", more=", anyio_backend")

    result, (test,) = report(body, *FEW)

    result.assert_outcomes(failed=1)
    assert test["search"]["failing"].startswith("Corruption(")


def test_a_timeout_above_it_does_no_harm(report):
    result, _ = report(GOOD, *FEW, "--timeout=300")

    result.assert_outcomes(passed=1)


def test_it_is_selected_and_counted_as_a_test_of_hypothesis(project):
    body = GOOD + "\ndef test_plain(): pass\n"

    result = project(body, *FEW, "-m", "hypothesis", "--hypothesis-show-statistics")

    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*test_it.py::test_survives:*"])
    result.stdout.fnmatch_lines(["*25 passing*"])


def test_the_ci_profile_is_deterministic(report, monkeypatch):
    monkeypatch.setenv("CI", "true")
    found = [report(GOOD, *FEW, "--hypothesis-profile=ci")[1] for _ in range(2)]

    assert found[0] == found[1]


def test_a_test_that_is_skipped_or_expected_to_fail(project):
    expected = "@pytest.mark.xfail(strict=True)\n@pytest"
    skipped = '@pytest.mark.skip("later")\n@pytest'
    body = BROKEN.replace("@pytest", expected, 1) + GOOD.replace(
        "survives", "skipped"
    ).replace("@pytest", skipped, 1)

    result = project(body, *FEW)

    result.assert_outcomes(xfailed=1, skipped=1)


def test_the_users_own_fixture_of_that_name_is_left_alone(project):
    result = project(
        """
@pytest.fixture
def corruption(): return lambda x, y: (x, y)

@pytest.mark.converges(steps=30)
def test_one(lossguard, corruption):
    lossguard.fit(build, *corruption(*load()))

@pytest.mark.converges(steps=30)
@pytest.mark.parametrize("corruption", [1.0, 2.0])
def test_two(lossguard, corruption):
    x, y = load()
    lossguard.fit(build, x * corruption, y)

def test_three(corruption):
    pass
"""
    )

    result.assert_outcomes(passed=4)


def test_an_error_in_the_body_is_shrunk_and_reported_with_its_corruption(project):
    result = project(
        """
@pytest.mark.converges(steps=30)
def test_survives(lossguard, corruption):
    x, y = corruption(*load())
    assert abs(x).max() < 50, "out of range"
    lossguard.fit(build, x, y)
""",
        *FEW,
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: out of range",
            "E       paste: @example(corruption=Corruption(*",
            "E       again: pytest --lossguard-replay=*",
        ]
    )


def test_a_search_in_which_nothing_trains_says_so(project):
    result = project(
        """
@pytest.mark.converges
def test_survives(corruption):
    corruption(*load())
""",
        "--lossguard-max-examples=3",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["NothingTrained: the test is marked converges and*"])


def test_some_examples_may_be_left_out(project):
    result = project(
        """
from hypothesis import assume

@pytest.mark.converges(steps=30)
@pytest.mark.corruptions(outliers=False, offsets=False)
def test_survives(lossguard, corruption):
    x, y = corruption(*load())
    assume(abs(x).max() < 100)
    lossguard.fit(build, x, y)
""",
        *FEW,
    )

    result.assert_outcomes(passed=1)


# Bad use


@pytest.mark.parametrize(
    ("body", "output"),
    [
        (
            "def test_it(corruption): pass",
            "test_it asks for the argument 'corruption' but is not marked: add"
            " @pytest.mark.converges",
        ),
        (
            "@pytest.mark.converges\n@pytest.mark.corruptions(scales=True)\n"
            "def test_it(lossguard): pass",
            "test_it is marked corruptions(...) but does not ask for the argument",
        ),
        (
            "@pytest.mark.converges\n@pytest.mark.corruptions(scale=True)\n"
            "def test_it(corruption): pass",
            "corruptions() has no keyword 'scale': did you mean 'scales'?",
        ),
        (
            "@pytest.mark.converges\n@pytest.mark.corruptions(scales=(10, 1))\n"
            "def test_it(corruption): pass",
            "scales has its bounds the wrong way round",
        ),
        (
            "@pytest.mark.converges\n"
            "@pytest.mark.corruptions(scales=False, offsets=False, outliers=False)\n"
            "def test_it(corruption): pass",
            "corruptions() has nothing to draw",
        ),
        (
            "@pytest.mark.converges(max_examples=0)\ndef test_it(corruption): pass",
            "converges(max_examples=0): max_examples must be a whole number",
        ),
        (
            "@pytest.mark.converges\n@pytest.mark.corruptions((1, 2))\n"
            "def test_it(corruption): pass",
            "corruptions() takes keywords only",
        ),
    ],
)
def test_misuse_is_one_sentence_at_collection(project, body, output):
    result = project(body)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    text = result.stdout.str().replace("\nE   ", " ")
    assert output in " ".join(text.split())


def test_data_that_cannot_be_corrupted_is_one_sentence(project):
    result = project(
        """
@pytest.mark.converges
@pytest.mark.corruptions(features=(9,))
def test_survives(lossguard, corruption):
    x, y = corruption(*load())
    lossguard.fit(build, (x - x.mean(0)) / x.std(0), y)

@pytest.mark.converges
def test_words(lossguard, corruption):
    corruption(np.array(["a", "b"]), np.zeros(2))
""",
        *FEW,
    )

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*UsageError: there is no feature 9: the inputs*"])
    result.stdout.fnmatch_lines(["*UsageError: corruption needs numeric inputs*"])


def test_nothing_of_it_is_left_on_the_users_function(project, pytester):
    result = project(
        BROKEN
        + """
def test_plain():
    import test_it, sys
    assert "hypothesis" not in vars(load)
"""
        + GOOD.replace("survives", "good"),
        *FEW,
    )

    result.assert_outcomes(passed=2, failed=1)
