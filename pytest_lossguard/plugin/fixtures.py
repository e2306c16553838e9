"""Trainings in the fixtures of marked tests."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from .private_api import (
    PYTEST_PACKAGE,
    XUNIT_FIXTURE,
    fixtures_known_to,
    fixtures_used_by,
)
from .state import POLICY, SESSION, TEST, guard_of

if TYPE_CHECKING:
    from ..session.runs import Prepared


class Fixtures:
    """Watches the set-up of each fixture of a marked test.

    A fixture that outlives a test is watched even if an unmarked test requests it
    first, and judged in each marked test that uses it.
    """

    def __init__(self) -> None:
        self.prepared: dict[pytest.FixtureDef[Any], Prepared] = {}
        self._wide: set[pytest.FixtureDef[Any]] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record the wider-scoped fixtures that marked tests use."""
        for item in session.items:
            if item.stash.get(POLICY, None) is not None:
                known = fixtures_known_to(item)
                self._wide.update(it for it in known if it.scope != "function")

    def is_shared(self, fixturedef: pytest.FixtureDef[Any]) -> bool:
        """Whether a fixture outlives a test and is used by a marked test."""
        return fixturedef in self._wide

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, Any, Any]:
        """Watch the trainings in the set-up of a fixture."""
        __tracebackhide__ = True
        item = request.session.config.stash[SESSION].current
        test = None if item is None else item.stash.get(TEST, None)
        if item is None or test is None or _is_pytests_own(fixturedef):
            return (yield)
        marked = test.policy is not None
        if not marked and not self.is_shared(fixturedef):
            return (yield)
        unused = test.guard is None
        guard = guard_of(item)
        with guard.preparing(_describe(fixturedef), item.nodeid) as prepared:
            made = yield
        if prepared.is_empty:
            self.prepared.pop(fixturedef, None)
        else:
            self.prepared[fixturedef] = prepared
            test.cleanup.callback(prepared.release)
        if unused and not marked and not guard.runs:
            test.guard = None
        return made

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Forget the trainings of a fixture that was torn down."""
        self.prepared.pop(fixturedef, None)


FIXTURES = pytest.StashKey[Fixtures]()


def prepared_for(item: pytest.Item) -> list[Prepared]:
    """Return the trainings of the fixtures that a test uses."""
    fixtures = item.config.stash[FIXTURES].prepared
    used = fixtures_used_by(item) if fixtures else []
    return [it for fixturedef, it in fixtures.items() if fixturedef in used]


#: Fixtures that pytest makes from ``setup_module`` and similar functions.
_XUNIT = re.compile(XUNIT_FIXTURE)


def _is_pytests_own(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """Whether a fixture is built into pytest and runs no code of the project."""
    module = str(getattr(fixturedef.func, "__module__", ""))
    return module.startswith(PYTEST_PACKAGE) and not _XUNIT.match(fixturedef.argname)


def _describe(fixturedef: pytest.FixtureDef[Any]) -> str:
    """Describe a fixture by the name that its user knows, and its scope."""
    xunit = _XUNIT.match(fixturedef.argname)
    name = fixturedef.argname if xunit is None else xunit[1]
    scope = "" if fixturedef.scope == "function" else f" ({fixturedef.scope} scope)"
    return f"fixture {name!r}{scope}"
