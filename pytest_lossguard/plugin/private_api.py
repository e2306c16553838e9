"""All private names of pytest that the plugin uses.

An upgrade of pytest needs a check of this file only. All names exist in 8.4 and 9.2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

#: Prefix of the names of pytest's own modules.
PYTEST_PACKAGE = "_pytest."
#: Names of the fixtures that pytest makes from ``setup_module`` and similar functions.
XUNIT_FIXTURE = r"^_(?:xunit|unittest)_(\w+?)_fixture_"

FixtureDef = pytest.FixtureDef[Any]


def items_of(collector: Any, name: str, function: Any) -> list[pytest.Item]:
    """Return the items that pytest makes from a test function when it collects it, one
    for each set of parameters.
    """
    return list(collector._genfunctions(name, function))


def is_fixture_known(collector: Any, name: str) -> bool:
    """Whether a collector can use a fixture of this name."""
    return bool(collector.session._fixturemanager.getfixturedefs(name, collector))


def fixtures_known_to(item: pytest.Item) -> Iterable[FixtureDef]:
    """Yield all fixtures that a test may set up, under any name."""
    known = getattr(item, "_fixtureinfo", None)
    for found in getattr(known, "name2fixturedefs", {}).values():
        yield from found


def fixtures_used_by(item: pytest.Item) -> list[FixtureDef]:
    """Return the fixtures that a running test uses, newly set up or cached."""
    request = getattr(item, "_request", None)
    return list(getattr(request, "_fixture_defs", {}).values())


def fixtures_of_argument(
    metafunc: pytest.Metafunc, name: str
) -> tuple[FixtureDef, ...]:
    """Return the fixtures that an argument of a test function can refer to, the closest
    one last.
    """
    return tuple(metafunc._arg2fixturedefs.get(name, ()))
