"""The failure of a test: its run, the remarks on it, and its message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.column_stats import share_interval
from ..core.errors import NotConverged
from ..report.message import failure_message
from .runs import TrainingRun


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Failure:
    """A run that fails its test, with what else the message says.

    Attributes:
        run: The run that failed.
        remarks: Sentences on the other runs of the test, or on the search.
        baseline: Lines of the comparison with the baseline; empty without one.
        corruption: The corruption of the data; None if they were not corrupted.
        again: Lines that say how to run the case again; None for the command that runs
            the test.
        after_body: Whether the failure was found after the test body had ended.
    """

    run: TrainingRun
    remarks: tuple[str, ...] = ()
    baseline: tuple[str, ...] = ()
    corruption: Any = None
    again: tuple[str, ...] | None = None
    after_body: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStyle:
    """How the messages of one test are written.

    Attributes:
        reproduce: The command that runs the test again; None to leave it out.
        ascii_only: Whether to draw curves without block characters.
        verbose: Whether to show every experiment of a diagnosis.
    """

    reproduce: str | None = None
    ascii_only: bool = False
    verbose: bool = False

    def error(self, failure: Failure) -> NotConverged:
        """Return the exception for a failure, with its full message."""
        return NotConverged(
            self.message(failure), failure=failure, after_body=failure.after_body
        )

    def message(self, failure: Failure) -> str:
        """Return the message of a failed test."""
        again, corruption = failure.again, failure.corruption
        if again is None:
            again = () if self.reproduce is None else (f"again: {self.reproduce}",)
        return failure_message(
            failure.run.verdict,
            corruption=None if corruption is None else repr(corruption),
            again=again,
            remarks=failure.remarks,
            baseline=failure.baseline,
            ascii_only=self.ascii_only,
            verbose=self.verbose,
        )


def share_of_seeds(runs: Sequence[TrainingRun], least: float) -> Failure | None:
    """Return the failure of a training if too few of its seeds converged, else None.

    Args:
        runs: The runs of the training, one per seed.
        least: Share of seeds that must converge.
    """
    failed = [run for run in runs if not run.converged]
    good = len(runs) - len(failed)
    if not failed or good / len(runs) >= least:
        return None
    if len(runs) == 1:
        return Failure(run=failed[0])
    seeds = ", ".join(str(run.trace.seed) for run in failed)
    low, high = share_interval(good, len(runs))
    remark = (
        f"{good} of {len(runs)} seeds converged (of all seeds {low:.0%} to"
        f" {high:.0%}, with 95% confidence), min_pass={least:g};"
        f" failed on seed {seeds}, the first of them is shown"
    )
    return Failure(run=failed[0], remarks=(remark,))


def beside_others(failed: TrainingRun, runs: Sequence[TrainingRun]) -> tuple[str, ...]:
    """Say which of the trainings of a test failed; empty if there is only one."""
    if len(runs) < 2:
        return ()
    good = sum(run.converged for run in runs)
    return (
        f"training {runs.index(failed) + 1} of the {len(runs)} in this test;"
        f" {good} of them converged",
    )
