"""The progress of the trainings of a baseline, to show to the user who waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.change import Change, Rerun, RerunRequest
from ..core.errors import LossguardError
from ..core.trace import Trace


@dataclass(slots=True)
class BaselineProgress:
    """The current task, and how many re-runs have begun.

    Attributes:
        task: The task, as ``"writing its baseline"``.
        trainings: The number of re-runs that have begun, over all trainings of the
            test.
    """

    task: str
    trainings: int = 0

    def describe(self, seconds: float) -> str:
        """Return the progress as text for one line of a terminal."""
        one = "training" if self.trainings == 1 else "trainings"
        return f"{self.task}: {self.trainings} {one} in {seconds:.0f} s"


#: Called as each re-run begins.
Listener = Callable[[BaselineProgress], None]


class Announced:
    """A `Rerun` that reports the start of each training.

    Args:
        rerun: The `Rerun` that trains.
        progress: Counts the trainings.
        tell: Called with ``progress`` at each start.
    """

    def __init__(
        self, rerun: Rerun, progress: BaselineProgress, tell: Listener
    ) -> None:
        self._rerun, self._progress, self._tell = rerun, progress, tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rerun, name)

    def __call__(self, *changes: Change, **how: Any) -> Trace:
        """Report the start, and train from the same start."""
        self._begin()
        return self._rerun(*changes, **how)

    def several(
        self,
        requests: Sequence[RerunRequest],
        begin: Callable[[], None] | None = None,
    ) -> list[Trace | LossguardError]:
        """Run several re-runs at once, and report the start of each."""
        assert begin is None
        return self._rerun.several(requests, self._begin)

    def _begin(self) -> None:
        self._progress.trainings += 1
        self._tell(self._progress)
