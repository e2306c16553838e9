"""The only entry point to training: trains, watches and reruns models."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

from ..core.trace import Trace
from .backend.frameworks import keras, tf
from .backend.snapshot import Seeder, Snapshot
from .loop.loop_trainer import LoopTrainer
from .loop.spec import make_spec
from .record.recording import Recording
from .record.threads import under_way
from .rerun.rerun import Rerun
from .rerun.rerun_watched import watched_again
from .watching.watch import Watch, watching


class Trainer:
    """Trains models and returns traces, by whichever way suits the model.

    Args:
        shared_by: Number of processes that train on this machine at the same time.
    """

    def __init__(self, shared_by: int = 1) -> None:
        self._loops = LoopTrainer(shared_by)
        self._seeder = Seeder()

    def fit_seeds(
        self, model_or_factory: Any, x: Any, y: Any = None, **how: Any
    ) -> list[Trace]:
        """Run one training from several ``seeds``; see `LoopTrainer.fit_seeds`."""
        return self._loops.fit_seeds(model_or_factory, x, y, **how)

    def start_of(self, model_or_factory: Any) -> Snapshot | None:
        """Return the state of a built model, or None if given anything else.

        Training can be rerun from this state, even if the test changes the model later.
        """
        if isinstance(model_or_factory, keras.Model) and model_or_factory.built:
            return Snapshot.of_model(model_or_factory)
        return None

    def again(
        self,
        model_or_factory: Any,
        x: Any,
        y: Any = None,
        *,
        seed: int = 0,
        start: Snapshot | None = None,
        **how: Any,
    ) -> Rerun:
        """Prepare a training to be rerun with changes.

        Args:
            model_or_factory: As for `LoopTrainer.fit_seeds`.
            x: As for `LoopTrainer.fit_seeds`.
            y: As for `LoopTrainer.fit_seeds`.
            seed: Seed of the weights and of the order of the batches.
            how: The other arguments of `LoopTrainer.fit_seeds`.
            start: Initial state of a model given as an object; see `start_of`.

        Raises:
            UsageError: The model or the data cannot be trained as given.
        """
        return Rerun(
            self._loops, model_or_factory, make_spec(x, y, seed=seed, **how), start
        )

    def watched_again(self, watch: Watch, recording: Recording) -> Rerun:
        """Prepare one of the watched trainings to be rerun with changes.

        Args:
            watch: The watch that saw the training.
            recording: The recording of the training, one of the watch's.

        Raises:
            CannotChange: The watch has forgotten the training, another training works
                against it, or its model, data, loss or initial state were not seen.
        """
        return watched_again(self._loops, watch.seen(recording))

    def reseed(self, seed: int) -> None:
        """Reseed every random generator, as `set_seed` does, at lower cost."""
        self._seeder.start(seed)

    def device(self) -> str:
        """Return ``"GPU"`` if TensorFlow uses one for training, else ``"CPU"``."""
        return "GPU" if tf.config.list_logical_devices("GPU") else "CPU"

    def watching(
        self,
        *,
        seed: int | None,
        stop_on_nonfinite: bool,
        ignoring: Collection[FrameType] = (),
    ) -> AbstractContextManager[Watch]:
        """Watch the trainings inside a block; see `watch.watching`."""
        return watching(
            seed=seed, stop_on_nonfinite=stop_on_nonfinite, ignoring=ignoring
        )

    def under_way(self) -> tuple[FrameType, ...]:
        """Return the calls that other threads are running; see `threads.under_way`."""
        return under_way()
