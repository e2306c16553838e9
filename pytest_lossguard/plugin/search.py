"""Turn a test that requests ``corruption`` into a search, and run its examples."""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import NotConverged, PolicyError
from ..core.given import is_count, shown
from ..core.printable import printable
from .files import keep_replay
from .options import budget_of, default_examples
from .private_api import is_fixture_known, items_of
from .progress import progress_of
from .regressions import REGRESSIONS
from .state import PROJECT_POLICY, SESSION, TEST, guard_of, path_as_typed

if TYPE_CHECKING:
    from ..corruptions import Corruption
    from ..session.search import Search

ARGUMENT = "corruption"
_ORIGINAL = "_lossguard_original"
_SPACE = "_lossguard_space"
#: Parameter of an item that runs one shard of a search.
_SHARD = "lossguard_shard"
#: Exceptions that Hypothesis treats as a failing example.
_FAILURES = (Exception, SystemExit, GeneratorExit, pytest.fail.Exception)


# At collection


class Searches:
    """Turns tests that request a corruption into searches, at collection.

    The hook runs first, so that plugins that wrap items, such as pytest-asyncio, wrap
    those of the search.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: Any, name: str, obj: object
    ) -> list[pytest.Item] | None:
        """Make the items of a search."""
        try:
            return _as_search(collector, name, obj)
        except PolicyError as error:
            raise collector.CollectError(f"{collector.nodeid}: {error}") from None

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one item for each shard of a divided search."""
        count = _shards(metafunc)
        if count > 1 and hasattr(metafunc.function, "hypothesis"):
            metafunc.fixturenames.append(_SHARD)
            names = [f"shard-{it}-of-{count}" for it in range(1, count + 1)]
            shards = [(it, count) for it in range(1, count + 1)]
            metafunc.parametrize(_SHARD, shards, ids=names)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """In a replay, keep only its test."""
        _keep_replayed(config, items)


def _as_search(collector: Any, name: str, function: Any) -> list[pytest.Item] | None:
    """Return the items of a test that becomes a search; None for any other.

    Raises:
        PolicyError: The mark and the argument do not match, or a keyword is invalid.
    """
    function = getattr(function, _ORIGINAL, function)
    if not isinstance(function, FunctionType) or not collector.istestfunction(
        function, name
    ):
        return None
    own = [it for it in getattr(function, "pytestmark", []) if it.name == "corruptions"]
    asks = ARGUMENT in inspect.signature(function).parameters
    given = hasattr(function, "hypothesis")
    if own and given:
        raise PolicyError(
            f"{name} is marked corruptions(...) but has its own @given: give the"
            " keywords to strategies.corruptions(...) there"
        )
    if own and not asks:
        raise PolicyError(
            f"{name} is marked corruptions(...) but does not ask for the argument"
            f" {ARGUMENT!r}: add it, or remove the mark"
        )
    if not asks or given:
        return None
    if _is_provided(collector, function):
        if own:
            raise PolicyError(
                f"{name} is marked corruptions(...) and gets {ARGUMENT!r} from a"
                " fixture or from parametrize: remove one of them"
            )
        return None
    if not any(_marks(collector, function, "converges")):
        raise PolicyError(
            f"{name} asks for the argument {ARGUMENT!r} but is not marked: add"
            " @pytest.mark.converges, or provide a fixture of that name"
        )
    return _converted(collector, name, function)


def _converted(collector: Any, name: str, function: Any) -> list[pytest.Item]:
    from .. import strategies
    from ..core.policy import Policy
    from ..corruptions.space import Space

    for mark in _marks(collector, function, "corruptions"):
        if mark.args:
            raise PolicyError(
                f"corruptions() takes keywords only, got {shown(mark.args[0])}: use a"
                " keyword, as in corruptions(scales=(1e-3, 1e3))"
            )
    keywords = _keywords(collector, function, "corruptions")
    space = Space.from_keywords(keywords, "corruptions")
    # The whole policy is read later, from the items; Hypothesis needs only this key.
    project = collector.config.stash[PROJECT_POLICY].get("max_examples")
    marked = _keywords(collector, function, "converges")
    asked = marked.get("max_examples", project)
    searched = strategies.searching(
        _copy(function),
        space,
        Policy.from_keywords({"max_examples": asked}).max_examples,
        default_examples(collector.config),
    )
    setattr(searched, _ORIGINAL, function)
    setattr(searched, _SPACE, space)
    setattr(collector.obj, name, searched)
    return items_of(collector, name, searched)


def _copy(function: Any) -> Any:
    """Copy a function, so that attributes can be set without changing the user's."""
    made: Any = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    functools.update_wrapper(made, function)
    del made.__wrapped__
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _marks(collector: Any, function: Any, name: str) -> Iterator[Any]:
    """Yield the marks of that name, closest first."""
    own = getattr(function, "pytestmark", [])
    yield from (it for it in reversed(own) if it.name == name)
    yield from collector.iter_markers(name)


