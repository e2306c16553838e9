"""The versions that pytest-lossguard is held to.

``nox -s oldest`` and ``nox -s newest`` are the two ends, ``nox -s matrix`` what lies
between them; ``nox -l`` lists all.
"""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["oldest"]

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


def test(session: nox.Session, *paths: str) -> None:
    """Run tests on two processes; what was installed, not the checkout."""
    session.run(
        "pytest", "-q", "-n2", "-p", "no:cacheprovider", *session.posargs, *paths
    )
