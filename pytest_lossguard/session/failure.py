"""Why a test fails, and the message that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..core.column_stats import share_interval
from ..core.errors import NotConverged
from ..report.message import failure_message
from .runs import TrainingRun

__all__ = ["Failure", "MessageStyle", "beside_others", "share_of_seeds"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Failure:
    """A run that fails its test, and what else the message says.

    Attributes:
        run: The run.
        remarks: Sentences on the other runs, or on the search.
        baseline: Lines on what it reached when its baseline was written.
        corruption: What its data were corrupted by, None where they were not.
        again: Lines that run it again; None for the command of the test.
        after_body: Whether it was found once the test body had ended.
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
        reproduce: The command that runs the test again.
        ascii_only: Draw for a terminal without block characters.
        verbose: Show every experiment of a diagnosis.
    """

    reproduce: str | None = None
    ascii_only: bool = False
    verbose: bool = False

    def error(self, failure: Failure) -> NotConverged:
        """The exception, with its whole message."""
        return NotConverged(
            self.message(failure), failure=failure, after_body=failure.after_body
        )

    def message(self, failure: Failure) -> str:
        """What a failed test shows."""
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
    """The failure of a training of which too few seeds converged.

    Args:
        runs: One per seed.
        least: The share that must converge.
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
    """Which of several trainings of a test a message is about."""
    if len(runs) < 2:
        return ()
    good = sum(run.converged for run in runs)
    return (
        f"training {runs.index(failed) + 1} of the {len(runs)} in this test;"
        f" {good} of them converged",
    )
