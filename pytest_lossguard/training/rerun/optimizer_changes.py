"""Changes of the optimizer and of the length of a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.change import RATE_INSTEAD_OF_0, Change, ChangeName
from ...core.errors import CannotChange, NothingToChange
from ..backend.frameworks import keras
from ..backend.private_api import learning_rate_of, set_learning_rate_of
from ..loop.spec import TrainingSpec
from .model_facts import follows_schedule, inner_optimizer


def remade_optimizer(model: Any, **changed: Any) -> Any:
    """Return a new optimizer with the settings of the model's.

    Args:
        model: A compiled model.
        changed: Settings to replace.
    """
    optimizer = inner_optimizer(model)
    config = {**optimizer.get_config(), **changed}
    return type(optimizer).from_config(config)


def _momentum(model: Any, change: Change) -> Any:
    optimizer = inner_optimizer(model)
    for name in ("momentum", "beta_1"):
        if getattr(optimizer, name, None):
            return remade_optimizer(model, **{name: float(change.value or 0.0)})
    raise NothingToChange("the optimizer has no momentum")


def _clip_gradients(model: Any, change: Change) -> Any:
    config = {"clipvalue": None, "global_clipnorm": None, "clipnorm": None}
    return remade_optimizer(model, **{**config, "clipnorm": float(change.value or 1)})


def _learning_rate(model: Any, change: Change) -> Any:
    optimizer = inner_optimizer(model)
    schedule = learning_rate_of(optimizer)
    if not follows_schedule(model):
        rate = float(np.asarray(schedule)) * float(change.value or 1)
        return remade_optimizer(model, learning_rate=rate)
    remade = remade_optimizer(model)
    set_learning_rate_of(remade, _Scaled(schedule, float(change.value or 1)))
    return remade


@keras.saving.register_keras_serializable("pytest_lossguard")
class _Scaled(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule times a factor; serializable, since a further change copies it."""

    def __init__(self, schedule: Any, factor: float) -> None:
        self._schedule, self._factor = schedule, factor

    def __call__(self, step: Any) -> Any:
        return self._schedule(step) * self._factor

    def get_config(self) -> dict[str, Any]:
        schedule = keras.optimizers.schedules.serialize(self._schedule)
        return {"schedule": schedule, "factor": self._factor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> _Scaled:
        schedule = keras.optimizers.schedules.deserialize(config["schedule"])
        return cls(schedule, config["factor"])


def _other_optimizer(model: Any, change: Change) -> Any:
    del model
    return keras.optimizers.get(str(change.value))


#: The function that creates the optimizer of each change.
OPTIMIZER_CHANGES: dict[ChangeName, Callable[[Any, Change], Any]] = {
    "momentum": _momentum,
    "clip_gradients": _clip_gradients,
    "learning_rate": _learning_rate,
    "optimizer": _other_optimizer,
}


def _more_steps(task: TrainingSpec, change: Change) -> TrainingSpec:
    return replace(task, steps=int(task.array_steps() * float(change.value or 2)))


def _batch_size(task: TrainingSpec, change: Change) -> TrainingSpec:
    if task.arrays is None:
        return task
    size = int(change.value or task.arrays.batch_size)
    return replace(task, arrays=replace(task.arrays, batch_size=size), batch_size=size)


def _plain_gradients(task: TrainingSpec, change: Change) -> TrainingSpec:
    return replace(task, plain_gradients=str(change.value))


#: The function that makes the task of each change of length or gradients.
LENGTH_CHANGES: dict[ChangeName, Callable[[TrainingSpec, Change], TrainingSpec]] = {
    "more_steps": _more_steps,
    "batch_size": _batch_size,
    "plain_gradients": _plain_gradients,
}


def set_learning_rate(model: Any, factor: float) -> None:
    """Multiply the learning rate of a model's optimizer by a factor, in place.

    Args:
        model: A compiled model.
        factor: The factor; applied to `RATE_INSTEAD_OF_0` if the rate is 0.

    Raises:
        CannotChange: The learning rate follows a schedule.
    """
    rate = learning_rate_of(inner_optimizer(model))
    if rate is None or follows_schedule(model):
        raise CannotChange("the learning rate follows a schedule")
    rate.assign((float(np.asarray(rate)) or RATE_INSTEAD_OF_0) * factor)
