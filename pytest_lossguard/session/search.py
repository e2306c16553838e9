"""A search over corruptions: runs, judges and counts its examples.

This module imports neither pytest nor Hypothesis: it receives each example and either
runs its body or skips it.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from ..core.errors import NotConverged, UsageError, first_line
from ..corruptions import Corruption, Offset, Scale
from ..corruptions.family import Family
from ..corruptions.space import Space
from .failure import Failure
from .guard import Guard
from .runs import TrainingRun

#: Most runs beyond the requested range: this share of the examples, or the second
#: number if that is larger.
_HEADROOM_SHARE, _FEWEST_HEADROOM = 0.1, 5
#: Most features that are tried alone when corrupting all of them breaks a training.
_MOST_FEATURES = 24
#: Most cases that a report lists.
_MOST_CASES = 400

Run = Callable[[Corruption], Any]


def _size(factor: float) -> float:
    """Distance of a factor from 1, in either direction."""
    return max(abs(factor), 1 / max(abs(factor), 1e-300))


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several tests that share a search.

    Attributes:
        index: Number of the shard, counted from 1.
        of: Number of shards.
    """

    index: int
    of: int

    def owns(self, corruption: Corruption) -> bool:
        """Whether this shard runs a corruption, decided by the digest of the
        corruption, which is the same in each process.
        """
        digest = hashlib.sha256(repr(corruption).encode()).digest()
        return int.from_bytes(digest[:8]) % self.of == self.index - 1

    def to_json(self) -> dict[str, int]:
        """Return the shard as builtins, in the shape of the JSON report."""
        return {"index": self.index, "of": self.of}


@dataclass(frozen=True, slots=True)
class Known:
    """A failing case of an earlier search, which is run first.

    Attributes:
        file: Path of the file that holds the case.
        seed: The base seed that the case failed with.
    """

    file: str
    seed: int


@dataclass(slots=True, eq=False)
class Case:
    """An example that was run.

    Attributes:
        corruption: The corruption of the data; None if the example also draws other
            values.
        run: The failing training of the example, else the one nearest to failing.
        nearness: Nearness of that training to failing; see `judge.limit_used.nearness`.
        error: The error that the example raised; None if it passed.
    """

    corruption: Corruption | None
    run: TrainingRun | None = None
    nearness: float = 0.0
    error: BaseException | None = None
    _traceback: TracebackType | None = None

    def fails_with(self, error: BaseException) -> None:
        """Store the error that the example raised."""
        self.error, self._traceback = error, error.__traceback__

    def recall(self) -> None:
        """Raise the stored error again, if there is one."""
        __tracebackhide__ = True
        if self.error is not None:
            raise self.error.with_traceback(self._traceback)

    def to_json(self) -> dict[str, Any]:
        """Return the case as builtins: the corruption, its parts, and its nearness."""
        error = None if self.error is None else first_line(self.error)
        if error is not None and not isinstance(self.error, NotConverged):
            error = f"{type(self.error).__name__}: {error}"
        parts = () if self.corruption is None else self.corruption.parts
        return {
            "corruption": repr(self.corruption),
            "parts": [part.describe() for part in parts],
            "failed": self.error is not None,
            "error": error,
            "nearness": self.nearness,
        }


