"""A search over corruptions: what each example costs, what it found.

Knows neither pytest nor Hypothesis: it is told of each example and runs its
body, or spares it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from .corruptions import Corruption
from .corruptions.space import Space
from .errors import UsageError
from .guard import Guard, TrainingRun

__all__ = ["Search"]

#: Runs beyond the asked range, at most this share of the examples, but some.
_HEADROOM_SHARE, _FEWEST_HEADROOM = 0.2, 5


@dataclass(slots=True)
class _Case:
    """What is remembered of one corruption."""

    nearness: float = 0.0
    error: Exception | None = None
    traceback: TracebackType | None = None


@dataclass(slots=True)
class Search:
    """The examples of one test.

    Attributes:
        guard: Runs and judges.
        budget: Seconds after which unseen examples pass unrun; None for no end.
        space: What is drawn from; None in a test with a ``@given`` of its own.
        steer: Told of each example's nearness to failure, as a log10.
        clock: Seconds.
        only: The one corruption to be run, in a replay.
        examples: How many were asked for.
        ran: How many were run.
        exhausted: Whether the budget kept some from being run.
        failed: The corruption of the last failing run, and that run.
        closest: Of the passing ones, the one that came nearest to failing.
        headroom: One sentence for each direction beyond the asked range.
        trained: Whether any example trained anything.
        holds: Whether the failing case failed once more at the end.
    """

    guard: Guard
    budget: float | None = None
    space: Space | None = None
    steer: Callable[[float], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    only: Corruption | None = None
    examples: int = 0
    ran: int = 0
    exhausted: bool = False
    failed: tuple[Corruption | None, TrainingRun | None] | None = None
    closest: tuple[float, Corruption | None, TrainingRun] | None = None
    headroom: list[str] = field(default_factory=list)
    trained: bool = False
    holds: bool = True
    _cases: dict[Corruption, _Case] = field(default_factory=dict)
    _features: int = 0
    _began: float | None = None

    @contextmanager
    def example(self, corruption: Corruption | None) -> Iterator[bool]:
        """One example: whether its body is to be run; judged when it ends.

        Args:
            corruption: What it draws; None where it draws something else too, so
                that it cannot be known again.

        Raises:
            NotConverged: A training of it did not converge, now or when the same
                corruption was run before.
        """
        __tracebackhide__ = True
        self.examples += 1
        known = None if corruption is None else corruption.resolved(self._features)
        case = None if known is None else self._cases.get(known)
        if case is not None:
            yield False
            self._recall(case)
            return
        if self._is_spared(known):
            yield False
            return
        case = _Case()
        try:
            with self._judged(corruption):
                yield True
        except Exception as error:
            if type(error).__module__.startswith("hypothesis"):
                raise
            case.error, case.traceback = error, error.__traceback__
            raise
        finally:
            if corruption is not None:
                self._features = corruption.features_seen or self._features
                known = corruption.resolved(self._features)
            self._note(known, case)
        self.steer(_log(case.nearness))

    def beyond(self, run: Callable[[Corruption], Any]) -> None:
        """After a passing search: where, outside the asked range, it would fail.

        Args:
            run: Runs the body of the test once on a corruption.
        """
        if self.space is None or self.exhausted or not self.trained:
            return
        left = max(_FEWEST_HEADROOM, int(_HEADROOM_SHARE * self.examples))
        for axis in self.space.axes:
            for way in axis.beyond:
                tried = way[: max(0, left)]
                breaking = next((it for it in tried if self._breaks(run, it)), None)
                ran = len(tried) if breaking is None else tried.index(breaking) + 1
                left -= ran
                if breaking is not None:
                    self.headroom.append(f"fails at {breaking!r}")
                elif tried:
                    self.headroom.append(f"survives {tried[-1]!r}")

    def confirm(self, run: Callable[[Corruption], Any]) -> None:
        """After a failing search: run the smallest case once more, unremembered.

        Args:
            run: Runs the body of the test once on a corruption.
        """
        if self.failed is None or self.failed[0] is None:
            return
        failed = self.failed
        self.holds = self._breaks(run, failed[0], always=True)
        self.failed = failed

    @property
    def unique(self) -> int:
        """Different examples that were run."""
        return len(self._cases) or self.ran

    @property
    def runs(self) -> list[TrainingRun]:
        """What a report shows: the failing run, else the worst passing one."""
        if self.failed is not None:
            return [] if self.failed[1] is None else [self.failed[1]]
        return [] if self.closest is None else [self.closest[2]]

    def to_json(self) -> dict[str, Any]:
        """As builtins, in the shape of the JSON report."""
        closest = None
        if self.closest is not None and self.failed is None:
            closest = {"nearness": self.closest[0], "corruption": repr(self.closest[1])}
        return {
            "examples": self.examples,
            "unique": self.unique,
            "exhausted_budget": self.exhausted,
            "failing": None if self.failed is None else repr(self.failed[0]),
            "space": None if self.space is None else self.space.told,
            "closest": closest,
            "headroom": list(self.headroom),
        }

    def message(self, again: tuple[str, ...]) -> str:
        """The message of the failing run, once the search has ended.

        Args:
            again: Lines that run the case again.
        """
        assert self.failed is not None
        corruption, run = self.failed
        assert run is not None
        remarks = [f"the smallest corruption found that breaks it, in {self.told()}"]
        if not self.holds:
            remarks.append(
                "run once more it converged: something beside the data and the seed"
                " takes part, such as a model that outlives the example"
            )
        self.guard.corruption = corruption
        return self.guard.message(run, tuple(remarks), again)

    def told(self) -> str:
        """What the search did, in one sentence."""
        told = f"{self.examples} examples, {self.unique} of them different"
        if self.exhausted:
            told += f"; the budget of {self.budget:g} s kept others from being run"
        return told

    # One example

    def _is_spared(self, known: Corruption | None) -> bool:
        if self.only is not None:
            return known != self.only
        now = self.clock()
        if self._began is None:
            self._began = now
        if self.budget is not None and now - self._began > self.budget:
            self.exhausted = True
        return self.exhausted

    def _recall(self, case: _Case) -> None:
        __tracebackhide__ = True
        if case.error is not None:
            raise case.error.with_traceback(case.traceback)
        self.steer(_log(case.nearness))

    @contextmanager
    def _judged(self, corruption: Corruption | None) -> Iterator[None]:
        __tracebackhide__ = True
        self.ran += 1
        self.guard.corruption = corruption
        with self.guard.example():
            yield

    def _note(self, corruption: Corruption | None, case: _Case) -> None:
        runs = self.guard.runs
        self.trained = self.trained or bool(runs)
        if corruption is not None:
            self._cases[corruption] = case
        for run in runs:
            case.nearness = max(case.nearness, self.guard.nearness(run))
        worst = max(runs, key=self.guard.nearness, default=None)
        if case.error is not None:
            bad = next((run for run in runs if not run.converged), worst)
            self.failed = (corruption, bad)
        elif worst is not None and (
            self.closest is None or case.nearness > self.closest[0]
        ):
            self.closest = (case.nearness, corruption, worst)

    def _breaks(
        self,
        run: Callable[[Corruption], Any],
        what: Any,
        always: bool = False,
    ) -> bool:
        if not always and self._is_spared(None):
            return False
        corruption = what if isinstance(what, Corruption) else Corruption(what)
        try:
            with self._judged(corruption):
                run(corruption)
        except UsageError:
            raise
        except Exception:
            return True
        return False


def _log(nearness: float) -> float:
    return math.log10(min(max(nearness, 1e-6), 1e12))
