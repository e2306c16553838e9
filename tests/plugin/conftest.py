from __future__ import annotations

import hypothesis.extra.numpy  # noqa: F401
import pytest
from hypothesis import configuration

# Loaded here once: pytester unloads what the inner session loads, and NumPy,
# Hypothesis and TensorFlow cannot be loaded twice in a process.
import pytest_lossguard.session.search
import pytest_lossguard.strategies
import pytest_lossguard.training  # noqa: F401
from tests.support.profile import use_patient_profile
from tests.support.projects import PROJECT

#: Without what would shuffle or seed tests, unless a test asks for it.
PLAIN = (
    *("-p", "no:cacheprovider", "-p", "no:randomly"),
    *("-W", "ignore:The configuration option:pytest.PytestDeprecationWarning"),
)


@pytest.fixture
def project(pytester, monkeypatch):
    """Write a project beside the test file, and run pytest in this process.

    Failures are diagnosed only if a test asks for it: a diagnosis trains some twenty
    times again.
    """
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    # What an earlier run of these tests found must not be tried first.
    configuration.set_hypothesis_home_dir(pytester.path / ".hypothesis")
    use_patient_profile()  # the last one remembers where its examples are kept
    pytester.makepyfile(project=PROJECT)

    def run(body: str, *options: str, diagnosed: bool = False):
        header = "import pytest\nfrom project import *\n\n"
        pytester.makepyfile(test_it=header + body)
        how = PLAIN if diagnosed else (*PLAIN, "--lossguard-no-diagnose")
        return pytester.runpytest_inprocess(*how, *options)

    yield run
    configuration.set_hypothesis_home_dir(None)
