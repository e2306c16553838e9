"""Wrong marks, options, settings and hooks: one sentence, where it can be mended."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import PLAIN

SENTENCES = {
    "--lossguard-seed=abc": "it must be a whole number from 0 to 4294967295",
    "--lossguard-seed=-3": "it must be a whole number from 0 to 4294967295",
    "--lossguard-seed=1.5": "it must be a whole number from 0 to 4294967295",
    "--lossguard-seed=4294967296": "it must be a whole number from 0 to 4294967295",
    f"--lossguard-seed={'9' * 10**4}": "it must be a whole number from 0 to 4294967295",
    "--lossguard-seed=": "it must be a whole number from 0 to 4294967295",
    "--lossguard-max-examples=0": "it must be a whole number of at least 1",
    "--lossguard-max-examples=many": "it must be a whole number of at least 1",
    "--lossguard-max-examples=1000000000000": "at most 10,000,000",
    "--lossguard-budget=nan": "it must be seconds above 0",
    "--lossguard-budget=-1": "it must be seconds above 0",
    "--lossguard-budget=inf": "it must be seconds above 0",
    "--lossguard-budget=soon": "it must be seconds above 0",
    "--lossguard-json=.": "is a folder: name a file",
    "--lossguard-json=": "names no file: give its path",
    "--lossguard-json=plain.txt/report.json": "lies below a file: name a file in a",
    "--lossguard-html=.": "is a folder: name a file",
    "--lossguard-html=": "names no file: give its path",
    "--lossguard-tensorboard=plain.txt": "is a file: name a folder",
    "--lossguard-tensorboard=": "names no folder: give its path",
    "--lossguard-replay=.": "cannot be read: it is not a regular file",
    "--lossguard-replay=": "cannot be read",
    "--lossguard-replay=nowhere.json": "cannot be read: No such file",
}


@pytest.mark.parametrize("option", SENTENCES, ids=lambda it: it[:40])
def test_a_wrong_option_is_answered_before_any_test_runs(pytester, option):
    (pytester.path / "plain.txt").write_text("in the way")

    with pytest.raises(pytest.UsageError) as caught:
        pytester.parseconfigure("-p", "no:cacheprovider", option)

    said = str(caught.value)
    assert SENTENCES[option] in said
    assert "\n" not in said
    assert len(said) < 300


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("lossguard_seed = -1", "lossguard_seed = '-1' in the ini file"),
        ("lossguard_budget = nan", "it must be seconds above 0"),
        ("lossguard_max_examples = 1e3", "it must be a whole number of at least 1"),
        ("lossguard_no_diagnose = maybe", "must be true or false"),
        ("lossguard_json = .", "is a folder: name a file"),
    ],
)
def test_a_wrong_setting_is_answered_before_any_test_runs(pytester, setting, text):
    pytester.makeini(f"[pytest]\n{setting}\n")

    with pytest.raises(pytest.UsageError) as caught:
        pytester.parseconfigure("-p", "no:cacheprovider")

    assert text in str(caught.value)


MARKS = {
    "converges(steps=0)": "converges(steps=0): steps must be a whole number",
    "converges(steps=10**12)": "at most 10,000,000",
    "converges(max_loss=np.ones(10**5))": "max_loss=ndarray of shape (100000,)",
    "converges(shards=0)": "shards must be a whole number from 1 to 256",
    "converges(seeds=(1, 1))": "seeds must be a count from 1 to 1,000, or a tuple of",
    "converges(strict=0)": "strict must be True or False",
    "converges(np.ones(10**5))": "takes keywords only, got ndarray of shape (100000,)",
    "converges(seeds=1)\n@pytest.mark.converges(seeds=[1])": "disagree: converges(",
    "corruptions(scales=3)": "corruptions(scales=3): scales must be True, False or",
    "corruptions(scale=True)": "did you mean 'scales'",
    "corruptions(outliers=10**5000)": "corruptions(outliers=10**5000)",
    "corruptions(features=10**12)": "corruptions(features=1000000000000)",
    "corruptions\n@pytest.mark.parametrize('corruption', [1])": "parametrize: remove",
    "corruptions(True)": "corruptions() takes keywords only, got True",
}


def test_a_wrong_mark_is_an_error_of_collection_in_one_sentence(pytester):
    head = "import numpy as np\nimport pytest\n\n@pytest.mark."
    for number, mark in enumerate(MARKS):
        body = "\ndef test_it():\n    pass\n"
        if mark.startswith("corruptions"):
            body = "\n@pytest.mark.converges\ndef test_it(corruption):\n    pass\n"
        path = pytester.path / f"test_{number:02}.py"
        path.write_text(head + mark + body)

    result = pytester.runpytest_inprocess(*PLAIN)

    result.assert_outcomes(errors=len(MARKS))
    out = result.stdout.str()
    for text in MARKS.values():
        assert text in out
    assert "Traceback" not in out
    assert "pytest_lossguard/" not in out


def test_a_mark_that_a_closer_one_hides_is_checked_too(pytester):
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.converges(min_drop=30)

        @pytest.mark.converges(min_drop=0.3)
        def test_it():
            pass
        """
    )

    result = pytester.runpytest_inprocess(*PLAIN)

    result.stdout.fnmatch_lines(["*converges(min_drop=30): min_drop must be a share*"])


