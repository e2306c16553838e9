"""The ``--lossguard-...`` options and their ini settings."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["add_options", "base_seed", "refuse_later"]

#: Options of the public contract that this version does not serve yet.
_LATER = {
    "--lossguard-html": "the HTML report",
    "--lossguard-update": "baselines",
    "--lossguard-max-examples": "the search over corruptions",
    "--lossguard-budget": "the search over corruptions",
    "--lossguard-replay": "the search over corruptions",
}


def add_options(parser: pytest.Parser) -> None:
    """Add the ``--lossguard-...`` options and their ini settings."""
    group = parser.getgroup("lossguard", "does the model train?")
    group.addoption(
        "--lossguard-json",
        metavar="PATH",
        help="write every training, its curve and its findings to PATH",
    )
    group.addoption(
        "--lossguard-seed",
        metavar="N",
        type=int,
        help="seed of every training in a marked test (default 0)",
    )
    group.addoption(
        "--lossguard-no-diagnose",
        action="store_true",
        help="do not look for the cause of a failure (this version does not yet)",
    )
    for name in _LATER:
        group.addoption(name, nargs="?", const=True, help="not in this version")
    parser.addini("lossguard_json", "default of --lossguard-json")
    parser.addini("lossguard_seed", "default of --lossguard-seed")
    parser.addini(
        "lossguard_no_diagnose", "default of --lossguard-no-diagnose", type="bool"
    )
    for setting in ("lossguard_html", "lossguard_max_examples", "lossguard_budget"):
        parser.addini(setting, "not in this version")


def refuse_later(config: pytest.Config) -> None:
    """Refuse by name what this version does not serve yet."""
    for option, what in _LATER.items():
        setting = option.strip("-").replace("-", "_")
        if config.getoption(setting) is not None or _ini(config, setting):
            raise pytest.UsageError(
                f"{option} belongs to {what}, which this version of pytest-lossguard"
                f" does not have yet: remove it (the ini setting is {setting})"
            )


def _ini(config: pytest.Config, setting: str) -> Any:
    try:
        return config.getini(setting)
    except (ValueError, KeyError):  # an option without an ini setting
        return None


def base_seed(config: pytest.Config) -> int:
    """The seed of every marked test: command line, ini, 0."""
    given = config.getoption("lossguard_seed")
    if given is not None:
        return int(given)
    text = config.getini("lossguard_seed") or "0"
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(
            f"lossguard_seed = {text!r} in the ini file: it must be a whole number"
        ) from None
