"""Which seed is in force while a marked test is set up and runs, and outside of it.

The test and its own fixtures draw from ``--lossguard-seed``, whatever other plugins
seed before either. A fixture that outlives the test draws from a seed of its own, so
that it comes out the same whichever test asks for it first; afterwards the generators
are as they were, but for those that it seeded itself.
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

__all__ = ["DrawnSeed", "seeded_body", "seeded_fixture", "seeded_set_up"]


class DrawnSeed:
    """Says which seed ``--lossguard-seed=random`` drew, and hands it to workers."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._line = f"lossguard: drew --lossguard-seed={seed}, which repeats this run"

    def pytest_report_header(self) -> str:
        """Say it before the first test."""
        return self._line

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give every worker of pytest-xdist the same."""
        hand_seed_on(node, self._seed)

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Say it once more where a quiet session says anything."""
        terminalreporter.write_line(self._line)


@contextmanager
def seeded_set_up(item: pytest.Item) -> Iterator[None]:
    """Seed where the fixtures of a marked test begin, and keep how they end."""
    from ..training import SavedSeeds, preserved_seeds, set_seed

    test, seed = item.stash[TEST], item.config.stash[SESSION].seed
    test.seeds = test.cleanup.enter_context(preserved_seeds())

    def set_up(original: Callable[[], Any]) -> Any:
        set_seed(seed)
        try:
            return original()
        finally:
            test.seeds_of_body = SavedSeeds()

    with _around(item, "setup", set_up):
        yield


@contextmanager
def seeded_body(item: pytest.Item) -> Iterator[None]:
    """Have the body go on where its fixtures ended."""
    seeds = item.stash[TEST].seeds_of_body

    def run(original: Callable[[], Any]) -> Any:
        __tracebackhide__ = True
        seeds.restore()
        return original()

    with _around(item, "runtest", run):
        yield


@contextmanager
def _around(
    item: pytest.Item, name: str, call: Callable[[Callable[[], Any]], Any]
) -> Iterator[None]:
    """Have a method of an item called by another for a while: no hook is sure to come
    after those of all other plugins.
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
    """Set up a fixture that outlives the test at hand."""
    from ..training import SavedSeeds, set_seed

    test = session.test
    assert test is not None
    inside = SavedSeeds()
    outside = inside if test.seeds is None else test.seeds
    before = copy.copy(outside)
    set_seed(_seed_of(session, fixturedef, request))
    start = SavedSeeds()
    torn_down = _torn_down(session, before, start)
    # What is added first is called last: before and after the fixture's own end.
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
    """The seed of a fixture, whichever test and process sets it up first."""
    place = getattr(request, "param_index", 0)
    name = f"{session.seed}/{fixturedef.baseid}/{fixturedef.argname}/{place}"
    return zlib.crc32(name.encode())


def _torn_down(session: Session, before: Any, start: Any) -> Iterator[None]:
    """Let the end of a fixture act outside of the test that happens to end it; what
    it puts back of the seed that was its own becomes what there was before.
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
