"""The seeds in force while a marked test is set up and runs, and outside of it.

The test and its function-scoped fixtures draw from ``--lossguard-seed``, regardless of
what other plugins seed before. A fixture that outlives the test draws from a separate
seed, so that its values do not depend on which test requests it first. Afterwards the
generators are restored, except for those that the fixture seeded itself.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from .options import hand_seed_on
from .state import SESSION, TEST, Session


class DrawnSeed:
    """Reports the seed that ``--lossguard-seed=random`` drew; sends it to workers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._line = f"lossguard: drew --lossguard-seed={seed}, which repeats this run"

    def pytest_report_header(self) -> str:
        """Report the seed before the first test."""
        return self._line

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send the seed to every pytest-xdist worker."""
        hand_seed_on(node, self._seed)

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Report the seed again in the summary, which a quiet session shows too."""
        terminalreporter.write_line(self._line)


@contextmanager
def seeded_set_up(item: pytest.Item) -> Iterator[None]:
    """Seed the generators before the fixtures of a marked test, and save their state
    after them.
    """
    from ..training import SavedSeeds, preserved_seeds, set_seed

    test, seed = item.stash[TEST], item.config.stash[SESSION].seed
    test.seeds = test.cleanup.enter_context(preserved_seeds())

    def set_up(original: Callable[[], Any]) -> Any:
        set_seed(seed)
        try:
            return original()
        finally:
            test.seeds_of_body = SavedSeeds()

    with _wrap_method(item, "setup", set_up):
        yield


@contextmanager
def seeded_body(item: pytest.Item) -> Iterator[None]:
    """Run the body from the generator state that its fixtures left."""
    seeds = item.stash[TEST].seeds_of_body

    def run(original: Callable[[], Any]) -> Any:
        __tracebackhide__ = True
        seeds.restore()
        return original()

    with _wrap_method(item, "runtest", run):
        yield


@contextmanager
def _wrap_method(
    item: pytest.Item, name: str, call: Callable[[Callable[[], Any]], Any]
) -> Iterator[None]:
    """Temporarily replace a method of an item by a function that calls it: no hook is
    certain to run after those of all other plugins.
    """
    kept = vars(item).get(name)
    setattr(item, name, partial(call, getattr(item, name)))
    try:
        yield
    finally:
        delattr(item, name)
        if kept is not None:
            setattr(item, name, kept)


@contextmanager
def seeded_fixture(
    session: Session, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Iterator[None]:
    """Set up a fixture that outlives the current test, from a separate seed."""
    from ..training import SavedSeeds, set_seed

    test = session.test
    assert test is not None
    inside = SavedSeeds()
    outside = inside if test.seeds is None else test.seeds
    before = copy.copy(outside)
    set_seed(_seed_of(session, fixturedef, request))
    start = SavedSeeds()
    torn_down = _torn_down(session, before, start)
    # Finalizers run in reverse order: these two run after and before the fixture's own.
    fixturedef.addfinalizer(partial(next, torn_down, None))
    try:
        yield
    finally:
        fixturedef.addfinalizer(partial(next, torn_down, None))
        now = SavedSeeds()
        outside.take(now, now.seeded_since(start))
        inside.restore()


def _seed_of(
    session: Session, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> int:
    """Return the seed of a fixture, the same for every test and process that sets it
    up.
    """
    place = getattr(request, "param_index", 0)
    name = f"{session.seed}/{fixturedef.baseid}/{fixturedef.argname}/{place}"
    return zlib.crc32(name.encode())


def _torn_down(session: Session, before: Any, start: Any) -> Iterator[None]:
    """Run the teardown of a fixture outside of the random state of the current test.

    A generator that the teardown restores to the fixture's seed gets the state from
    before the fixture.
    """
    from ..training import SavedSeeds

    begin, marked = SavedSeeds(), session.test
    outside = None if marked is None else marked.seeds
    if outside is not None:
        outside.restore()
    first = SavedSeeds()
    yield
    end = SavedSeeds()
    moved = end.seeded_since(first)
    others = moved & end.seeded_since(start) if moved else moved
    after = first if outside is None else outside
    after.take(end, others)
    after.take(before, moved - others)
    if outside is not None:
        begin.restore()
    elif moved - others:
        after.restore()
