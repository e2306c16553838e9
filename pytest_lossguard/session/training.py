"""What a test needs of what trains."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..core.trace import Trace

__all__ = ["Training"]


class Training(Protocol):
    """It fits, watches, and runs trainings again; see `training.Trainer`."""

    def fit_seeds(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> list[Trace]:
        """Run one training from several ``seeds``."""

    def watching(
        self, *, seed: int | None, stop_on_nonfinite: bool, ignoring: Any = ()
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
