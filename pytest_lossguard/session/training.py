"""The interface of the trainer that a test uses."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..core.trace import Trace


class Training(Protocol):
    """Fits models, watches trainings and runs them again; see `training.Trainer`."""

    def fit_seeds(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> list[Trace]:
        """Run one training from several ``seeds``."""

    def watching(
        self, *, seed: int | None, stop_on_nonfinite: bool, ignoring: Any = ()
    ) -> AbstractContextManager[Any]:
        """Watch the trainings inside a block, except for calls in ``ignoring``, which
        were under way before.
        """

    def under_way(self) -> Any:
        """Return the calls that other threads are in."""

    def start_of(self, model_or_factory: Any) -> Any:
        """Return the state of a model given as an object; None for anything else."""

    def again(self, model_or_factory: Any, x: Any, y: Any = None, **how: Any) -> Any:
        """Make a training that can be run again with changes."""

    def watched_again(self, watch: Any, recording: Any) -> Any:
        """Make a watched training that can be run again with changes."""

    def reseed(self, seed: int) -> None:
        """Seed every random generator."""

    def device(self) -> str:
        """Return the name of the device that trains, as ``"CPU"``."""
