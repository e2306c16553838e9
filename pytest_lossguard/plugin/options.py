"""The ``--lossguard-...`` options and their ini settings."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ..core.addresses import page
from ..core.folders import REGRESSION_FOLDER
from ..core.given import COUNT, SECONDS, SEED, Expected, one_line
from ..core.printable import printable
from ..report.writers import WRITERS, Writer

#: Most characters of a path in a message.
_MOST_SHOWN = 200
#: Key of ``workerinput`` with the seed that was drawn.
_SEED = "lossguard_seed"


def add_options(parser: pytest.Parser) -> None:
    """Add the ``--lossguard-...`` options and their ini settings."""
    more = page("reference/options")
    group = parser.getgroup("lossguard", f"lossguard, tests of model training ({more})")
    for writer in WRITERS:
        group.addoption(
            writer.option,
            metavar=writer.metavar,
            help=f"{writer.help} to {writer.metavar}",
        )
        parser.addini(writer.setting, f"default of {writer.option}")
    group.addoption(
        "--lossguard-times",
        action="store_true",
        help="add the time of the session, its command and the duration of each test to"
        " the JSON report; without this the same seed gives the same report",
    )
    parser.addini("lossguard_times", "default of --lossguard-times", type="bool")
    group.addoption(
        "--lossguard-seed",
        metavar="N",
        help="seed of every training and search in a marked test (default 0); random"
        " draws one and prints it",
    )
    group.addoption(
        "--lossguard-no-diagnose",
        action="store_true",
        help="do not train again to look for the cause of a failure",
    )
    group.addoption(
        "--lossguard-max-examples",
        metavar="N",
        help="examples of each search over corruptions (default: Hypothesis' profile)",
    )
    group.addoption(
        "--lossguard-budget",
        metavar="SECONDS",
        help="time limit of each search and each diagnosis, in seconds; markers cannot"
        " raise it",
    )
    group.addoption(
        "--lossguard-replay",
        metavar="PATH",
        help="run exactly the failing case that a search wrote to PATH",
    )
    group.addoption(
        "--lossguard-keep-failures",
        action="store_true",
        help=f"keep each failing case that a search finds in {REGRESSION_FOLDER}/;"
        " every search runs its kept cases first",
    )
    # Each spelling is an option without a value, so that a path can follow it.
    for update, what, text in (
        ("", "all", "write the baselines of the tests that run"),
        ("=new", "new", "write only the baselines that are missing"),
        ("=all", "all", argparse.SUPPRESS),
    ):
        group.addoption(
            f"--lossguard-update{update}",
            dest="lossguard_update",
            action="store_const",
            const=what,
            help=text,
        )
    group.addoption(
        "--lossguard-order",
        action="store_true",
        help="run the marked tests that failed last first, then new ones, then those"
        " nearest to failing; off by default",
    )
    group.addoption(
        "--lossguard-time",
        metavar="SECONDS",
        help="run only as many marked tests as fit into SECONDS, in the order of"
        " --lossguard-order; the others are named",
    )
    group.addoption(
        "--lossguard-show-policy",
        action="store_true",
        help="run nothing; show the limits of each marked test, and where each key"
        " comes from",
    )
    group.addoption(
        "--lossguard-explain",
        metavar="NAME",
        nargs="?",
        const="",
        help="run nothing; explain a finding, cause, contract or model check by its"
        " name; without a name list them all",
    )
    parser.addini(
        "lossguard_policy",
        "default keys of the marker converges, one key = value per line; a key in a"
        " marker overrides it",
        type="linelist",
    )
    parser.addini("lossguard_seed", "default of --lossguard-seed")
    parser.addini(
        "lossguard_no_diagnose", "default of --lossguard-no-diagnose", type="bool"
    )
    parser.addini("lossguard_order", "default of --lossguard-order", type="bool")
    parser.addini("lossguard_max_examples", "default of --lossguard-max-examples")
    parser.addini("lossguard_budget", "default of --lossguard-budget")


def base_seed(config: pytest.Config) -> int:
    """Return the seed of every marked test: from the command line, else the ini file,
    else 0. With ``random``, one seed is drawn for all pytest-xdist workers.
    """
    if is_seed_drawn(config):
        known = getattr(config, "workerinput", {}).get(_SEED)
        # Not from `random`, whose state the user's code may depend on.
        return secrets.randbelow(10**6) if known is None else int(known)
    expected = Expected(f"{SEED.words}, or random", SEED.holds)
    seed = _number(config, "lossguard_seed", int, expected)
    return 0 if seed is None else int(seed)


def is_seed_drawn(config: pytest.Config) -> bool:
    """Whether each session draws a new seed."""
    given = config.getoption("lossguard_seed") or config.getini("lossguard_seed")
    return bool(given == "random")


def hand_seed_on(node: Any, seed: int) -> None:
    """Send the seed of the session to a pytest-xdist worker."""
    node.workerinput[_SEED] = seed


def default_examples(config: pytest.Config) -> int | None:
    """Return the number of examples of a search whose marker does not set it: from the
    command line, else the ini file, else None.
    """
    count = _number(config, "lossguard_max_examples", int, COUNT)
    return None if count is None else int(count)


def budget_of(config: pytest.Config, marked: float | None) -> float | None:
    """Return the time limit of a search in seconds: that of the marker, else the ini
    file, capped by the option; None for no limit.
    """
    cap = _number(config, "lossguard_budget", float, SECONDS, ini=False)
    if marked is None:
        marked = _number(config, "lossguard_budget", float, SECONDS)
    if marked is None or cap is None:
        return cap if marked is None else marked
    return float(min(marked, cap))


def diagnosis_budget(config: pytest.Config) -> float:
    """Return the time limit for the diagnosis of a failure in seconds: 30, or less if
    an option or the ini file sets a lower budget.
    """
    from ..session.after_test import DIAGNOSIS_BUDGET

    cap = budget_of(config, None)
    return DIAGNOSIS_BUDGET if cap is None else min(DIAGNOSIS_BUDGET, cap)


def time_of(config: pytest.Config) -> float | None:
    """Return the time in seconds that the marked tests may take; None for no limit."""
    seconds = _number(config, "lossguard_time", float, SECONDS, ini=False)
    return None if seconds is None else float(seconds)


def wants_times(config: pytest.Config) -> bool:
    """Whether the JSON report includes values that differ from run to run."""
    given = config.getoption("lossguard_times") or config.getini("lossguard_times")
    return bool(given)


def report_path(config: pytest.Config, writer: Writer) -> Path | None:
    """Return the path of a report; None if it was not requested.

    A path from the command line is relative to the folder that pytest was called in, a
    path from the ini file to the root folder.
    """
    given = config.getoption(writer.setting)
    if given is not None:
        return Path(config.invocation_params.dir, given)
    ini = config.getini(writer.setting)
    return Path(config.rootpath, ini) if ini else None


def check_reports(config: pytest.Config) -> None:
    """Refuse reports that could not be written, before any test runs.

    Raises:
        pytest.UsageError: A file or folder is in the way, the path is empty, or a
            package that the report needs is not installed.
    """
    for writer in WRITERS:
        if config.getoption(writer.setting) == "":
            kind = "folder" if writer.is_folder else "file"
            raise pytest.UsageError(f"{writer.option}= names no {kind}: give its path")
        path = report_path(config, writer)
        if path is not None:
            _check_installed(writer)
            _check_path(writer, path)


def _check_installed(writer: Writer) -> None:
    missing = [it for it in writer.needs if find_spec(it) is None]
    if missing:
        raise pytest.UsageError(
            f"{writer.option} needs {' and '.join(missing)}, not installed: pip install"
            f" 'pytest-lossguard[{writer.name}]' (the ini setting is {writer.setting})"
        )


def _check_path(writer: Writer, path: Path) -> None:
    kind, other = ("folder", "file") if writer.is_folder else ("file", "folder")
    try:
        in_the_way = path.is_file() if writer.is_folder else path.is_dir()
        below_a_file = any(map(Path.is_file, path.parents))
    except OSError as error:  # the name is too long
        raise pytest.UsageError(
            f"{writer.option}={printable(str(path))[:_MOST_SHOWN]} cannot be written:"
            f" {error.strerror}"
        ) from None
    if in_the_way:
        raise pytest.UsageError(f"{writer.option}={path} is a {other}: name a {kind}")
    if below_a_file:
        raise pytest.UsageError(
            f"{writer.option}={path} lies below a file: name a {kind} in a folder"
        )


def is_diagnosed(config: pytest.Config) -> bool:
    """Whether failures are diagnosed if a marker does not say."""
    off = config.getoption("lossguard_no_diagnose")
    try:
        return not (off or config.getini("lossguard_no_diagnose"))
    except (ValueError, pytest.UsageError) as error:  # depends on the pytest version
        raise pytest.UsageError(
            f"lossguard_no_diagnose in the ini file must be true or false: {error}"
        ) from None


def _number(
    config: pytest.Config,
    name: str,
    kind: Callable[[str], Any],
    expected: Expected,
    *,
    ini: bool = True,
) -> Any:
    """Return a number from the command line, else from the ini file, else None."""
    given = config.getoption(name)
    where = f"--{name.replace('_', '-')}={one_line(str(given), 60)}"
    if given is None and ini:
        given = config.getini(name) or None
        where = f"{name} = {one_line(repr(given), 60)} in the ini file"
    if given is None:
        return None
    try:
        value = kind(given)
    except ValueError:
        value = None
    if value is None or not expected.holds(value):
        raise pytest.UsageError(f"{where}: it must be {expected.words}")
    return value
