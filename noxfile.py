"""Every check by name: ``nox -l`` lists them, ``.ci/run`` calls them.

``lint``, ``types``, ``floors``, ``docs`` and ``package`` take seconds; ``light``,
``slow``, ``nightly`` and the version sessions run the tests of the sdist on the
installed wheel.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "floors", "tests"]

#: Tests that run without TensorFlow, and whose coverage is measured.
LIGHT = (
    *("tests/core", "tests/judge", "tests/experiments", "tests/baselines"),
    *("tests/model_checks", "tests/explanations"),
    *("tests/report", "tests/session", "tests/command_line"),
    *("tests/corruptions", "tests/test_strategies.py"),
    *("tests/test_architecture.py", "--ignore=tests/corruptions/test_datasets.py"),
)
COVERED = "*/core/*,*/judge/*,*/experiments/*,*/baselines/*,*/report/*"

OLDEST = "tests/oldest.txt"
#: Requirements of the tests below in addition to the plugin.
BESIDE = (
    *("pytest-xdist", "pytest-asyncio", "pytest-rerunfailures", "pytest-randomly"),
    *("pytest-timeout", "anyio", "pandas", "scikit-learn"),
)
#: Fast tests of everything that uses pytest, Hypothesis, NumPy, Keras and TensorFlow.
FAST = (
    "tests/plugin/test_marker.py",
    "tests/plugin/test_search.py",
    "tests/training/watching/test_watch.py",
    "tests/training/score/test_input_scaling.py",
    "tests/training/loop/test_loop_trainer.py",
    "tests/training/test_scenarios.py::test_fit_judges_rightly",
    "tests/test_strategies.py",
)
#: Versions of Python, TensorFlow, Keras, NumPy, pytest.
MATRIX = (
    ("3.12", "2.18", "3.15", "2.0", "8.4"),
    ("3.12", "2.19", "3.8", "2.1", "9.0"),
    ("3.13", "2.20", "3.10", "2.5", "9.1"),
    ("3.11", "2.21", "3.15", "1.26", "9.2"),
    ("3.13", "2.21", "3.15", "2.5", "9.2"),
)


#: A test for an environment that has the plugin and no TensorFlow.
TRIED = """
import numpy as np
import pytest

def prepare(x):
    return x / 2

@pytest.mark.contracts
def test_prepared(contract):
    contract(prepare, np.linspace(1, 9, 24).reshape(12, 2), serve=prepare)
"""


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format, the workflows and `action.yml`, and the workflows that
    the documentation shows.
    """
    install(session, "ruff", "zizmor")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    shown = str(Path(session.create_tmp()).resolve() / "shown")
    session.run("python", ".ci/doc_workflows.py", shown)
    config = "--config=.github/zizmor.yml"
    for folder in (".", shown):
        session.run("zizmor", "--offline", "--no-progress", "--quiet", config, folder)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the package, the examples and a user's suite of every name."""
    install(session, "-e", ".[html]", "mypy", "pyright[nodejs]")
    session.run("mypy")
    session.run("pyright")


@nox.session
def floors(session: nox.Session) -> None:
    """Check which folder may import which."""
    install(session, "-e", ".", "import-linter")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation with warnings as errors, and check its internal links."""
    install(session, "-e", ".[docs]")
    site = "docs/_build"
    session.run("sphinx-build", "-qEWb", "dirhtml", "--keep-going", "docs", site)
    session.run("python", "docs/check_links.py", site)


@nox.session
def package(session: nox.Session) -> None:
    """Build and check wheel and sdist in dist/; try the wheel in a bare environment."""
    install(session, "build", "check-wheel-contents", "twine")
    dist = Path("dist").resolve()
    shutil.rmtree(dist, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(dist), silent=True)
    (wheel,) = map(str, dist.glob("*.whl"))
    session.run("twine", "check", "--strict", *map(str, dist.iterdir()))
    session.run("check-wheel-contents", wheel)

    folder = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "venv", "--clear", str(folder / "bare"))
    bin_ = folder / "bare" / ("Scripts" if os.name == "nt" else "bin")

    def bare(*command: str, silent: bool = False) -> None:
        python = str(bin_ / "python")
        session.run(python, "-m", *command, silent=silent, external=True)

    bare("pip", "install", "-q", wheel)
    session.chdir(folder)
    Path("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    Path("test_tried.py").write_text(TRIED, encoding="utf-8")
    bare("pytest_lossguard", "--help", silent=True)
    bare("pytest", "--lossguard-explain=unscaled_inputs", silent=True)
    bare("pytest", "test_tried.py", "--lossguard-json=report.json")
    bare("pytest_lossguard", "compare", "report.json", "report.json")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the fast tests; others by ``nox -s tests -- -m slow`` or a path."""
    install(session, "-e", ".[tensorflow-cpu,dev]")
    session.run("pytest", "-n2", *session.posargs)


