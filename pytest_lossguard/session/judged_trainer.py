"""Trains and watches for one test; each training comes back judged.

This module imports neither pytest nor TensorFlow: the caller passes the trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from ..core.change import MakeRerun, Rerun
from ..core.custom_checks import Check
from ..core.errors import StopTraining
from ..core.findings import Finding
from ..core.policy import Policy
from ..core.trace import Trace
from ..experiments.margins import Margins, margins
from ..judge.divergence import DIVERGING_LOSS
from ..judge.numerics import NONFINITE_LOSS
from ..judge.thresholds import SPIKE
from .fit_arguments import fit_arguments
from .runs import Prepared, TrainingRun, WatchedRuns, judged
from .training import Training


class JudgedTrainer:
    """Trains and watches for one test, and judges each training.

    Args:
        policy: The policy that trainings are judged by.
        seed: The base seed.
        trainer: Returns the trainer; called when it is first needed.
        checks: Custom checks.
        keeps_reruns: Whether the trainings of `fit` can be run again.

    Attributes:
        current: The watch of the test, or of a fixture in its set-up; None before.
        seed: The seed in force.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        seed: int,
        trainer: Callable[[], Training],
        checks: tuple[Check, ...],
        keeps_reruns: bool,
    ) -> None:
        self.current: Any = None
        self.seed = seed
        self._policy = policy
        self._trainer = trainer
        self._checks = checks
        self._keeps_reruns = keeps_reruns
        self._in_search = self._ends_early = False
        self._earlier: Any = None

    # Watching

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the trainings of a block. A training that is stopped at its first
        non-finite loss ends the block without an error: the verdict reports it.
        """
        stops = NONFINITE_LOSS.name not in self._policy.allow
        with self._begun(stop_on_nonfinite=stops) as watch:
            self.current = watch
            try:
                yield
            except StopTraining:
                pass

    @contextmanager
    def preparing(self, by: str, test: str) -> Iterator[Prepared]:
        """Watch the set-up of a fixture, without stopping it at a non-finite loss.

        Args:
            by: Description of the fixture.
            test: Node id of the test that the fixture is first set up for.
        """
        prepared, outer = Prepared(by=by, test=test), self.current
        with self.paused(), self._begun(stop_on_nonfinite=False) as watch:
            self.current = watch
            try:
                yield prepared
            finally:
                self.current = outer
        prepared.traces = watch.traces()
        prepared.missed, prepared.unseen = watch.missed(), watch.unseen
        prepared.watch = watch

    @contextmanager
    def example(self, *, ends_early: bool, seed: int | None) -> Iterator[None]:
        """Train one example of a search, separately from all others.

        Args:
            ends_early: Whether to end a training once no further step can save it.
            seed: Seed to use instead of the base seed; None for the base seed.
        """
        __tracebackhide__ = True
        base = self.seed
        self.seed = base if seed is None else seed
        self._in_search, self._ends_early = True, ends_early
        try:
            if self.current is not None:
                self.current.forget()
            self._trainer().reseed(self.seed)
            yield
        finally:
            self.seed = base

    @contextmanager
    def watch(self, name: str | None = None) -> Iterator[WatchedRuns]:
        """Watch part of a test. In a marked test, where the whole body is watched, this
        returns the trainings of the block.
        """
        watched = WatchedRuns()
        if self.current is not None:
            known = self.current.recordings
            yield watched
            seen = zip(self.current.recordings, self.current.traces(), strict=True)
            traces = [it for recording, it in seen if recording not in known]
            watched.runs += [self._judged(_named(it, name)) for it in traces]
            return
        with self._begun(stop_on_nonfinite=True) as watch:
            try:
                yield watched
            except StopTraining:
                pass
        watched.unseen += [*watch.unseen, *as_sentences(watch.missed(), self._policy)]
        for trace in watch.traces():
            noted = replace(trace, notes=(*trace.notes, *watched.unseen))
            watched.runs.append(self._judged(_named(noted, name)))

    def _begun(self, *, stop_on_nonfinite: bool) -> AbstractContextManager[Any]:
        """Start a watch that ignores trainings already under way in other threads."""
        trainer = self._trainer()
        if self._earlier is None:
            self._earlier = trainer.under_way()
        return trainer.watching(
            seed=self.seed, stop_on_nonfinite=stop_on_nonfinite, ignoring=self._earlier
        )

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Record nothing inside the block."""
        if self.current is None:
            yield
            return
        with self.current.paused():
            yield

    def release(self) -> None:
        """Forget what was watched."""
        if self.current is not None:
            self.current.forget()
        self.current = None

    # Training

    def fit(
        self, model_or_factory: Any, x: Any, y: Any, **given: Any
    ) -> list[TrainingRun]:
        """Train and judge; return one run per seed."""
        __tracebackhide__ = True
        how, seed = fit_arguments(x, self._policy, **given)
        seeds = self._policy.seed_list(self.seed) if seed is None else (seed,)
        if self._in_search:
            how |= {"reuse_built": True, "growth": self._sealing_growth()}
        make_rerun = self._make_rerun(model_or_factory, x, y, **how)
        with self.paused():
            traces = self._trainer().fit_seeds(
                model_or_factory, x, y, seeds=seeds, **how
            )
        if self.current is not None:
            traces = [self.current.with_draws_of(x, it) for it in traces]
        return [
            self._judged(it, None if make_rerun is None else partial(make_rerun, each))
            for it, each in zip(traces, seeds, strict=True)
        ]

    def _make_rerun(
        self, model_or_factory: Any, x: Any, y: Any, **how: Any
    ) -> Callable[[int], Rerun] | None:
        """Return a function that, given a seed, makes the re-run of a training.

        None where no re-run is asked for, and for all examples of a search except the
        last, which shows the whole failure.
        """
        if not self._keeps_reruns or self._ends_early:
            return None
        kept = {key: how[key] for key in how if key not in ("reuse_built", "growth")}
        start = self._trainer().start_of(model_or_factory)

        def again(seed: int) -> Rerun:
            known: Rerun = self._trainer().again(
                model_or_factory, x, y, start=start, seed=seed, **kept
            )
            return known

        return again

    def _sealing_growth(self) -> float | None:
        """Growth of the loss from which no further step can save a training; None if
        divergence is allowed or early ending is off.
        """
        if not self._ends_early or DIVERGING_LOSS.name in self._policy.allow:
            return None
        return SPIKE * self._policy.max_loss_growth

    def margins(
        self, run: TrainingRun, model_or_factory: Any, x: Any, y: Any, **how: Any
    ) -> Margins:
        """Measure how far a training by `fit` is from no longer converging."""
        __tracebackhide__ = True
        trainer = self._trainer()
        known = {key: value for key, value in how.items() if value is not None}
        known |= {"steps": len(run.loss), "seed": run.trace.seed}
        known.pop("epochs", None)
        known.setdefault("batch_size", self._policy.batch_size or run.trace.batch_size)
        start = trainer.start_of(model_or_factory)
        with self.paused():
            rerun = trainer.again(model_or_factory, x, y, start=start, **known)
            return margins(rerun, self._policy)

    def device(self) -> str:
        """Return the name of the device that trains."""
        return self._trainer().device()

    # Judging

    def _judged(self, trace: Trace, make_rerun: MakeRerun | None = None) -> TrainingRun:
        return judged(trace, self._policy, self._checks, make_rerun)

    def _judged_watched(self, watch: Any) -> list[TrainingRun]:
        """Judge the trainings of a watch, each with its re-run."""
        trainer = self._trainer()
        return [
            self._judged(trace, partial(trainer.watched_again, watch, recording))
            for trace, recording in zip(watch.traces(), watch.recordings, strict=True)
        ]

    def judged_in(self, prepared: Prepared) -> list[tuple[TrainingRun, Any]]:
        """Judge the trainings of a fixture, each with the frames of the user's code at
        its first update; None once these belong to another test.
        """
        if prepared.watch is None:
            return [(self._judged(it), None) for it in prepared.traces]
        runs = self._judged_watched(prepared.watch)
        frames = [it.frames for it in prepared.watch.recordings]
        return [*zip(runs, frames, strict=True)]

    def collect(self) -> list[TrainingRun]:
        """Judge the watched trainings, once their block has ended."""
        self._earlier = ()  # release references into other threads
        return [] if self.current is None else self._judged_watched(self.current)

    def missed(self) -> list[Finding]:
        """Return findings on watched trainings that were not recorded."""
        found: list[Finding] = [] if self.current is None else self.current.missed()
        return found


def as_sentences(missed: list[Finding], policy: Policy) -> list[str]:
    """Describe the findings on unrecorded trainings that the policy does not allow."""
    return [f"{it.message}. {it.hint}" for it in missed if it.kind not in policy.allow]


def _named(trace: Trace, name: str | None) -> Trace:
    return trace if name is None else replace(trace, model=name)
