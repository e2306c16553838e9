"""How far the trainings of a baseline are, for who waits for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.change import Change, Rerun, RerunRequest
from ..core.errors import LossguardError
from ..core.trace import Trace

__all__ = ["Announced", "BaselineProgress", "Listener"]


@dataclass(slots=True)
class BaselineProgress:
    """What is being done, and how many trainings have begun.

    Attributes:
        task: As ``"writing its baseline"``.
        trainings: Of all trainings of the test, with the one that has just begun.
    """

    task: str
    trainings: int = 0

    def describe(self, seconds: float) -> str:
        """For a line on a terminal."""
        one = "training" if self.trainings == 1 else "trainings"
        return f"{self.task}: {self.trainings} {one} in {seconds:.0f} s"


#: Called as each training begins.
Listener = Callable[[BaselineProgress], None]


class Announced:
    """A training that can be run again; each start is reported.

    Args:
        rerun: Runs it.
        progress: Where trainings are counted.
        tell: Called at each start.
    """

    def __init__(
        self, rerun: Rerun, progress: BaselineProgress, tell: Listener
    ) -> None:
        self._rerun, self._progress, self._tell = rerun, progress, tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rerun, name)

    def __call__(self, *changes: Change, **how: Any) -> Trace:
        """Train from the same start."""
        self._begin()
        return self._rerun(*changes, **how)

    def several(
        self,
        requests: Sequence[RerunRequest],
        begin: Callable[[], None] | None = None,
    ) -> list[Trace | LossguardError]:
        """Several at once; each is reported."""
        assert begin is None
        return self._rerun.several(requests, self._begin)

    def _begin(self) -> None:
        self._progress.trainings += 1
        self._tell(self._progress)