def _keywords(collector: Any, function: Any, name: str) -> dict[str, Any]:
    """Merge the keywords of all marks of that name; the closest mark wins."""
    merged: dict[str, Any] = {}
    for mark in _marks(collector, function, name):
        merged = {**mark.kwargs, **merged}
    return merged


def _is_provided(collector: Any, function: Any) -> bool:
    """Whether a fixture or a parametrization already provides the argument."""
    for mark in _marks(collector, function, "parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        listed = names.split(",") if isinstance(names, str) else names
        if ARGUMENT in (str(it).strip() for it in listed):
            return True
    return is_fixture_known(collector, ARGUMENT)


def _keep_replayed(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only the test of ``--lossguard-replay``.

    Raises:
        pytest.UsageError: The test was not collected.
    """
    replay = config.stash[SESSION].replay
    if replay is None:
        return
    from ..report.shards import without_shard

    asked = without_shard(replay.nodeid)
    kept = [it for it in items if without_shard(printable(it.nodeid)) == asked]
    if not kept:
        raise pytest.UsageError(
            f"--lossguard-replay holds a case of {replay.nodeid}, which was not"
            " collected: run it from the same folder, or give that path"
        )
    config.hook.pytest_deselected(items=[it for it in items if it not in kept])
    items[:] = kept


def _shards(metafunc: pytest.Metafunc) -> int:
    """Return the number of items that the search of a test is divided into; 1 for an
    invalid value, which is refused when the whole policy is read.
    """
    if metafunc.config.stash[SESSION].replay is not None:
        return 1  # one case needs one test
    marks = metafunc.definition.iter_markers("converges")
    asked = [it.kwargs["shards"] for it in marks if "shards" in it.kwargs]
    asked.append(metafunc.config.stash[PROJECT_POLICY].get("shards", 1))
    from ..core.policy import MOST_SHARDS

    return asked[0] if is_count(asked[0]) and asked[0] <= MOST_SHARDS else 1


# While the test runs


@contextmanager
def in_examples(item: Any, policy: Any) -> Iterator[Search]:
    """Run and judge each example of a test separately."""
    from .. import strategies
    from ..session.search import Known, Search, Shard

    session = item.config.stash[SESSION]
    space, part = getattr(item.obj, _SPACE, None), _part_of(item)
    search = Search(
        guard=guard_of(item),
        budget=budget_of(item.config, policy.budget),
        space=space,
        shard=None
        if space is None or part is None
        else Shard(index=part[0], of=part[1]),
        steer=strategies.steer,
        only=None if session.replay is None else session.replay.corruption,
        failures=_FAILURES,
    )
    parts = 1 if search.shard is not None or part is None else part[1]
    handle = item.obj.hypothesis
    body = handle.inner_test
    not_drawn = _not_drawn(item)
    seam = _Seam(search, body, not_drawn)
    first, argument = _run_first(item, search, body, not_drawn)
    cases = {it: Known(*known) for it, known in first.items() if known}
    handle.inner_test = seam.routed()
    try:
        with (
            strategies.pinned(item.obj, [*first], argument) as explicit,
            progress_of(item) as progress,
            strategies.seeded(
                item.obj, _seed_of(item), parts, "" if part is None else repr(part)
            ) as replays,
        ):
            search.begin(cases, explicit, progress, replays)
            if explicit == 0:
                search.leave_known("its Hypothesis settings have no phase explicit")
            yield search
        seam.look_beyond()
    except _FAILURES:
        seam.fail_again()
        raise
    finally:
        handle.inner_test = body


def _run_first(
    item: Any, search: Search, body: Any, not_drawn: set[str]
) -> tuple[dict[Corruption, tuple[str, int] | None], str]:
    """Return the corruptions that run before the drawn ones, and the argument that
    takes them: the corruption of a replay, else the known cases with file and seed.
    """
    if search.only is not None:
        return {search.only: None}, ARGUMENT
    drawn = [it for it in inspect.signature(body).parameters if it not in not_drawn]
    first: dict[Corruption, tuple[str, int] | None] = {}
    for known in item.config.stash[REGRESSIONS].of(item):
        corruption = known.case.corruption
        assert corruption is not None
        space = search.space
        if len(drawn) != 1:
            search.leave_out(known.file, "its test draws more than a corruption")
        elif space is not None and not all(map(space.covers, corruption.parts)):
            search.leave_out(
                known.file,
                f"{corruption!r} is beyond what the marker corruptions asks for",
            )
        else:
            first[corruption] = (known.file, known.case.seed)
    return first, drawn[0] if len(drawn) == 1 else ARGUMENT


def _part_of(item: Any) -> tuple[int, int] | None:
    """Return the shard of an item as its number, counted from 1, and the number of
    shards; None if the search is not divided.
    """
    callspec = getattr(item, "callspec", None)
    part: tuple[int, int] | None = callspec and callspec.params.get(_SHARD)
    return part


def _not_drawn(item: Any) -> set[str]:
    """Names of the arguments that Hypothesis does not draw: fixtures and ``self``."""
    function = getattr(item.obj, "__func__", item.obj)
    return {*item.funcargs, *inspect.signature(function).parameters}


def _seed_of(item: Any) -> int:
    """Return the seed of the examples: the same in each process and order, but
    different for each test.
    """
    name = f"{item.config.stash[SESSION].seed}/{item.nodeid}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


class _Seam:
    """Replaces the body of a test while Hypothesis runs it."""

    def __init__(self, search: Search, body: Any, given: set[str]) -> None:
        self._search, self._body, self._given = search, body, given
        self._called: tuple[tuple[Any, ...], dict[str, Any]] | None = None

    def routed(self) -> Any:
        """Return a function like the body, whose calls are examples of the search."""
        body = self._body
        if inspect.iscoroutinefunction(body):

            @functools.wraps(body)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                with self._search.example(self._drawn(args, kwargs)) as to_be_run:
                    return await body(*args, **kwargs) if to_be_run else None

            return awaited

        @functools.wraps(body)
        def called(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            with self._search.example(self._drawn(args, kwargs)) as to_be_run:
                return body(*args, **kwargs) if to_be_run else None

        return called

    def _drawn(self, args: Any, kwargs: dict[str, Any]) -> Corruption | None:
        """Return the corruption of an example; None if the example draws other values
        too.
        """
        from ..corruptions import Corruption

        self._called = (args, kwargs)
        drawn = [it for key, it in kwargs.items() if key not in self._given]
        only = len(drawn) == 1 and isinstance(drawn[0], Corruption)
        return drawn[0] if only else None

    def _run(self, corruption: Corruption) -> Any:
        args, kwargs = self._called or ((), {})
        drawn = {key: corruption for key in kwargs if key not in self._given}
        return self._body(*args, **{**kwargs, **drawn})

    @property
    def _is_plain(self) -> bool:
        return self._called is not None and not inspect.iscoroutinefunction(self._body)

    def look_beyond(self) -> None:
        """Search beyond the requested range, after a search that passed."""
        if self._is_plain:
            self._search.look_beyond(self._run)

    def fail_again(self) -> None:
        """Simplify the failing case and run it again, after a search that failed."""
        if self._is_plain:
            self._search.settle(self._run)


def explained(item: Any, search: Search, error: BaseException) -> BaseException:
    """Return the error of a search with its smallest failing case, which is kept for a
    replay.
    """
    if search.failed is None or not isinstance(error, _FAILURES):
        return error
    corruption, run = search.failed.corruption, search.failed.run
    error.__traceback__ = _from_the_body(item, error.__traceback__)
    if corruption is None:
        return error
    known = search.known_case(corruption)
    kept = _kept(item, corruption) if known is None else _replay_of(item, known.file)
    again = (f"paste: @example(corruption={corruption!r})", kept)
    if run is not None and isinstance(error, NotConverged):
        made = search.explained(run, again)
        for note in _notes(error):
            made.add_note(note)
        return made.with_traceback(error.__traceback__)
    error.__notes__ = _notes(error)
    note = search.summary() if known is None else search.found()
    error.add_note("\n".join(["", f"note: {note}", *again]))
    return error


def _kept(item: Any, corruption: Corruption) -> str:
    """Keep a case for a replay, and return the line that says how to run it."""
    from ..report.replay import Replay, replay_path

    seed = item.config.stash[SESSION].seed
    case = Replay(nodeid=item.nodeid, corruption=corruption, seed=seed)
    keep_replay(item.stash[TEST], case)
    return _replay_of(item, replay_path(Path(), item.nodeid))


def _replay_of(item: Any, file: str | Path) -> str:
    """Return the line that says how to run a case from a file, given relative to the
    root folder.
    """
    path = Path(item.config.rootpath, file)
    return f"again: pytest --lossguard-replay={path_as_typed(path, item)}"


def _notes(error: BaseException) -> list[str]:
    """Return the notes of an error without those of Hypothesis that the message
    repeats.
    """
    return [it for it in getattr(error, "__notes__", []) if "@reproduce" in it]


def _from_the_body(item: Any, traceback: Any) -> Any:
    """Return the traceback from the frame of the test on, without the frames of
    Hypothesis.
    """
    code = getattr(item.obj.hypothesis.inner_test, "__code__", None)
    entry, found = traceback, None
    while entry is not None:
        if entry.tb_frame.f_code is code:
            found = entry
        entry = entry.tb_next
    return traceback if found is None else found
