"""The default policy of a project's marked tests, and the origin of each key."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import PolicyError
from ..core.given import one_line, shown
from ..core.systems import escape_unprintable, relative
from .state import ORIGINS, POLICY
from .workers import called_in

if TYPE_CHECKING:
    from ..core.policy import Policy

SETTING = "lossguard_policy"
#: Spellings of constants in ini files.
_WORDS = {"true": True, "false": False, "none": None}


def project_policy(config: pytest.Config) -> dict[str, Any]:
    """Read the keys of ``lossguard_policy``: one ``key = value`` per line; every marker
    overrides them.

    Raises:
        pytest.UsageError: A line cannot be read, or its value is invalid.
    """
    lines = [it for it in config.getini(SETTING) if not it.startswith("#")]
    if not lines:
        return {}
    from ..core.policy import Policy

    found: dict[str, Any] = {}
    for line in lines:
        key, value = _read(line)
        if key in found:
            raise pytest.UsageError(f"{SETTING} in the ini file names {key} twice")
        found[key] = value
    try:
        Policy.from_keywords(found, SETTING)
    except PolicyError as error:
        raise pytest.UsageError(f"{error} (in the ini file)") from None
    return found


def _read(line: str) -> tuple[str, Any]:
    key, equals, text = map(str.strip, line.partition("="))
    try:
        if not equals:
            raise ValueError(line)
        known = text.lower() in _WORDS
        return key, _WORDS[text.lower()] if known else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise pytest.UsageError(
            f"{SETTING} in the ini file has the line {one_line(line, 60)!r}: write one"
            " key = value per line, such as min_drop = 0.3 or allow = ('noisy_loss',)"
        ) from None


class ShowPolicy:
    """Shows the policy of each marked test and its origin, and runs no test."""

    def __init__(self, config: pytest.Config) -> None:
        if getattr(config.option, "numprocesses", None):
            raise pytest.UsageError(
                "--lossguard-show-policy does not run with workers: add -n0"
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Print the policies instead of running the tests."""
        escape_unprintable(sys.stdout)
        for line in _lines(session):
            print(line)
        return True


def _lines(session: pytest.Session) -> Iterator[str]:
    marked = [
        (item, policy)
        for item in session.items
        if (policy := item.stash.get(POLICY, None)) is not None
    ]
    yield f"lossguard: {len(marked)} of {len(session.items)} tests are marked converges"
    for item, policy in marked:
        origins = item.stash[ORIGINS]
        values = {it.name: getattr(policy, it.name) for it in fields(policy)}
        yield ""
        yield item.nodeid
        for key in origins:
            yield f"  {key:<16} {shown(values[key]):<14} {origins[key]}"
        rest = (f"{key} {shown(values[key])}" for key in _defaults(values, origins))
        yield f"  by default: {', '.join(rest)}"


def _defaults(values: dict[str, Any], origins: dict[str, str]) -> Iterator[str]:
    """Yield the keys whose default has a value to show."""
    return (it for it in values if it not in origins and values[it] not in (None, ()))


def name_of_ini(config: pytest.Config) -> str:
    """Return the file with the settings, relative to the folder that pytest was called
    in.
    """
    if config.inipath is None:
        return "the ini file"
    return relative(config.inipath, called_in(config))


def changed_keys(before: Policy, after: Policy) -> list[str]:
    """Return the keys in which two policies differ."""
    names = (it.name for it in fields(before))
    return [it for it in names if getattr(before, it) != getattr(after, it)]
