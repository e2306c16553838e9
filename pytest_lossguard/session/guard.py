"""The guard of one test: judge, compare and explain its trainings.

This module imports neither pytest nor TensorFlow: the caller passes the trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from threading import RLock
from typing import Any

from ..baselines.check import BaselineResult
from ..core.change import MakeRerun
from ..core.custom_checks import Check
from ..core.errors import BaselineError, NotConverged, NothingTrained, StopTraining
from ..core.findings import Finding
from ..core.policy import Policy
from ..core.verdict import Verdict
from ..experiments.margins import Margins
from ..experiments.remembered import made_once
from ..judge import held_to
from ..judge.limit_used import nearness, shares
from .after_test import DIAGNOSIS_BUDGET, compared, diagnosed
from .baseline import BaselineRequest, compare_with_baseline, first_regression
from .failure import Failure, MessageStyle, beside_others, share_of_seeds
from .judged_trainer import JudgedTrainer, as_sentences
from .runs import Prepared, TrainingRun, WatchedRuns
from .training import Training

#: Returns the trainings of the fixtures of a test; called once its body has ended.
TrainedInFixtures = Callable[[], Iterable[Prepared]]


class Guard:
    """Says what the trainings of one test mean for it.

    Args:
        policy: The policy that trainings are judged by; None to assert nothing.
        seed: The base seed.
        trainer: Returns the trainer; called when it is first needed.
        test: Node id of the test.
        test_file: Path of the test file, where tracebacks begin.
        style: How the messages of the test are written.
        budget: Time limit for the diagnosis of a failure, in seconds.
        checks: Custom checks.

    Attributes:
        runs: The judged runs; for a search, the runs that its report shows.
        findings: Findings that failed the test but belong to no recorded training.
        baseline: The comparison with the baseline; None if the test has none.
    """

    def __init__(
        self,
        *,
        policy: Policy | None,
        seed: int,
        trainer: Callable[[], Training],
        test: str = "",
        test_file: str = "",
        style: MessageStyle | None = None,
        budget: float = DIAGNOSIS_BUDGET,
        checks: tuple[Check, ...] = (),
    ) -> None:
        self.runs: list[TrainingRun] = []
        self.findings: tuple[Finding, ...] = ()
        self.baseline: BaselineResult | None = None
        self._corruption: Any = None
        self._asserts = policy is not None
        self._policy = policy or Policy()
        self._test = test
        self._test_file = test_file
        self._style = style or MessageStyle()
        self._budget = budget
        self._checks = checks
        self._trainer = JudgedTrainer(
            policy=self._policy,
            seed=seed,
            trainer=trainer,
            checks=checks,
            keeps_reruns=self._asserts
            and (self._policy.diagnose or self._policy.baseline),
        )
        self._one_at_a_time = RLock()
        self._watched: list[TrainingRun] = []
        self._adopted: list[tuple[TrainingRun, str, Any]] = []
        self._unseen: list[str] = []
        self._missed: list[Finding] = []
        self._subjects: list[TrainingRun] = []

    # One test, from its body to its verdict

    @contextmanager
    def judging(
        self,
        prepared: TrainedInFixtures = lambda: (),
        baseline: BaselineRequest | None = None,
    ) -> Iterator[None]:
        """Watch a test body, judge its trainings, compare them with re-runs and with
        the baseline, and diagnose failures.

        Args:
            prepared: Returns the trainings of the fixtures of the test.
            baseline: The baseline of the test; None if it has none.

        Raises:
            NotConverged: A training did not converge, or got worse than its baseline.
            NothingTrained: No optimizer update was recorded in the test, or some
                updates could not be recorded.
            BaselineError: The test had no baseline, or its baseline belongs to another
                training.
        """
        __tracebackhide__ = True
        with self.explaining():
            try:
                with self.watching():
                    yield
            except BaseException as error:  # includes pytest.skip and timeouts
                self._collect_beside(error, prepared)
                raise
            self._collect(prepared)
            self._demand_adopted()
            self._demand_watched()
            self._demand_some(bool(self.runs))
            self.compare()
            if baseline is not None:
                self.check_baseline(baseline)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Add a diagnosis by re-runs to a `NotConverged` that the block raises."""
        __tracebackhide__ = True
        try:
            yield
        except NotConverged as error:
            explained = self._explained(error)
            if explained is error:
                raise
            raise explained.with_traceback(error.__traceback__) from None

    def _explained(self, error: NotConverged) -> NotConverged:
        failure = error.failure
        if failure is None or failure.baseline:  # a regression still converges
            return error
        run = self.diagnose(failure.run)
        if run is failure.run:
            return error
        explained = self._style.error(replace(failure, run=run))
        for note in getattr(error, "__notes__", ()):
            explained.add_note(note)
        return explained

    def watching(self) -> AbstractContextManager[None]:
        """Watch the trainings of a block; see `JudgedTrainer.watching`."""
        return self._trainer.watching()

    def conclude_search(
        self, runs: list[TrainingRun], *, trained: bool, prepared: TrainedInFixtures
    ) -> None:
        """Judge the trainings of the fixtures of a search, once its examples have
        passed.

        Args:
            runs: The runs that a report shows of the search.
            trained: Whether any example trained.
            prepared: Returns the trainings of the fixtures of the test.

        Raises:
            NotConverged: A training of a fixture did not converge.
            NothingTrained: Some training could not be recorded, or nothing trained.
        """
        __tracebackhide__ = True
        self.show(runs)
        self._adopt(prepared())
        with self.explaining():
            self._demand_adopted()
        self._demand_some(trained)

    def show(self, runs: list[TrainingRun]) -> None:
        """Set the runs that a report shows of a search."""
        self.runs = runs

    # Running

    def fit(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> TrainingRun:
        """Train and judge; raise if the policy asserts convergence. One thread at a
        time.
        """
        __tracebackhide__ = True
        with self._one_at_a_time:
            runs = self._trainer.fit(model_or_factory, x, y, **how)
            self.runs += runs
            self._subjects += [it for it in runs[:1] if it.make_rerun is not None]
            least = self._policy.min_pass
            failure = share_of_seeds(runs, least) if self._asserts else None
            if failure is not None:
                raise self._error(failure)
            return next((run for run in runs if not run.converged), runs[0])

    def preparing(self, by: str, test: str) -> AbstractContextManager[Prepared]:
        """Watch the set-up of a fixture; see `JudgedTrainer.preparing`."""
        return self._trainer.preparing(by, test)

    @contextmanager
    def example(
        self,
        corruption: Any = None,
        *,
        ends_early: bool = True,
        seed: int | None = None,
    ) -> Iterator[None]:
        """Run and judge one example of a search, separately from all others.

        Args:
            corruption: The corruption of the data.
            ends_early: Whether to end a training once no further step can save it;
                False to record the whole curve.
            seed: Seed to use instead of the base seed; None for the base seed.

        Raises:
            NotConverged: A training of the example did not converge.
        """
        __tracebackhide__ = True
        self.runs, self._watched, self.findings = [], [], ()
        self._corruption = corruption
        try:
            with self._trainer.example(ends_early=ends_early, seed=seed):
                try:
                    yield
                except StopTraining:
                    pass
                except BaseException:
                    self._collect()
                    raise
                self._collect()
                self._demand_watched()
                self._demand_seen()
        finally:
            self._corruption = None

    @contextmanager
    def watch(self, name: str | None = None) -> Iterator[WatchedRuns]:
        """Watch part of a test; see `JudgedTrainer.watch`."""
        with self._trainer.watch(name) as watched:
            yield watched
        if self._trainer.current is None:  # else they are collected after the body
            self.runs += watched.runs

    def margins(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> Margins:
        """Measure how far a training is from no longer converging; see
        `experiments.margins`.
        """
        __tracebackhide__ = True
        with self._one_at_a_time:
            run = self.fit(model_or_factory, x, y, **how)
            return self._trainer.margins(run, model_or_factory, x, y, **how)

    # Judging

    def _adopt(self, prepared: Iterable[Prepared]) -> None:
        """Judge the trainings of the fixtures that the test uses."""
        for each in prepared:
            by = each.described_for(self._test)
            missed = as_sentences(each.missed, self._policy)
            self._unseen += [f"{by}: {it}" for it in (*each.unseen, *missed)]
            self._missed += each.missed
            judged = self._trainer.judged_in(each)
            self._adopted += [(run, by, frames) for run, frames in judged]

    def _collect(self, prepared: TrainedInFixtures = lambda: ()) -> None:
        """Judge the watched trainings; called once, after the body."""
        self._adopt(prepared())
        self.runs = [*(run for run, _, _ in self._adopted), *self.runs]
        self._watched = self._trainer.collect()
        self.runs += self._watched
        self._subjects += self._watched

    def _collect_beside(
        self, error: BaseException, prepared: TrainedInFixtures
    ) -> None:
        """Judge what was trained before an error ended the body. The error remains that
        of the test, even if judging fails.
        """
        try:
            self._collect(prepared)
        except Exception as ours:
            error.add_note(
                "note: pytest-lossguard could not judge what had been trained:"
                f" {type(ours).__name__}: {ours}"
            )

    def _demand_adopted(self) -> None:
        """Raise if a training of a fixture did not converge."""
        __tracebackhide__ = True
        for run, by, frames in self._adopted:
            if not run.converged:
                if run not in self.runs:
                    self.runs.insert(0, run)
                remarks = (by, *beside_others(run, self.runs))
                late = frames is None  # the frames belonged to another test
                error = self._error(Failure(run=run, remarks=remarks, after_body=late))
                if frames is None:
                    raise error
                raise error.with_traceback(frames.traceback(self._test_file))

    def _demand_some(self, trained: bool) -> None:
        """Raise if some updates could not be recorded, or if there were none."""
        self._demand_seen()
        if not trained:
            raise NothingTrained(self._trainer.current.why_nothing_trained())

    def _demand_seen(self) -> None:
        """Raise `NothingTrained` if a training could not be recorded."""
        sentences, found = list(self._unseen), list(self._missed)
        if self._trainer.current is not None:
            missed = self._trainer.missed()
            found += missed
            sentences += self._trainer.current.unseen
            sentences += as_sentences(missed, self._policy)
        self.findings = held_to(found, self._policy)
        if sentences:
            raise NothingTrained("; ".join(sentences))

    def _demand_watched(self) -> None:
        __tracebackhide__ = True
        for index, run in enumerate(self._watched):
            if not run.converged:
                run = self._with_missed(run)
                frames = self._trainer.current.recordings[index].frames
                failure = Failure(run=run, remarks=beside_others(run, self.runs))
                raise self._error(failure).with_traceback(
                    frames.traceback(self._test_file)
                )

    def _with_missed(self, run: TrainingRun) -> TrainingRun:
        """Add findings on trainings that were not recorded to a failed run: they may be
        the cause.
        """
        missed = self._trainer.missed()
        if not missed:
            return run
        found = held_to((*run.findings, *missed), self._policy)
        return self._replaced(run, replace(run.verdict, findings=found))

    def _error(self, failure: Failure) -> NotConverged:
        return self._style.error(replace(failure, corruption=self._corruption))

    # After the test

    def release(self) -> None:
        """Release what was trained, without waiting for the garbage collector.

        Frames of the user's code lead to iterators of datasets. One that the collector
        finds minutes later can take another minute to delete: its TensorFlow thread
        sleeps for about as long as it has lived.
        """
        self._trainer.release()
        for trained in (self._watched, self._adopted, self._subjects):
            trained.clear()
        self.runs = []

    def diagnose(
        self, run: TrainingRun, make_rerun: MakeRerun | None = None
    ) -> TrainingRun:
        """Diagnose a failed run. The run is returned unchanged if the policy turns
        diagnosis off, or if a comparison with re-runs has already diagnosed it.

        Args:
            run: The failed run.
            make_rerun: Makes the re-run of an earlier comparison, to reuse its
                trainings; None for the re-run of ``run``.
        """
        if not self._policy.diagnose or run.verdict.diagnosis is not None:
            return run
        make_rerun = make_rerun or run.make_rerun
        with self._trainer.paused():
            verdict = diagnosed(
                run.verdict, make_rerun, self._policy, self._budget, self._checks
            )
        return self._replaced(run, verdict)

    def compare(self) -> None:
        """Compare the runs that passed with re-runs that have one standard change.

        Raises:
            NotConverged: A run is proved to be far worse than it could be, or it is and
                the policy is strict.
        """
        __tracebackhide__ = True
        if not self._asserts or not self._policy.diagnose:
            return
        seen: set[str] = set()
        for run in list(self.runs):
            if not run.converged or run.make_rerun is None or run.trace.model in seen:
                continue
            seen.add(run.trace.model)
            again = made_once(run.make_rerun)
            with self._trainer.paused():
                verdict = compared(run.verdict, again, self._policy)
            run = self._replaced(run, verdict)
            if not run.converged:
                run = self.diagnose(run, again)
                raise self._error(Failure(run=run, after_body=True))

    def check_baseline(self, asked: BaselineRequest) -> None:
        """Compare the trainings of the test with its baseline, or write the baseline.

        Raises:
            NotConverged: A metric got worse.
            BaselineError: The test had no baseline, or its baseline belongs to another
                training.
            UsageError: The baseline file cannot be read or written.
        """
        __tracebackhide__ = True
        with self._trainer.paused():
            self.baseline = compare_with_baseline(
                self._subjects,
                asked,
                self._policy,
                seed=self._trainer.seed,
                device=self._trainer.device,
            )
        if self.baseline.state == "written" and not asked.update:
            raise BaselineError(
                f"this test had no baseline: {self.baseline.description}; review and"
                " commit it"
            )
        found = first_regression(self._subjects, self.baseline, self._policy)
        if found is not None:
            run, failure = found
            run = self._replaced(run, failure.run.verdict)
            raise self._error(replace(failure, run=run))

    def _replaced(self, run: TrainingRun, verdict: Verdict) -> TrainingRun:
        """Replace the verdict of a run, keeping its place among the runs."""
        new = replace(run, verdict=verdict)
        self.runs = [new if it is run else it for it in self.runs]
        self._subjects = [new if it is run else it for it in self._subjects]
        return new

    def failures(self) -> str:
        """Return the messages of all failed runs, for a section of the test report."""
        failed = [Failure(run=run) for run in self.runs if not run.converged]
        return "\n\n".join(self._style.message(it) for it in failed)

    def error(self, failure: Failure) -> NotConverged:
        """Return the exception for a failure, in the message style of this test."""
        return self._style.error(failure)

    def nearness(self, run: TrainingRun) -> float:
        """How near a run came to failing; see `judge.limit_used.nearness`."""
        return nearness(run.trace, self._policy)

    def nearest(self, run: TrainingRun) -> str:
        """The limit that a run came nearest to; see `judge.limit_used.shares`."""
        used = shares(run.trace, self._policy)
        return max(used, key=lambda name: used[name])
