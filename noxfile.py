"""Every check by name: ``nox -l`` lists them, ``.ci/run`` calls them.

``lint``, ``types``, ``floors``, ``docs`` and ``package`` take seconds; ``light``,
``slow`` and the versions run the tests of the sdist against what was installed.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "types", "floors", "tests"]

#: Tested without TensorFlow, and measured: the folders of which each line is run.
LIGHT = (
    *("tests/core", "tests/judge", "tests/experiments", "tests/baselines"),
    *("tests/model_checks", "tests/explanations"),
    *("tests/report", "tests/session", "tests/command_line"),
    *("tests/corruptions", "tests/test_strategies.py"),
    *("tests/test_architecture.py", "--ignore=tests/corruptions/test_datasets.py"),
)
COVERED = "*/core/*,*/judge/*,*/experiments/*,*/baselines/*,*/report/*"

OLDEST = "tests/oldest.txt"
#: What the tests below ask for beside the plugin itself.
BESIDE = (
    *("pytest-xdist", "pytest-asyncio", "pytest-rerunfailures", "pytest-randomly"),
    *("pytest-timeout", "anyio", "pandas", "scikit-learn"),
)
#: All that touches pytest, Hypothesis, NumPy, Keras and TensorFlow, in minutes.
FAST = (
    "tests/plugin/test_marker.py",
    "tests/plugin/test_search.py",
    "tests/training/test_watching.py",
    "tests/training/loop/test_loop_trainer.py",
    "tests/training/test_scenarios.py::test_fit_judges_rightly",
    "tests/test_strategies.py",
)
#: Python, TensorFlow, Keras, NumPy, pytest.
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
    """Style and format, and what is wrong with workflows and `action.yml`, and with the
    workflows that the documentation shows.
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
    """The types of the package, the examples and a user's suite of every name."""
    install(session, "-e", ".[html]", "mypy", "pyright[nodejs]")
    session.run("mypy")
    session.run("pyright")


@nox.session
def floors(session: nox.Session) -> None:
    """Which folder may import which."""
    install(session, "-e", ".", "import-linter")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, every warning an error; no internal link leads nowhere."""
    install(session, "-e", ".[docs]")
    site = "docs/_build"
    session.run("sphinx-build", "-qEWb", "dirhtml", "--keep-going", "docs", site)
    session.run("python", "docs/check_links.py", site)


@nox.session
def package(session: nox.Session) -> None:
    """Wheel and sdist in dist/: checked, and tried where nothing else is installed."""
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
    """The fast tests; more by ``nox -s tests -- -m slow`` or a path."""
    install(session, "-e", ".[tensorflow-cpu,dev]")
    session.run("pytest", "-n2", *session.posargs)


@nox.session
def light(session: nox.Session) -> None:
    """All that needs no TensorFlow, where there is none, and its coverage."""
    of_sdist(session, "html,plot,tensorboard")
    session.install("coverage[toml]", "jsonschema")
    session.run("coverage", "run", "-m", "pytest", "-q", *LIGHT)
    # What runs trainings again to compare them is tested where there are some.
    how = f"--include={COVERED}", "--omit=*/baselines/check.py"
    session.run("coverage", "report", *how, "--fail-under=95")


@nox.session
def slow(session: nox.Session) -> None:
    """The slow tests."""
    of_sdist(session, "tensorflow-cpu,dev")  # its tests of examples/ci take the wheel
    test(session, "-m", "slow")


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """The fast tests on the oldest versions that are promised."""
    session.install("-c", OLDEST, ".[tensorflow-cpu]", *BESIDE)
    test(session, *FAST)


@nox.session(python=["3.11", "3.12", "3.13"])
def newest(session: nox.Session) -> None:
    """All tests on the newest versions there are."""
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
    """The fast tests on versions between the two ends."""
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
    """Install, unless the session runs in an environment that has all of it."""
    if session.virtualenv.is_sandboxed:
        session.install("-q", *what)


def of_sdist(session: nox.Session, extras: str) -> None:
    """Install the wheel that the sdist makes, and go where its tests are: there only
    what was installed can be imported.
    """
    # Not beside the folders that tests make: pytest must not take it for their root.
    folder = Path(session.create_tmp()).resolve() / "project"
    shutil.rmtree(folder, ignore_errors=True)
    session.install("build")
    session.run(
        "python", "-m", "build", "--sdist", "--outdir", str(folder), silent=True
    )
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
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
    """Run tests on two processes; what was installed, not the checkout."""
    options = "-q", "-n2", "--dist", "worksteal", "-p", "no:cacheprovider"
    session.run("pytest", *options, *session.posargs, *how)