@nox.session
def light(session: nox.Session) -> None:
    """Run the tests that need no TensorFlow without it, and check their coverage."""
    of_sdist(session, "html,plot,tensorboard")
    session.install("coverage[toml]", "jsonschema")
    session.run("coverage", "run", "-m", "pytest", "-q", *LIGHT)
    # Code that runs trainings again to compare them is covered by other tests.
    how = f"--include={COVERED}", "--omit=*/baselines/check.py"
    session.run("coverage", "report", *how, "--fail-under=95")


@nox.session
def slow(session: nox.Session) -> None:
    """Run the slow tests."""
    of_sdist(session, "tensorflow-cpu,dev")  # its tests of examples/ci need the wheel
    test(session, "-m", "slow")


@nox.session
def nightly(session: nox.Session) -> None:
    """Run the tests of more seeds and programs, and property tests on fresh draws."""
    of_sdist(session, "tensorflow-cpu,dev")
    test(session, "-m", "nightly")
    session.env["LOSSGUARD_FRESH_DRAWS"] = "1"
    test(session, "-m", "hypothesis and not slow and not nightly")


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """Run the fast tests on the oldest supported versions."""
    session.install("-c", OLDEST, ".[tensorflow-cpu]", *BESIDE)
    test(session, *FAST)


@nox.session(python=["3.11", "3.12", "3.13"])
def newest(session: nox.Session) -> None:
    """Run all tests on the newest available versions."""
    session.install("--upgrade", ".[tensorflow-cpu,dev]")
    test(session)


@nox.session
@nox.parametrize(
    ("python", "tensorflow", "keras", "numpy", "pytest"),
    MATRIX,
    ids=["-".join(it) for it in MATRIX],
)
def matrix(
    session: nox.Session, tensorflow: str, keras: str, numpy: str, pytest: str
) -> None:
    """Run the fast tests on versions between oldest and newest."""
    versions = {
        "tensorflow-cpu": tensorflow,
        "keras": keras,
        "numpy": numpy,
        "pytest": pytest,
    }
    pins = [f"{name}=={version}.*" for name, version in versions.items()]
    session.install(".[tensorflow-cpu]", *pins, *BESIDE)
    test(session, *FAST)


def install(session: nox.Session, *what: str) -> None:
    """Install packages, unless the session runs in an environment that has them."""
    if session.virtualenv.is_sandboxed:
        session.install("-q", *what)


def of_sdist(session: nox.Session, extras: str) -> None:
    """Install the wheel built from the sdist, and change to the unpacked sdist, where
    only the installed package can be imported.
    """
    # Outside the folders that tests make: pytest must not use this folder as their
    # rootdir.
    folder = Path(session.create_tmp()).resolve() / "project"
    shutil.rmtree(folder, ignore_errors=True)
    session.install("build")
    session.run(
        "python", "-m", "build", "--sdist", "--outdir", str(folder), silent=True
    )
    (sdist,) = folder.glob("*.tar.gz")
    session.run("python", "-m", "tarfile", "-e", str(sdist), str(folder))
    (unpacked,) = folder.glob("pytest_lossguard-*/")
    dist = unpacked / "dist"
    session.run(
        "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(dist), str(unpacked)
    )
    (wheel,) = dist.glob("*.whl")
    session.install(f"{wheel}[{extras}]")
    shutil.rmtree(unpacked / "pytest_lossguard")
    session.chdir(unpacked)


def test(session: nox.Session, *how: str) -> None:
    """Run tests in two processes, on the installed package."""
    options = "-q", "-n2", "--dist", "worksteal", "-p", "no:cacheprovider"
    session.run("pytest", *options, *session.posargs, *how)