CALLS = """
def test_fit(lossguard):
    lossguard.fit(build, *load(), seed=-3)

def test_watch(lossguard):
    lossguard.watch(3)

def test_margins(lossguard):
    lossguard.margins(build, *load(), foo=1)

def test_diagnose():
    pytest_lossguard.diagnose(build, *load(), budget=-1)

def test_corruption():
    Corruption(Scale(2.0, features=9))(*load())

def test_family():
    Scale("a")

def test_strategy():
    strategies.corruptions(scales=3)

def test_finding():
    pytest_lossguard.finding("slow", "It is slow.")

def test_policy():
    pytest_lossguard.Policy(steps=0)

@pytest.mark.converges
def test_marked(lossguard):
    lossguard.fit(build, *load(), steps=0)
"""


def test_the_last_line_shown_of_a_wrong_call_is_the_users(project):
    header = (
        "import pytest_lossguard\n"
        "from pytest_lossguard import strategies\n"
        "from pytest_lossguard.corruptions import Corruption, Scale\n"
    )

    result = project(header + CALLS, "--tb=long")

    result.assert_outcomes(failed=10)
    lines = [
        number
        for number, line in enumerate(result.outlines)
        if line.startswith("test_it.py:")
    ]
    shown = [result.outlines[it] for it in lines]
    assert len(shown) == 10, shown
    assert all("Error" in it for it in shown)
    assert "pytest_lossguard/" not in result.stdout.str()


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ("pytest_lossguard_policy(item, policy): return None", None),
        ("pytest_lossguard_policy(item, policy): return 3", "*returned 3: it must*"),
        (
            "pytest_lossguard_policy(item, policy): return {'a': 'x' * 10**4}",
            "*returned {'a': 'xxx*...*: it must return a Policy*",
        ),
        (
            "pytest_lossguard_policy(item, policy): return {}['a']",
            "*pytest_lossguard_policy raised KeyError at *conftest.py:5: 'a'",
        ),
        (
            "pytest_lossguard_checks(item): return 3",
            "UsageError: *returned 3: it must return a list*",
        ),
        ("pytest_lossguard_checks(item): return 'abc'", "*returned 'abc': it must*"),
        (
            "pytest_lossguard_checks(item): return lambda trace, policy: None",
            "*returned <function *: it must return a list*",
        ),
        (
            "pytest_lossguard_checks(item): return [lambda trace: None]",
            "*returned <function *: it must return a list of functions (*",
        ),
        (
            "pytest_lossguard_checks(item): return [lambda trace, policy: True]",
            "*the check *<lambda> returned True: it must return findings made by*",
        ),
        (
            "pytest_lossguard_checks(item): return [lambda trace, policy: ['a\\nb']]",
            "*the check *<lambda> returned 'a*nb': it must return findings made by*",
        ),
        (
            "pytest_lossguard_checks(item): return [lambda trace, policy:"
            " pytest_lossguard.finding('a:b', 'm')]",
            "*the check *<lambda> returned Finding(*: it must return findings*",
        ),
        (
            "pytest_lossguard_checks(item): return [lambda trace, policy: 1 / 0]",
            "*ZeroDivisionError*",
        ),
        ("pytest_lossguard_run_finished(item, run): 1 / 0", "*raised ZeroDivisionErr*"),
    ],
)
def test_a_hook_that_returns_nonsense_is_named(project, pytester, hook, text):
    pytester.makeconftest(f"import pytest_lossguard\n\n\n\ndef {hook}\n")

    result = project(
        "@pytest.mark.converges(diagnose=False, steps=60)\n"
        "def test_it(lossguard):\n    lossguard.fit(build, *load())\n"
    )

    assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, 2)
    assert "INTERNALERROR" not in result.stdout.str()
    if text is not None:
        result.stdout.fnmatch_lines([text])


def test_a_hook_that_raises_for_a_test_marked_late_ends_no_session(pytester):
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                item.add_marker(pytest.mark.converges)

        def pytest_lossguard_policy(item, policy):
            1 / 0
        """
    )
    pytester.makepyfile("def test_it(): pass")

    result = pytester.runpytest_inprocess(*PLAIN)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "INTERNALERROR" not in result.stdout.str()
    result.stderr.fnmatch_lines(["*test_it: pytest_lossguard_policy raised ZeroDiv*"])


def test_a_mark_that_is_set_while_the_test_runs_does_not_pass_unread(pytester):
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_finish(session):
            for item in session.items:
                if item.name == "test_late":
                    item.add_marker(pytest.mark.converges(steps=0))

        @pytest.fixture
        def marks(request):
            request.node.add_marker(pytest.mark.converges)
        """
    )
    pytester.makepyfile(
        """
        def test_late(): pass
        def test_later(marks): pass
        def test_plain(): pass
        """
    )

    result = pytester.runpytest_inprocess(*PLAIN)

    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            "UsageError: test_late was marked converges after it was collected*",
            "UsageError: test_later was marked converges after it was collected*",
        ]
    )
