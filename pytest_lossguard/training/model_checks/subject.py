"""The model to check, and rows of its data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ...core.change import Change
from ...core.checked import Outcome, Skipped
from ...core.errors import CannotChange, UsageError
from ...core.trace import Trace
from ..backend.data import (
    ArrayData,
    checked_arrays,
    first_rows,
    is_dataset,
    kept_arrays,
)
from ..backend.frameworks import keras, tf
from ..backend.private_api import call_model, flat_layers
from ..backend.snapshot import (
    Snapshot,
    preserved_seeds,
    seeded_call,
    variables_and_states,
)
from ..backend.tensors import as_tensor, fixed_rows, flatten, map_structure
from ..loop.models import build
from ..trainer import Trainer

#: Most rows of the sample, and most rows of one batch.
_MOST_ROWS, ONE_BATCH = 256, 32
#: Steps on one batch: enough for Adam with its default rate to memorize 32 rows.
_STEPS = 300


class NotMade(Exception):
    """A check cannot be made; the message says why.

    Args:
        reason: Why the check cannot be made.
        applies: Whether the check would make sense for the model.
    """

    def __init__(self, reason: str, *, applies: bool = False) -> None:
        super().__init__(reason)
        self.applies = applies


class Subject:
    """A model to check, given as an object or as a function, and rows of its data.

    Args:
        build_model: As for ``lossguard.fit``; the model need not be compiled.
        x: Inputs, or a dataset of batches.
        y: Targets; None with a dataset, or if the loss needs none.
        seed: Seed of the weights and of the trainings.

    Attributes:
        data: At most 256 rows; of a dataset, the first batches with about as many.
        is_object: Whether the model was given as an object, so that no second one can
            be built.
        seed: See ``Args``.

    Raises:
        UsageError: The model or the data are not valid.
    """

    def __init__(self, build_model: Any, x: Any, y: Any, *, seed: int) -> None:
        self.data = _some_rows(x, y)
        self.is_object = isinstance(build_model, keras.Model)
        if not self.is_object and not callable(build_model):
            raise UsageError(
                "model_check() needs a function that builds a keras.Model, or a model;"
                f" got {type(build_model).__name__}"
            )
        self._given, self.seed = build_model, seed
        self._start: Snapshot | None = None
        if self.is_object:
            self._built(build_model)
            self._start = _snapshot(build_model)
        self._models: dict[int, Any] = {}
        self._trainer = Trainer()

    def checked(self, check: Callable[[Subject], Outcome]) -> Outcome:
        """Run a check, and restore a model given as an object, the seeds and the global
        dtype policy.
        """
        policy = keras.config.dtype_policy()
        kept = nullcontext() if self._start is None else self._start.in_force()
        try:
            with preserved_seeds(), kept, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return check(self)
        except NotMade as reason:
            return Skipped(str(reason), applies=reason.applies)
        finally:
            keras.config.set_dtype_policy(policy)

    # The model

    @property
    def model(self) -> Any:
        """The built model in its first state under ``seed``; not to be changed."""
        return self.fresh(self.seed, kept=True)

    def fresh(self, seed: int, *, kept: bool = False) -> Any:
        """Return a built model in its first state under a seed; a model given as an
        object is restored to its first state.

        Args:
            seed: Seed of the weights.
            kept: Whether to keep the model and return it again for the same seed.
        """
        if self._start is not None:
            self._start.restore()
            return self._given
        if kept and seed in self._models:
            return self._models[seed]
        model = seeded_call(seed, self._made)
        if kept:
            self._models[seed] = model
        return model

    def _made(self) -> Any:
        model = self._given()
        if not isinstance(model, keras.Model):
            raise UsageError(
                "model_check() needs a function that returns a keras.Model; it"
                f" returned {type(model).__name__}"
            )
        return self._built(model)

    def _built(self, model: Any) -> Any:
        if is_compiled(model):
            build(model, self.data.probe())
        elif not model.built:
            model(map_structure(_tensor, self.data.rows(np.arange(2)).x))
        return model

    def need_loss(self) -> None:
        """Raise `NotMade` if the model is not compiled, or its loss needs targets and
        there are none.
        """
        if not is_compiled(self.model):
            raise NotMade("the model is not compiled: it has no loss")
        if self.data.y is None and self.model.loss is not None:
            raise NotMade("no targets were given")

    def need_factory(self) -> None:
        """Raise `NotMade` if the model was given as an object."""
        if self.is_object:
            raise NotMade(
                "the check needs a function that builds the model, not a model"
            )

    def need_any_rows(self) -> None:
        """Raise `NotMade` if the model has a fixed batch size."""
        if self.batch_size is not None:
            raise NotMade(
                f"it takes batches of {self.batch_size} rows only", applies=True
            )

    @property
    def has_frozen_layers(self) -> bool:
        """Whether a layer with weights is not trainable."""
        return any(not it.trainable for it in flat_layers(self.model) if it.weights)

    @property
    def has_output_without_loss(self) -> bool:
        """Whether an output has no loss, which ``compile`` allows."""
        outputs = flatten(getattr(self.model, "outputs", None) or [])
        return 1 < len(outputs) > len(flatten(self.model.loss)) > 0

    # Rows

    @cached_property
    def batch_size(self) -> int | None:
        """Fixed batch size of the model; None if it has none."""
        return fixed_rows(self.model)

    def rows(self, count: int = ONE_BATCH) -> tuple[Any, Any, Any]:
        """Return inputs, targets and weights of the first rows as tensors; a model with
        a fixed batch size gets that many rows instead of ``count``.
        """
        some = self._first_rows(count)
        x, y, weights = (map_structure(_tensor, it) for it in some.parts)
        return x, y, weights

    def _first_rows(self, count: int = ONE_BATCH) -> Any:
        return self.data.rows(np.arange(min(self.batch_size or count, len(self.data))))

    def after(self, steps: int, seed: int | None = None) -> Any:
        """Return a model trained for some steps on one batch by `Model.fit`."""
        model = self.fresh(self.seed if seed is None else seed)
        return self.train(model, steps)

    def train(self, model: Any, steps: int) -> Any:
        """Train a model by `Model.fit`, on the same batch in each step; return it."""
        x, y, weights = self.rows()
        model.fit(
            x,
            y,
            sample_weight=weights,
            batch_size=self.batch_size or ONE_BATCH,
            epochs=steps,
            shuffle=False,
            verbose=0,
        )
        return model

    @cached_property
    def draws_at_random(self) -> bool:
        """Whether two predictions of the same rows differ."""
        x = self.rows()[0]
        first, second = outputs_of(self.model, x), outputs_of(self.model, x)
        return differ(first, second, 0.0) is not None

    def need_same_outputs(self) -> None:
        """Raise `NotMade` if two predictions of the same rows differ."""
        if self.draws_at_random:
            raise NotMade(
                "it is random or keeps state in inference: nothing can be compared"
            )

    # Training on one batch

    @cached_property
    def one_batch(self) -> Trace:
        """Trace of a training on the first rows, all of them in each step."""
        return self.trained()

    def trained(
        self, *changes: Change, seed: int | None = None, steps: int = _STEPS
    ) -> Trace:
        """Return the trace of a training on the first rows, with changes if given."""
        self.need_loss()
        some = self._first_rows()
        seed = self.seed if seed is None else seed
        how: dict[str, Any] = {
            "steps": steps,
            "batch_size": self.batch_size or ONE_BATCH,
        }
        if changes:
            again = self._trainer.again(self._given, some.x, some.y, seed=seed, **how)
            return again(*changes)
        (trace,) = self._trainer.fit_seeds(
            self._given, some.x, some.y, seeds=(seed,), **how
        )
        return trace

    def learned_with(self, *changes: Change) -> Trace | None:
        """Return `trained` with changes; None if model or data do not allow them."""
        try:
            return self.trained(*changes)
        except (CannotChange, UsageError):
            return None


def is_compiled(model: Any) -> bool:
    """Whether a model is compiled with an optimizer."""
    return bool(getattr(model, "compiled", False)) and model.optimizer is not None


def outputs_of(model: Any, x: Any, *, training: bool = False) -> list[Any]:
    """Return the outputs of a model for some rows, each as a float64 array.

    Raises:
        NotMade: An output is not a dense tensor.
    """
    found = flatten(call_model(model, x, training=training))
    if any(not tf.is_tensor(it) or isinstance(it, tf.RaggedTensor) for it in found):
        raise NotMade("its outputs are not plain tensors")
    return [np.asarray(tf.cast(it, tf.float64)) for it in found]


def differ(one: list[Any], other: list[Any], tolerance: float) -> float | None:
    """Return the largest difference of outputs, relative to the largest value of the
    first; None if it is within the tolerance, infinity if shapes differ.
    """
    worst = 0.0
    for mine, theirs in zip(one, other, strict=True):
        if mine.shape != theirs.shape:
            return float("inf")
        size = max(float(np.max(np.abs(mine), initial=0.0)), 1e-6)
        apart = np.abs(mine - theirs)
        known = apart[np.isfinite(apart)]
        worst = max(worst, float(np.max(known, initial=0.0)) / size)
    return worst if worst > tolerance else None


@contextmanager
def quietly() -> Iterator[None]:
    """Suppress the output of Keras when it saves and exports models."""
    was = keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()
    try:
        yield
    finally:
        if was:
            keras.config.enable_interactive_logging()


def _tensor(leaf: Any) -> Any:
    return None if leaf is None else as_tensor(leaf)


def _some_rows(x: Any, y: Any) -> ArrayData:
    if is_dataset(x):
        if y is not None:
            raise UsageError(
                "model_check() got both a dataset and y: a dataset contains its own y"
            )
        rows, size, _ = first_rows(x, _MOST_ROWS)
        if rows is None:
            raise UsageError("model_check() got a dataset without rows")
        return replace(kept_arrays(rows, size), batch_size=ONE_BATCH)
    data = checked_arrays(x, y, None, ONE_BATCH)
    return data.part(np.arange(min(_MOST_ROWS, len(data))))


def _snapshot(model: Any) -> Snapshot:
    if is_compiled(model):
        return Snapshot.of_model(model)
    return Snapshot(variables_and_states(model))
