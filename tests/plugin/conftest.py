from __future__ import annotations

import pytest

# Loaded here once: pytester unloads what the inner session loads, and NumPy and
# TensorFlow cannot be loaded twice in a process.
import pytest_lossguard.training  # noqa: F401
from tests.plugin.programs import PROJECT


@pytest.fixture
def project(pytester):
    """Write a project beside the test file, and run pytest in this process."""
    pytester.makepyfile(project=PROJECT)

    def run(body: str, *options: str):
        header = "import pytest\nfrom project import *\n\n"
        pytester.makepyfile(test_it=header + body)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)

    return run
