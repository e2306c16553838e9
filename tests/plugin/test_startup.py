"""An unmarked suite pays nothing: nothing heavy is loaded by the plugin."""

from __future__ import annotations

import subprocess
import sys

CHECK = """
import sys

HEAVY = ("tensorflow", "keras", "numpy", "hypothesis", "jinja2", "plotly")

def test_nothing_heavy_was_loaded():
    assert "pytest_lossguard.plugin" in sys.modules
    assert [name for name in HEAVY if name in sys.modules] == []
"""


def run(pytester, *options):
    # What other plugins load is their cost, so they are left out.
    others = ("hypothesispytest", "randomly", "anyio", "asyncio", "html")
    without = [part for name in others for part in ("-p", f"no:{name}")]
    command = [sys.executable, "-m", "pytest", *without, *options]
    return subprocess.run(
        command, cwd=pytester.path, capture_output=True, text=True, check=False
    )


def test_an_unmarked_suite_loads_nothing_heavy(pytester):
    pytester.makepyfile(test_plain=CHECK)

    finished = run(pytester, "-q")

    assert finished.returncode == 0, finished.stdout


def test_collecting_marked_tests_loads_no_tensorflow(pytester):
    pytester.makepyfile(
        test_marked="""
import pytest, sys

@pytest.mark.converges(steps=3)
def test_marked():
    pass
""",
        conftest="""
import sys

def pytest_sessionfinish():
    assert "tensorflow" not in sys.modules
""",
    )

    finished = run(pytester, "-q", "--collect-only")

    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_without_tensorflow_a_marked_test_gets_one_sentence(pytester):
    pytester.makepyfile(
        conftest="""
import sys
sys.modules["tensorflow"] = None  # as if it were not installed
""",
        test_marked="""
import pytest

@pytest.mark.converges
def test_marked():
    pass

def test_unmarked():
    pass
""",
    )

    finished = run(pytester, "-q")

    assert "1 passed, 1 error" in finished.stdout
    assert "TensorFlowMissing: pytest-lossguard watches TensorFlow" in finished.stdout
    assert "pip install 'pytest-lossguard[tensorflow-cpu]'" in finished.stdout
    assert "Traceback" not in finished.stdout