@dataclass(slots=True, eq=False)
class Search:
    """The examples of one test.

    Attributes:
        guard: The guard of the test, which runs and judges the examples.
        budget: Seconds after which new examples pass without being run; None for no
            limit.
        space: The space that corruptions are drawn from; None in a test with a
            user-defined ``@given``.
        steer: Called with the log10 of the nearness to failure of each example.
        clock: Returns the time in seconds.
        progress: Called before each example.
        only: The only corruption to run, in a replay; None otherwise.
        shard: The part of the search that this test runs; None if it is not divided.
        replays: Returns the number of examples at the start that Hypothesis replays
            from an earlier search.
        known: Known cases, which are run first, regardless of the budget, each in one
            shard.
        explicit: Number of examples before those that are drawn or replayed, including
            the known cases.
        stale: Reasons why known cases could not be run, by file.
        failures: Exception types with which an example fails.
        examples: Number of examples that Hypothesis requested.
        ran: Number of examples that were run, including those after the search.
        exhausted: Whether examples were skipped because the budget was spent.
        failed: The last case that failed; None if none did.
        closest: The passing case that came nearest to failing; None if there is none.
        headroom: Results beyond the space, one sentence for each direction.
        trained: Whether any example trained anything.
        left_to_others: Number of examples left to other shards.
        holds: Whether the failing case failed again at the end.
    """

    guard: Guard
    budget: float | None = None
    space: Space | None = None
    steer: Callable[[float], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    progress: Callable[[Search], None] = lambda _: None
    only: Corruption | None = None
    shard: Shard | None = None
    replays: Callable[[], int] = lambda: 0
    known: dict[Corruption, Known] = field(default_factory=dict)
    explicit: int = 0
    stale: dict[str, str] = field(default_factory=dict)
    failures: tuple[type[BaseException], ...] = (Exception,)
    examples: int = 0
    ran: int = 0
    exhausted: bool = False
    failed: Case | None = None
    closest: Case | None = None
    headroom: list[str] = field(default_factory=list)
    trained: bool = False
    left_to_others: int = 0
    holds: bool = True
    _cases: dict[Corruption, Case] = field(default_factory=dict)
    _later: list[Case] = field(default_factory=list)
    _features: int = 0
    _began: float | None = None
    _ends_early: bool = True

    # While Hypothesis runs it

    def begin(
        self,
        known: dict[Corruption, Known],
        explicit: int,
        progress: Callable[[Search], None],
        replays: Callable[[], int],
    ) -> None:
        """Take what is known once Hypothesis is set up; see the attributes."""
        self.known, self.explicit = known, explicit
        self.progress, self.replays = progress, replays

    @contextmanager
    def example(self, corruption: Corruption | None) -> Iterator[bool]:
        """Open one example; the value says whether to run its body. Judge it at the
        end.

        Args:
            corruption: The corruption that the example draws; None if it also draws
                other values, so that it cannot be recognized when it is drawn again.

        Raises:
            NotConverged: A training of the example did not converge, now or when the
                same corruption was run before.
        """
        __tracebackhide__ = True
        self.examples += 1
        self.progress(self)
        known = None if corruption is None else corruption.resolved(self._features)
        case = None if known is None else self._cases.get(known)
        if case is None and self._is_skipped(known):
            yield False
            return
        if case is not None:
            yield False
            if case.error is not None:
                self.failed = case  # Hypothesis reports the last failing example
            case.recall()
        else:
            with self._noted(corruption) as case:
                yield True
        self.steer(math.log10(min(max(case.nearness, 1e-6), 1e12)))

    @contextmanager
    def _noted(self, corruption: Corruption | None) -> Iterator[Case]:
        """Run a case, and record its result unless Hypothesis rejected the example."""
        __tracebackhide__ = True
        case = Case(corruption)
        try:
            with self._judged(corruption):
                yield case
        except self.failures as error:
            if type(error).__module__.startswith("hypothesis"):
                raise  # the example was rejected, not run
            if self._is_stale(corruption, error):
                return
            case.fails_with(error)
            self.note(case)
            raise
        self.note(case)

    @contextmanager
    def _judged(self, corruption: Corruption | None) -> Iterator[None]:
        __tracebackhide__ = True
        self.ran += 1
        known = self.known_case(corruption)
        seed = None if known is None else known.seed
        with self.guard.example(corruption, ends_early=self._ends_early, seed=seed):
            yield

    def known_case(self, corruption: Corruption | None) -> Known | None:
        """Return the known case with this corruption; None if there is none."""
        return None if corruption is None else self.known.get(corruption)

    def leave_known(self, reason: str) -> None:
        """Skip all known cases, and record the reason."""
        for case in self.known.values():
            self.leave_out(case.file, reason)
        self.known = {}

    def leave_out(self, file: str, reason: str) -> None:
        """Record why the known case in a file is skipped."""
        self.stale[file] = reason

    def _is_stale(self, corruption: Corruption | None, error: BaseException) -> bool:
        """Whether the error means that a known case does not fit the current data. If
        so, the reason is recorded.
        """
        known = self.known_case(corruption)
        if known is None or not isinstance(error, UsageError):
            return False
        self.leave_out(known.file, first_line(error))
        return True

    def note(self, case: Case) -> None:
        """Record the result of a case."""
        if case.corruption is not None:
            self._features = case.corruption.features_seen or self._features
            case.corruption = case.corruption.resolved(self._features)
            self._cases[case.corruption] = case
        self._take_runs(case)
        if case.error is not None:
            self.failed = case
        elif case.run is not None and (
            self.closest is None or case.nearness > self.closest.nearness
        ):
            self.closest = case

    def _take_runs(self, case: Case) -> None:
        """Keep the most telling run of a case, and its nearness."""
        runs = self.guard.runs
        self.trained = self.trained or bool(runs)
        if not runs:
            return
        near = [self.guard.nearness(run) for run in runs]
        case.nearness = max(near)
        worst = runs[near.index(case.nearness)]
        case.run = next((run for run in runs if not run.converged), worst)

    def _is_skipped(self, known: Corruption | None) -> bool:
        if self.only is not None:
            return known != self.only
        if self._is_spent() and self.known_case(known) is None:
            self.exhausted = True
        if self.exhausted:
            return True
        left = self._is_of_another_shard(known)
        self.left_to_others += left
        return left

    def _is_of_another_shard(self, known: Corruption | None) -> bool:
        """Whether a corruption is left to another shard. Once an example has failed,
        this shard runs all milder corruptions itself, to shrink the failure.
        """
        if self.shard is None or known is None or self.failed is not None:
            return False
        ahead = self.examples - self.explicit
        return not 0 < ahead <= self.replays() and not self.shard.owns(known)

    def _is_spent(self) -> bool:
        now = self.clock()
        if self._began is None:
            self._began = now
        return self.budget is not None and now - self._began > self.budget

    # Once it has ended

    def look_beyond(self, run: Run) -> None:
        """After a passing search, find where beyond the requested range the training
        fails. Each shard takes every n-th direction.

        Args:
            run: Runs the body of the test once on a corruption.
        """
        if self.space is None or self.only is not None:
            return
        if self.ran and not self.trained:
            return  # with no example run here, other shards may have trained
        left = max(_FEWEST_HEADROOM, int(_HEADROOM_SHARE * self.examples))
        ways = [way for axis in self.space.axes for way in axis.beyond]
        first, stride = (self.shard.index - 1, self.shard.of) if self.shard else (0, 1)
        for way in ways[first::stride]:
            survived: Family | None = None
            for family in way:
                if left <= 0 or self._is_spent():
                    break
                left -= 1
                case = self._again(run, Corruption(family))
                if case.error is not None:
                    self.headroom.append(f"fails at {family!r}")
                    survived = None
                    break
                if case.run is None:
                    return
                survived = family
            if survived is not None:
                self.headroom.append(f"survives {survived!r}")

    def settle(self, run: Run) -> None:
        """After a failing search, simplify the reported case further, and check that it
        fails when it is run again.

        A shrinker lowers one number at a time. To get from several families to one it
        may have to raise another number, and it does not try a single feature in place
        of all: both are tried here.

        Args:
            run: Runs the body of the test once on a corruption.
        """
        if self.failed is None or self.failed.corruption is None:
            return
        is_known = self.known_case(self.failed.corruption) is not None
        if isinstance(self.failed.error, NotConverged) and not is_known:
            for attempt in (self._one_family, self._one_feature):
                self.failed = self._first(run, attempt()) or self.failed
        assert self.failed.corruption is not None
        self._ends_early = False  # the report shows the whole curve
        again = self._again(run, self.failed.corruption)
        self.holds = again.error is not None
        if self.holds:
            self.failed = again

    def _first(self, run: Run, attempts: Iterator[Corruption]) -> Case | None:
        """Return the first of these corruptions that fails, as a case."""
        for corruption in attempts:
            case = self._cases.get(corruption) or self._again(run, corruption)
            if isinstance(case.error, NotConverged):
                return case
        return None

    def _parts(self) -> tuple[Family, ...]:
        """The families of the failing case; empty if they are not in the space."""
        assert self.failed is not None
        assert self.failed.corruption is not None
        parts = self.failed.corruption.parts
        space = self.space
        if space is None or self.exhausted or not all(map(space.has, parts)):
            return ()
        return parts

    def _bounded(self) -> str | None:
        """Return a remark if scale or offset alone breaks the training, with bounds
        that keep the search to values that pass; None otherwise.
        """
        parts = self._parts()
        if len(parts) != 1 or not isinstance(parts[0], (Scale, Offset)):
            return None
        assert self.space is not None
        part = parts[0]
        levels = [it for axis in self.space.axes for it in axis.levels]
        if isinstance(part, Scale):
            what, none = "another unit (a factor)", 1.0
            least = _size(part.factor)
            sizes = [it.factor for it in levels if isinstance(it, Scale)]
            milder = [it for it in sizes if _size(it) < 0.99 * least]
        else:
            what, none = "another zero (an offset)", 0.0
            least = abs(part.deviations)
            sizes = [it.deviations for it in levels if isinstance(it, Offset)]
            milder = [it for it in sizes if abs(it) < 0.99 * least]
        low, high = min(milder, default=none), max(milder, default=none)
        bounds = f"({min(low, none):g}, {max(high, none):g})" if milder else "False"
        return (
            f"{what} alone breaks it: no step of the test's pipeline is fitted to the"
            " scale of the data. Fit a StandardScaler in it; or, if the data cannot"
            " change in this way, bound the search:"
            f" @pytest.mark.corruptions({part.keyword}={bounds})"
        )

    def _levels(self, part: Family) -> Iterator[Family]:
        """Yield a family at its own level and all stronger ones, mildest first."""
        assert self.space is not None
        kept = {"features": part.features} if hasattr(part, "features") else {}
        levels = [
            replace(level, **kept)  # type: ignore[type-var]
            for axis in self.space.axes
            for level in axis.levels
            if type(level) is type(part) and level.way == part.way
        ]
        yield from levels[levels.index(part) :]

    def _one_family(self) -> Iterator[Corruption]:
        """Yield each of several families alone."""
        parts = self._parts()
        if len(parts) > 1:
            for part in parts:
                yield from map(Corruption, self._levels(part))

    def _one_feature(self) -> Iterator[Corruption]:
        """Yield the corruption on one feature instead of all, at the same value."""
        parts = self._parts()
        if len(parts) != 1 or getattr(parts[0], "features", 0) is not None:
            return
        assert self.space is not None
        every = self.space.features or tuple(range(self._features))
        stride = -(-len(every) // _MOST_FEATURES) or 1
        for feature in every[::stride]:
            yield Corruption(replace(parts[0], features=feature))  # type: ignore[type-var]

    def _again(self, run: Run, corruption: Corruption) -> Case:
        """Run a case outside Hypothesis, and return it with its result."""
        case = Case(corruption)
        try:
            with self._judged(corruption):
                run(corruption)
        except self.failures as error:
            case.fails_with(error)
        self._take_runs(case)
        self._later.append(case)
        return case

    # What it reports

    def describe(self, seconds: float) -> str:
        """Describe the progress, for a line on a terminal."""
        text = f"{self.examples} examples in {seconds:.0f} s"
        if self.failed is not None:
            text += ", one failed, looking for the smallest"
        return text

    @property
    def unique(self) -> int:
        """Number of distinct examples that were run."""
        return len(self._cases) or self.ran

    @property
    def runs(self) -> list[TrainingRun]:
        """The run that a report shows: the failing one, else the passing one nearest to
        failing.
        """
        case = self.failed or self.closest
        return [] if case is None or case.run is None else [case.run]

    def to_json(self) -> dict[str, Any]:
        """Return the search as builtins, in the shape of the JSON report."""
        closest = None
        if self.closest is not None and self.failed is None:
            closest = {
                "nearness": self.closest.nearness,
                "corruption": repr(self.closest.corruption),
            }
        return {
            "examples": self.examples,
            "unique": self.unique,
            "exhausted_budget": self.exhausted,
            "failing": None if self.failed is None else repr(self.failed.corruption),
            "space": None if self.space is None else self.space.description,
            "closest": closest,
            "headroom": list(self.headroom),
            **({} if self.shard is None else {"shard": self.shard.to_json()}),
            **self._known_to_json(),
        }

    def _known_to_json(self) -> dict[str, Any]:
        if not self.known and not self.stale:
            return {}
        failed = (
            None if self.failed is None else self.known_case(self.failed.corruption)
        )
        return {
            "known_cases": sum(it in self._cases for it in self.known),
            "failed_case": None if failed is None else failed.file,
            "stale_cases": dict(self.stale),
        }

    def details(self) -> dict[str, Any]:
        """Return the cases and the axes of the space as builtins: failing cases first,
        then those nearest to failing, at most 400.
        """
        known = {it.corruption: it for it in (*self._cases.values(), *self._later)}
        cases = [it.to_json() for it in known.values() if it.corruption is not None]
        cases.sort(key=lambda it: (not it["failed"], -it["nearness"]))
        return {
            "axes": [] if self.space is None else self.space.to_json(),
            "cases": cases[:_MOST_CASES],
            "left_out": len(cases[_MOST_CASES:]),
        }

    def summary(self) -> str:
        """Return the counts of the search in a few words."""
        text = f"{self.examples} examples, {self.unique} of them different"
        if self.exhausted:
            text += f"; the budget of {self.budget:g} s left no time for others"
        return text

    def found(self) -> str:
        """Say how the failing case was found."""
        assert self.failed is not None
        known = self.known_case(self.failed.corruption)
        if known is not None:
            return f"a known hard case, run first: {known.file}"
        return f"the smallest corruption found that breaks it, in {self.summary()}"

    def explained(self, run: TrainingRun, again: tuple[str, ...]) -> NotConverged:
        """Diagnose the failing run, and return the exception for it.

        Args:
            run: The failing run.
            again: Lines that say how to run the case again.
        """
        assert self.failed is not None
        self.failed.run = self.guard.diagnose(run)
        return self.guard.error(
            Failure(
                run=self.failed.run,
                remarks=tuple(self.remarks()),
                corruption=self.failed.corruption,
                again=again,
            )
        )

    def remarks(self) -> Iterator[str]:
        """Yield sentences on a search that failed."""
        yield self.found()
        if not self.holds:
            yield (
                "the failing example converged when run again: the result depends on"
                " more than data and seed, for instance on a model that examples"
                " share"
            )
        bounded = self._bounded()
        if bounded is not None:
            yield bounded
