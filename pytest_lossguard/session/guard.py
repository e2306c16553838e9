"""One training from recipe to verdict: run, judge, raise.

No pytest and no TensorFlow in here: whoever calls brings the trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, Protocol

from ..baselines import Baseline, write_baseline
from ..baselines.check import BaselineCase, BaselineResult, Update, check_baseline
from ..core.change import MakeRerun, Rerun
from ..core.column_stats import share_interval
from ..core.custom_checks import Check
from ..core.errors import (
    BaselineError,
    NotConverged,
    NothingTrained,
    StopTraining,
    UsageError,
)
from ..core.findings import Finding
from ..core.given import COUNT, FLAG, SEED, checked, unknown
from ..core.policy import Policy
from ..core.trace import Trace
from ..core.verdict import Verdict
from ..experiments.margins import Margins, margins
from ..judge import held_to
from ..judge.limit_used import nearness, shares
from ..judge.thresholds import SPIKE
from ..report.baseline import baseline_lines
from ..report.message import failure_message
from .after_test import DIAGNOSIS_BUDGET, compared, diagnosed
from .runs import Prepared, TrainingRun, WatchedRuns, judged

__all__ = ["Guard", "Training"]


class Training(Protocol):
    """What is needed of the floor that trains."""

    def fit_seeds(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> list[Trace]:
        """Run one training from several ``seeds``."""

    def watching(
        self, *, seed: int | None, stops: bool, ignoring: Any = ()
    ) -> AbstractContextManager[Any]:
        """Watch the trainings inside a block, but for calls under way before."""

    def under_way(self) -> Any:
        """What other threads are at."""

    def start_of(self, model_or_factory: Any) -> Any:
        """The state of a model given as an object, None of anything else."""

    def again(self, model_or_factory: Any, x: Any, y: Any = None, **how: Any) -> Any:
        """The same training, to be run again with changes."""

    def watched_again(self, watch: Any, recording: Any) -> Any:
        """One of the trainings that were watched, to be run again with changes."""

    def reseed(self, seed: int) -> None:
        """Start every random generator anew."""

    def device(self) -> str:
        """What trains, as ``"CPU"``."""


class Guard:
    """Trains, watches and judges for one test.

    Args:
        policy: What trainings are held to; None where nothing is asserted.
        seed: The base seed.
        trainer: Gives the floor that trains, when first needed.
        reproduce: The command that runs the test again.
        test_file: Path of the test, where a traceback begins.
        ascii_only: Draw for a terminal without block characters.
        budget: Seconds for the diagnosis of a failure.
        verbose: Tell of every experiment of a diagnosis.
        checks: Checks of one's own.
    """

    def __init__(
        self,
        *,
        policy: Policy | None,
        seed: int,
        trainer: Callable[[], Training],
        reproduce: str | None = None,
        test_file: str = "",
        ascii_only: bool = False,
        budget: float = DIAGNOSIS_BUDGET,
        verbose: bool = False,
        checks: tuple[Check, ...] = (),
    ) -> None:
        self.runs: list[TrainingRun] = []
        self.corruption: Any = None
        self.held: BaselineResult | None = None
        self.ends_early = True
        self._in_search = False
        self._asserts = policy is not None
        self._policy = policy or Policy()
        self._seed = seed
        self._trainer = trainer
        self._reproduce = reproduce
        self._test_file = test_file
        self._ascii_only = ascii_only
        self._budget = budget
        self._verbose = verbose
        self._checks = checks
        self._watch: Any = None
        self._earlier: Any = None
        self._one_at_a_time = RLock()
        self._watched: list[TrainingRun] = []
        self._adopted: list[tuple[TrainingRun, str, Any]] = []
        self._unseen: list[str] = []
        self._subjects: list[TrainingRun] = []
        self._failed: tuple[TrainingRun, tuple[str, ...]] | None = None

    # Running

    def fit(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> TrainingRun:
        """Train, judge, and raise if the policy asks for it; one thread at a time."""
        __tracebackhide__ = True
        with self._one_at_a_time:
            return self._fit(model_or_factory, x, y, **how)

    def _fit(
        self,
        model_or_factory: Any,
        x: Any,
        y: Any,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        seed: int | None = None,
        **rest: Any,
    ) -> TrainingRun:
        __tracebackhide__ = True
        _refuse_unknown(rest)
        asked = _counts(steps=steps, epochs=epochs, batch_size=batch_size)
        seed = None if seed is None else checked("seed", seed, SEED)
        if "shuffle" in rest:
            rest["shuffle"] = checked("shuffle", rest["shuffle"], FLAG)
        if "batch_size" in asked and hasattr(x, "as_numpy_iterator"):
            raise UsageError(
                f"batch_size={batch_size} was given beside a tf.data.Dataset, which"
                f" brings its own batches: write .batch({batch_size}) there, and leave"
                " it out here"
            )
        if steps is not None and epochs is not None:
            raise UsageError(
                f"steps={steps} and epochs={epochs} both set the length of the"
                " training: give only one"
            )
        if steps is None and epochs is None:
            steps, epochs = self._policy.steps, self._policy.epochs
        size = asked.get("batch_size", self._policy.batch_size)
        how = {**rest, **_counts(steps=steps, epochs=epochs, batch_size=size)}
        seeds = self._policy.seed_list(self._seed) if seed is None else (seed,)
        if self._in_search:
            how |= {"reuse_built": True, "growth": self._sealing_growth()}
        make_rerun = self._make_rerun(model_or_factory, x, y, **how)
        with self._paused():
            traces = self._trainer().fit_seeds(
                model_or_factory, x, y, seeds=seeds, **how
            )
        runs = [
            self._judged(it, None if make_rerun is None else partial(make_rerun, each))
            for it, each in zip(traces, seeds, strict=True)
        ]
        self.runs += runs
        self._subjects += [it for it in runs[:1] if it.make_rerun is not None]
        if self._asserts:
            self._demand_share(runs)
        return next((run for run in runs if not run.converged), runs[0])

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch a whole test body.

        A training stopped at its first non-finite loss ends the block quietly:
        `demand` tells of it.
        """
        with self._begun(stops=self._stops) as watch:
            self._watch = watch
            try:
                yield
            except StopTraining:
                pass

    @contextmanager
    def preparing(self, by: str, test: str) -> Iterator[Prepared]:
        """Watch the set-up of a fixture, which is let come to its end.

        Args:
            by: What it is called.
            test: The test that it is first set up for.
        """
        prepared, outer = Prepared(by=by, test=test), self._watch
        with self._paused(), self._begun(stops=False) as watch:
            self._watch = watch
            try:
                yield prepared
            finally:
                self._watch = outer
        prepared.traces = watch.traces()
        prepared.missed, prepared.unseen = watch.missed(), watch.unseen
        prepared.watch = watch

    @contextmanager
    def example(self) -> Iterator[None]:
        """Run and judge one example of a search, apart from all others.

        Raises:
            NotConverged: A training in it did not converge.
        """
        __tracebackhide__ = True
        self.runs, self._watched, self._in_search = [], [], True
        if self._watch is not None:
            self._watch.forget()
        self._trainer().reseed(self._seed)
        try:
            yield
        except StopTraining:
            pass
        except BaseException:
            self.collect()
            raise
        self.collect()
        self._demand_watched()
        self._demand_seen()

    @contextmanager
    def watch(self, name: str | None = None) -> Iterator[WatchedRuns]:
        """Watch a part of a test; inside a marked test, a view of the whole."""
        watched = WatchedRuns()
        if self._watch is not None:
            known = self._watch.recordings
            yield watched
            seen = zip(self._watch.recordings, self._watch.traces(), strict=True)
            traces = [it for recording, it in seen if recording not in known]
            watched.runs += [self._judged(_named(it, name)) for it in traces]
            return
        with self._begun(stops=True) as watch:
            try:
                yield watched
            except StopTraining:
                pass
        watched.unseen += [*watch.unseen, *_as_sentences(watch.missed(), self._policy)]
        for trace in watch.traces():
            noted = replace(trace, notes=(*trace.notes, *watched.unseen))
            watched.runs.append(self._judged(_named(noted, name)))
        self.runs += watched.runs

    def _begun(self, *, stops: bool) -> AbstractContextManager[Any]:
        """A watch that leaves out what went on in other threads before the test."""
        trainer = self._trainer()
        if self._earlier is None:
            self._earlier = trainer.under_way()
        return trainer.watching(seed=self._seed, stops=stops, ignoring=self._earlier)

    def margins(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> Margins:
        """How far a training is from no longer converging; see `stability.margins`."""
        __tracebackhide__ = True
        with self._one_at_a_time:
            return self._margins(model_or_factory, x, y, **how)

    def _margins(self, model_or_factory: Any, x: Any, y: Any, **how: Any) -> Margins:
        __tracebackhide__ = True
        run = self.fit(model_or_factory, x, y, **how)
        trainer = self._trainer()
        known = {key: value for key, value in how.items() if value is not None}
        known |= {"steps": len(run.loss), "seed": run.trace.seed}
        known.pop("epochs", None)
        known.setdefault("batch_size", self._policy.batch_size or run.trace.batch_size)
        start = trainer.start_of(model_or_factory)
        with self._paused():
            rerun = trainer.again(model_or_factory, x, y, start=start, **known)
            return margins(rerun, self._policy)

    # Judging

    def _judged(self, trace: Trace, make_rerun: MakeRerun | None = None) -> TrainingRun:
        return judged(trace, self._policy, self._checks, make_rerun)

    def _judged_watched(self, watch: Any) -> list[TrainingRun]:
        """The trainings of a watch, each with what runs it again."""
        trainer = self._trainer()
        return [
            self._judged(trace, partial(trainer.watched_again, watch, recording))
            for trace, recording in zip(watch.traces(), watch.recordings, strict=True)
        ]

    def adopt(self, prepared: Prepared, test: str) -> None:
        """Judge what a fixture trained that the test uses."""
        told = prepared.described_for(test)
        missed = _as_sentences(prepared.missed, self._policy)
        self._unseen += [f"{told}: {it}" for it in (*prepared.unseen, *missed)]
        if prepared.watch is None:
            runs = [self._judged(it) for it in prepared.traces]
            self._adopted += [(run, told, None) for run in runs]
            return
        runs = self._judged_watched(prepared.watch)
        for run, recording in zip(runs, prepared.watch.recordings, strict=True):
            self._adopted.append((run, told, recording.frames))

    def collect(self) -> None:
        """Judge what was watched; to be called once, after `watching`."""
        self._earlier = ()  # let go of what other threads hold
        self.runs = [*(run for run, _, _ in self._adopted), *self.runs]
        if self._watch is not None:
            self._watched = self._judged_watched(self._watch)
            self.runs += self._watched
            self._subjects += self._watched

    def demand(self) -> None:
        """Raise if a watched training failed, was not seen, or none was.

        Raises:
            NotConverged: A training did not converge.
            NothingTrained: No optimizer update was seen in the whole test, or
                some could not be seen.
        """
        __tracebackhide__ = True
        self.demand_adopted()
        self._demand_watched()
        self.demand_some(bool(self.runs))

    def demand_adopted(self) -> None:
        """Raise if a training of a fixture failed.

        Raises:
            NotConverged: A training of a fixture did not converge.
        """
        __tracebackhide__ = True
        for run, told, frames in self._adopted:
            if not run.converged:
                if run not in self.runs:
                    self.runs.insert(0, run)
                error = self._failure(run, (told, *self._others(run)))
                if frames is None:  # another test has its lines
                    error.after_body = True
                    raise error
                raise error.with_traceback(frames.traceback(self._test_file))

    def demand_some(self, trained: bool) -> None:
        """Raise if some updates could not be seen, or there were none at all.

        Raises:
            NothingTrained: Something trained unseen, or nothing trained.
        """
        self._demand_seen()
        if not trained:
            raise NothingTrained(self._watch.why_nothing_trained())

    def _demand_seen(self) -> None:
        """Raise if something trained that could not be seen.

        Raises:
            NothingTrained: Something trained unseen.
        """
        told = list(self._unseen)
        if self._watch is not None:
            missed = _as_sentences(self._watch.missed(), self._policy)
            told += [*self._watch.unseen, *missed]
        if told:
            raise NothingTrained("; ".join(told))

    def _demand_watched(self) -> None:
        __tracebackhide__ = True
        for index, run in enumerate(self._watched):
            if not run.converged:
                run = self._with_missed(run)
                frames = self._watch.recordings[index].frames
                raise self._failure(run, self._others(run)).with_traceback(
                    frames.traceback(self._test_file)
                )

    def _with_missed(self, run: TrainingRun) -> TrainingRun:
        """A failed run with what did not train beside it, which may well be why."""
        missed = self._watch.missed()
        if not missed:
            return run
        found = held_to((*run.findings, *missed), self._policy)
        return self._replaced(run, replace(run.verdict, findings=found))

    def _failure(self, run: TrainingRun, remarks: tuple[str, ...]) -> NotConverged:
        self._failed = (run, remarks)
        return NotConverged(self.message(run, remarks))

    # After the test

    def explain(self, error: NotConverged) -> None:
        """Say in an error of ours why its training failed, proved by re-runs."""
        if self._failed is None:
            return
        run, remarks = self._failed
        explained = self.diagnose(run)
        if explained is not run:
            error.args = (self.message(explained, remarks),)

    def diagnose(self, run: TrainingRun) -> TrainingRun:
        """A failed run with its diagnosis; the same where none is wanted."""
        if not self._policy.diagnose:
            return run
        with self._paused():
            verdict = diagnosed(
                run.verdict, run.make_rerun, self._policy, self._budget, self._checks
            )
        return self._replaced(run, verdict)

    def compare(self) -> None:
        """Hold the runs that passed against re-runs with one standard change.

        Raises:
            NotConverged: One is far worse than it could be, and the policy is
                strict.
        """
        __tracebackhide__ = True
        if not self._asserts or not self._policy.diagnose:
            return
        seen: set[str] = set()
        for run in list(self.runs):
            if not run.converged or run.make_rerun is None or run.trace.model in seen:
                continue
            seen.add(run.trace.model)
            with self._paused():
                verdict = compared(run.verdict, run.make_rerun, self._policy)
            run = self._replaced(run, verdict)
            if not run.converged:
                error = self._failure(run, ())
                error.after_body = True
                raise error

    def check_baseline(
        self,
        path: Path,
        test: str,
        update: Update,
        write: Callable[[Path, Baseline], None] = write_baseline,
    ) -> None:
        """Hold the trainings of the test against its baseline, or write that.

        Args:
            path: File of the baseline.
            test: What the test is called in it.
            update: What is to be written, and does not fail.
            write: Writes it.

        Raises:
            NotConverged: Something got worse.
            BaselineError: There was none, or one of another training.
            UsageError: The file cannot be read or written.
        """
        __tracebackhide__ = True
        if not self._subjects:
            raise BaselineError(
                "baseline=True needs a training in the test itself, and there is none:"
                " what a fixture trains has no baseline"
            )
        subjects = [
            BaselineCase(trace=run.trace, make_rerun=run.make_rerun)
            for run in self._subjects
            if run.make_rerun is not None
        ]
        with self._paused():
            self.held = check_baseline(
                subjects,
                self._policy,
                path=path,
                test=test,
                seed=self._seed,
                device=self._trainer().device(),
                update=update,
                write=write,
            )
        if self.held.state == "written" and not update:
            raise BaselineError(
                f"the test had no baseline: {self.held.description};"
                " review and commit it"
            )
        self._demand_no_regression(self.held)

    def _demand_no_regression(self, held: BaselineResult) -> None:
        __tracebackhide__ = True
        for run, comparisons in zip(self._subjects, held.comparisons, strict=False):
            worse = [it.finding() for it in comparisons if it.regressed]
            found = held_to((*worse, *run.findings), self._policy)
            if any(it.kind == "baseline_regression" for it in found):
                verdict = replace(run.verdict, findings=found)
                new = self._replaced(run, verdict)
                remarks = () if held.note is None else (held.note,)
                lines = tuple(baseline_lines(comparisons, held.seeds))
                error = NotConverged(self.message(new, remarks, baseline=lines))
                error.after_body = True
                raise error

    def _replaced(self, run: TrainingRun, verdict: Verdict) -> TrainingRun:
        """The run with another verdict, in its place among the runs."""
        new = replace(run, verdict=verdict)
        self.runs = [new if it is run else it for it in self.runs]
        self._subjects = [new if it is run else it for it in self._subjects]
        return new

    def _make_rerun(
        self, model_or_factory: Any, x: Any, y: Any, **how: Any
    ) -> Callable[[int], Rerun] | None:
        """What, given a seed, runs a training again after the test; None in an unmarked
        one, and in the examples of a search but for the last, which shows the whole
        failure.
        """
        if not self._asserts or not (self._policy.diagnose or self._policy.baseline):
            return None
        if self._in_search and self.ends_early:
            return None
        kept = {key: how[key] for key in how if key not in ("reuse_built", "growth")}
        start = self._trainer().start_of(model_or_factory)

        def again(seed: int) -> Rerun:
            known: Rerun = self._trainer().again(
                model_or_factory, x, y, start=start, seed=seed, **kept
            )
            return known

        return again

    def failures(self) -> str:
        """The messages of all runs that did not converge, for a report section."""
        failed = [run for run in self.runs if not run.converged]
        return "\n\n".join(self.message(run) for run in failed)

    def nearness(self, run: TrainingRun) -> float:
        """How near a run came to failing; see `judge.margin.nearness`."""
        return nearness(run.trace, self._policy)

    def nearest(self, run: TrainingRun) -> str:
        """The limit that a run came nearest to; see `judge.margin.shares`."""
        used = shares(run.trace, self._policy)
        return max(used, key=lambda name: used[name])

    def message(
        self,
        run: TrainingRun,
        remarks: tuple[str, ...] = (),
        again: tuple[str, ...] | None = None,
        baseline: tuple[str, ...] = (),
    ) -> str:
        """The failure message of a run.

        Args:
            run: The run that the message is about.
            remarks: Sentences on the other runs, or on the search.
            again: Lines that run it again; default the command of the test.
            baseline: Lines on what it reached when its baseline was written.
        """
        if again is None:
            again = () if self._reproduce is None else (f"again: {self._reproduce}",)
        return failure_message(
            run.verdict,
            corruption=None if self.corruption is None else repr(self.corruption),
            again=again,
            remarks=remarks,
            baseline=baseline,
            ascii_only=self._ascii_only,
            verbose=self._verbose,
        )

    def _sealing_growth(self) -> float | None:
        """The growth of the loss from which on no step can save a training."""
        if not self.ends_early or "diverging_loss" in self._policy.allow:
            return None
        return SPIKE * self._policy.max_loss_growth

    def _others(self, failed: TrainingRun) -> tuple[str, ...]:
        if len(self.runs) < 2:
            return ()
        place = self.runs.index(failed) + 1
        good = sum(run.converged for run in self.runs)
        return (
            f"training {place} of the {len(self.runs)} in this test;"
            f" {good} of them converged",
        )

    def _demand_share(self, runs: list[TrainingRun]) -> None:
        """Raise if too few of the seeds converged."""
        __tracebackhide__ = True
        failed = [run for run in runs if not run.converged]
        good, least = len(runs) - len(failed), self._policy.min_pass
        if not failed or good / len(runs) >= least:
            return
        remarks: tuple[str, ...] = ()
        if len(runs) > 1:
            seeds = ", ".join(str(run.trace.seed) for run in failed)
            low, high = share_interval(good, len(runs))
            remarks = (
                f"{good} of {len(runs)} seeds converged (of all seeds {low:.0%} to"
                f" {high:.0%}, with 95% confidence), min_pass={least:g};"
                f" failed on seed {seeds}, the first of them is shown",
            )
        raise self._failure(failed[0], remarks)

    @property
    def _stops(self) -> bool:
        return "nonfinite_loss" not in self._policy.allow

    @contextmanager
    def _paused(self) -> Iterator[None]:
        if self._watch is None:
            yield
            return
        with self._watch.paused():
            yield


def _as_sentences(missed: list[Finding], policy: Policy) -> list[str]:
    """What a policy does not tolerate of what trained unseen."""
    return [f"{it.message}. {it.hint}" for it in missed if it.kind not in policy.allow]


#: Arguments of `Guard.fit` that only the trainer looks at.
_HANDED_ON = ("sample_weight", "validation_data", "shuffle")


def _refuse_unknown(given: Iterable[str]) -> None:
    known = ("steps", "epochs", "batch_size", "seed", *_HANDED_ON)
    for key in given:
        if key not in _HANDED_ON:
            raise UsageError(
                f"{unknown(key, known, 'fit()', 'argument')}; what else model.fit"
                " takes, give to model.fit in a test marked converges"
            )


def _counts(**given: int | None) -> dict[str, int]:
    """The counts that were given, checked.

    Raises:
        UsageError: One is not a whole number of at least 1.
    """
    return {
        name: checked(name, value, COUNT)
        for name, value in given.items()
        if value is not None
    }


def _named(trace: Trace, name: str | None) -> Trace:
    return trace if name is None else replace(trace, model=name)
