"""The ``--lossguard-...`` options and their ini settings."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "add_options",
    "base_seed",
    "budget_of",
    "check_tensorboard",
    "default_examples",
    "diagnosis_budget",
    "hand_seed_on",
    "is_diagnosed",
    "is_seed_drawn",
    "report_path",
]

#: Where a worker finds the seed that was drawn.
_SEED = "lossguard_seed"


def add_options(parser: pytest.Parser) -> None:
    """Add the ``--lossguard-...`` options and their ini settings."""
    group = parser.getgroup("lossguard", "does the model train?")
    group.addoption(
        "--lossguard-json",
        metavar="PATH",
        help="write every training, its curve and its findings to PATH",
    )
    group.addoption(
        "--lossguard-tensorboard",
        metavar="DIR",
        help="write every training as a run that TensorBoard shows to DIR",
    )
    group.addoption(
        "--lossguard-html",
        metavar="PATH",
        help="write a page with every training, its curves and its diagnosis to PATH",
    )
    group.addoption(
        "--lossguard-seed",
        metavar="N",
        help="seed of every training and search in a marked test (default 0); random"
        " draws one and says which",
    )
    group.addoption(
        "--lossguard-no-diagnose",
        action="store_true",
        help="do not train again to look for the cause of a failure",
    )
    group.addoption(
        "--lossguard-max-examples",
        metavar="N",
        type=int,
        help="examples of each search over corruptions (default: Hypothesis' profile)",
    )
    group.addoption(
        "--lossguard-budget",
        metavar="SECONDS",
        type=float,
        help="most seconds of each search and of each diagnosis; a cap that markers"
        " cannot raise",
    )
    group.addoption(
        "--lossguard-replay",
        metavar="PATH",
        help="run exactly the failing case that a search wrote to PATH",
    )
    # Each spelling is an option without a value: what follows is a path of tests.
    for update, what, told in (
        ("", "all", "write the baselines of the tests that run"),
        ("=new", "new", "write only the baselines that are missing"),
        ("=all", "all", argparse.SUPPRESS),
    ):
        group.addoption(
            f"--lossguard-update{update}",
            dest="lossguard_update",
            action="store_const",
            const=what,
            help=told,
        )
    parser.addini("lossguard_json", "default of --lossguard-json")
    parser.addini("lossguard_tensorboard", "default of --lossguard-tensorboard")
    parser.addini("lossguard_html", "default of --lossguard-html")
    parser.addini("lossguard_seed", "default of --lossguard-seed")
    parser.addini(
        "lossguard_no_diagnose", "default of --lossguard-no-diagnose", type="bool"
    )
    parser.addini("lossguard_max_examples", "default of --lossguard-max-examples")
    parser.addini("lossguard_budget", "default of --lossguard-budget")


def base_seed(config: pytest.Config) -> int:
    """The seed of every marked test: command line, ini, 0; drawn once for all workers
    of pytest-xdist where ``random`` is asked for.
    """
    if is_seed_drawn(config):
        known = getattr(config, "workerinput", {}).get(_SEED)
        # Not from `random`: what the user's code draws must stay as it was.
        return secrets.randbelow(10**6) if known is None else int(known)
    words = "a whole number, or random"
    seed = _number(config, "lossguard_seed", int, words, lambda _: True)
    return 0 if seed is None else int(seed)


def is_seed_drawn(config: pytest.Config) -> bool:
    """Whether each session has another seed."""
    given = config.getoption("lossguard_seed") or config.getini("lossguard_seed")
    return bool(given == "random")


def hand_seed_on(node: Any, seed: int) -> None:
    """Give a worker of pytest-xdist the seed of the session."""
    node.workerinput[_SEED] = seed


def default_examples(config: pytest.Config) -> int | None:
    """Examples of a search where its marker does not say: command line, ini, None."""
    words = "a whole number of at least 1"
    count = _number(config, "lossguard_max_examples", int, words, lambda it: it >= 1)
    return None if count is None else int(count)


def budget_of(config: pytest.Config, marked: float | None) -> float | None:
    """Seconds of a search: the marker's or the ini file's, capped by the option."""

    def positive(value: float) -> bool:
        return value > 0

    name, words = "lossguard_budget", "seconds above 0"
    cap = _number(config, name, float, words, positive, ini=False)
    if marked is None:
        marked = _number(config, name, float, words, positive)
    if marked is None or cap is None:
        return cap if marked is None else marked
    return float(min(marked, cap))


def diagnosis_budget(config: pytest.Config) -> float:
    """Seconds for the diagnosis of a failure: 10, or less by the option."""
    from ..review import DIAGNOSIS_BUDGET

    cap = budget_of(config, None)
    return DIAGNOSIS_BUDGET if cap is None else min(DIAGNOSIS_BUDGET, cap)


def report_path(config: pytest.Config, setting: str) -> Path | None:
    """Where a report goes: the command line's path is relative to the folder that
    pytest was called in, the ini file's to the root; None where it is not asked for.
    """
    given = config.getoption(setting)
    if given:
        return Path(config.invocation_params.dir, given)
    ini = config.getini(setting)
    return Path(config.rootpath, ini) if ini else None


def check_tensorboard(config: pytest.Config) -> None:
    """Refuse event files that could not be written, before any test runs.

    Raises:
        pytest.UsageError: The package is not installed, or a file is in the way.
    """
    folder = report_path(config, "lossguard_tensorboard")
    if folder is None:
        return
    if find_spec("tensorboard") is None:
        raise pytest.UsageError(
            "--lossguard-tensorboard needs tensorboard, not installed here: pip install"
            " 'pytest-lossguard[tensorboard]'"
        )
    if folder.exists() and not folder.is_dir():
        raise pytest.UsageError(
            f"--lossguard-tensorboard={folder} is a file: name a folder"
        )


def is_diagnosed(config: pytest.Config) -> bool:
    """Whether causes are looked for where a marker does not say."""
    off = config.getoption("lossguard_no_diagnose")
    return not (off or config.getini("lossguard_no_diagnose"))


def _number(
    config: pytest.Config,
    name: str,
    kind: Callable[[str], Any],
    words: str,
    holds: Callable[[Any], bool],
    *,
    ini: bool = True,
) -> Any:
    """A number from the command line, else from the ini file, else None."""
    given = config.getoption(name)
    where = f"--{name.replace('_', '-')}={given}"
    if given is None and ini:
        given = config.getini(name) or None
        where = f"{name} = {given!r} in the ini file"
    if given is None:
        return None
    try:
        value = kind(given)
    except ValueError:
        value = None
    if value is None or not holds(value):
        raise pytest.UsageError(f"{where}: it must be {words}")
    return value
