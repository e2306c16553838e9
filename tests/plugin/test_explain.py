"""``--lossguard-explain`` prints what a name means, and runs nothing."""

from __future__ import annotations

import pytest

TESTS = "def test_nothing():\n    raise AssertionError('no test is run')\n"


@pytest.fixture
def explained(pytester):
    def run(*options):
        pytester.makepyfile(TESTS)
        return pytester.runpytest_inprocess(*options)

    return run


@pytest.mark.parametrize("options", [(), ("-n2",), ("-p", "no:terminal"), ("-q",)])
def test_a_name_is_explained_and_no_test_runs(explained, options):
    result = explained(*options, "--lossguard-explain", "overfitting")

    assert result.ret == 0
    assert result.outlines[0].startswith("overfitting (finding, warning): ")
    assert result.outlines[-1].endswith("/f/overfitting/")
    assert "passed" not in result.stdout.str() + result.stderr.str()


def test_without_a_name_all_are_listed(explained):
    result = explained("--lossguard-explain")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["Findings: *", "  noisy_loss * up and down", "Causes: *", "  unknown *"]
    )


def test_an_unknown_name_is_an_error(explained):
    result = explained("--lossguard-explain", "deadunits")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: there is no explanation of 'deadunits': did you mean dead_units*"]
    )


def test_neither_tensorflow_nor_hypothesis_is_loaded(pytester):
    pytester.makeconftest(
        "import atexit, sys\n"
        "heavy = {'tensorflow', 'keras', 'pandas'}\n"
        "atexit.register(lambda: print('loaded', sorted(heavy & set(sys.modules))))\n"
    )
    result = pytester.runpytest_subprocess("--lossguard-explain", "alone")

    assert result.outlines[-1] == "loaded []"
