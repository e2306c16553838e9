"""The trainings of a test beside its baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ..baselines import Baseline, write_baseline
from ..baselines.check import BaselineCase, BaselineResult, Update, check_baseline
from ..baselines.progress import Listener
from ..core.errors import BaselineError
from ..core.policy import Policy
from .runs import TrainingRun

__all__ = ["BaselineRequest", "compare_with_baseline"]


def _unreported() -> AbstractContextManager[Listener]:
    return nullcontext(lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRequest:
    """The baseline that a test is compared with.

    Attributes:
        path: File of the baseline.
        test: What the test is called in it.
        update: What is to be written, and does not fail.
        write: Writes it.
        progress: While it lasts, what it gives is called with each training.
    """

    path: Path
    test: str
    update: Update = ""
    write: Callable[[Path, Baseline], None] = write_baseline
    progress: Callable[[], AbstractContextManager[Listener]] = _unreported


def compare_with_baseline(
    runs: Sequence[TrainingRun],
    asked: BaselineRequest,
    policy: Policy,
    *,
    seed: int,
    device: Callable[[], str],
) -> BaselineResult:
    """Compare the trainings of a test with its baseline, or write that.

    Args:
        runs: The trainings of the test itself.
        asked: Which baseline.
        policy: What the test allows.
        seed: The base seed.
        device: Says what trains.

    Raises:
        BaselineError: The test itself trained nothing, or it is another training's.
        UsageError: The file cannot be read or written.
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
