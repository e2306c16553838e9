"""Names that pytest keeps to itself, all that the plugin uses.

An upgrade of pytest is this one file to read: each was seen in 8.4 and in 9.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = [
    "PYTEST_PACKAGE",
    "XUNIT_FIXTURE",
    "fixtures_known_to",
    "fixtures_of_argument",
    "fixtures_used_by",
    "is_fixture_known",
    "items_of",
]

#: What the names of pytest's own modules begin with.
PYTEST_PACKAGE = "_pytest."
#: Names of the fixtures that pytest makes of ``setup_module`` and its like.
XUNIT_FIXTURE = r"^_(?:xunit|unittest)_(\w+?)_fixture_"

FixtureDef = pytest.FixtureDef[Any]


def items_of(collector: Any, name: str, function: Any) -> list[pytest.Item]:
    """The items of a test function, one for each set of its parameters: what pytest
    itself makes of one that it collects.
    """
    return list(collector._genfunctions(name, function))


def is_fixture_known(collector: Any, name: str) -> bool:
    """Whether a fixture of that name can be asked for there."""
    return bool(collector.session._fixturemanager.getfixturedefs(name, collector))


def fixtures_known_to(item: pytest.Item) -> Iterable[FixtureDef]:
    """All fixtures that a test may set up, by any name; none where it has none."""
    known = getattr(item, "_fixtureinfo", None)
    for found in getattr(known, "name2fixturedefs", {}).values():
        yield from found


def fixtures_used_by(item: pytest.Item) -> list[FixtureDef]:
    """The fixtures that a running test has set up or found so."""
    request = getattr(item, "_request", None)
    return list(getattr(request, "_fixture_defs", {}).values())


def fixtures_of_argument(
    metafunc: pytest.Metafunc, name: str
) -> tuple[FixtureDef, ...]:
    """The fixtures of that name which a test function can ask for, the closest last."""
    return tuple(metafunc._arg2fixturedefs.get(name, ()))
