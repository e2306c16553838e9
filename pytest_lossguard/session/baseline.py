"""Compare the trainings of a test with its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from ..baselines import Baseline, write_baseline
from ..baselines.check import BaselineCase, BaselineResult, Update, check_baseline
from ..baselines.comparison import BASELINE_REGRESSION
from ..baselines.progress import Listener
from ..core.errors import BaselineError
from ..core.policy import Policy
from ..judge import held_to
from ..report.baseline import baseline_lines
from .failure import Failure
from .runs import TrainingRun


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRequest:
    """The baseline that a test is compared with.

    Attributes:
        path: Path of the baseline file.
        test: Name of the test in the baseline file.
        update: Which baselines to write instead of failing: ``""`` for none, ``"new"``
            for missing ones, ``"all"`` for all.
        write: Writes a baseline to a path.
        progress: Makes a context manager whose value is called as each training begins.
    """

    path: Path
    test: str
    update: Update = ""
    write: Callable[[Path, Baseline], None] = write_baseline
    progress: Callable[[], AbstractContextManager[Listener]] = lambda: nullcontext(
        lambda _: None
    )


def compare_with_baseline(
    runs: Sequence[TrainingRun],
    asked: BaselineRequest,
    policy: Policy,
    *,
    seed: int,
    device: Callable[[], str],
) -> BaselineResult:
    """Compare the trainings of a test with its baseline, or write the baseline.

    Args:
        runs: The trainings of the test body.
        asked: The baseline to compare with.
        policy: The policy of the test.
        seed: The base seed.
        device: Returns the name of the device that trains.

    Raises:
        BaselineError: The test body trained nothing, or the baseline belongs to another
            training.
        UsageError: The baseline file cannot be read or written.
    """
    if not runs:
        raise BaselineError(
            "baseline=True needs a training in the test itself, and there is none:"
            " what a fixture trains has no baseline"
        )
    cases = [
        BaselineCase(trace=run.trace, make_rerun=run.make_rerun)
        for run in runs
        if run.make_rerun is not None
    ]
    with asked.progress() as tell:
        return check_baseline(
            cases,
            policy,
            path=asked.path,
            test=asked.test,
            seed=seed,
            device=device(),
            update=asked.update,
            write=asked.write,
            tell=tell,
        )


def first_regression(
    runs: Sequence[TrainingRun], result: BaselineResult, policy: Policy
) -> tuple[TrainingRun, Failure] | None:
    """Return the first run that got worse than its baseline, with the failure of the
    test; None if there is none.
    """
    for run, comparisons in zip(runs, result.comparisons, strict=False):
        worse = [it.finding() for it in comparisons if it.regressed]
        found = held_to((*worse, *run.findings), policy)
        if any(it.kind == BASELINE_REGRESSION.name for it in found):
            failure = Failure(
                run=replace(run, verdict=replace(run.verdict, findings=found)),
                remarks=() if result.note is None else (result.note,),
                baseline=tuple(baseline_lines(comparisons, result.seeds)),
                after_body=True,
            )
            return run, failure
    return None
