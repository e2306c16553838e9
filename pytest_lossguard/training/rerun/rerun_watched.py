"""Prepares a watched training for reruns from its first state."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...core.errors import CannotChange
from ..backend.data import ArrayData, is_dataset, joined, kept_arrays
from ..backend.frameworks import keras
from ..backend.private_api import has_graph
from ..backend.reread import rows_once_more
from ..backend.tensors import raw
from ..loop.loop_trainer import LoopTrainer
from ..loop.spec import TrainingSpec
from ..score.row_order import is_sorted, order_of_arrays, order_of_watched
from ..watching.watch import Seen
from .rerun import Rerun

#: Least length, in steps, of the rerun of a training that was stopped early.
_STEPS_OF_A_STOPPED_LOOP = 100


def watched_again(loops: LoopTrainer, seen: Seen) -> Rerun:
    """Return a `Rerun` of a watched training.

    Args:
        loops: Runs the trainings.
        seen: The watched training.

    Raises:
        CannotChange: The training is adversarial, or its model, data, loss or first
            state are unknown, or other variables are trainable now.
    """
    recording, fitted = seen.recording, seen.fitted
    known = recording.taped.model_and_loss
    if seen.contested:
        raise CannotChange("another training works against it, step by step")
    if known is None or recording.start is None:
        raise CannotChange("its model, its loss or its first state were not seen")
    if _keys(recording.variables) != _keys(known.model.trainable_variables):
        raise CannotChange("other variables of its model are trainable now")
    is_complete = fitted is not None and not fitted.changed
    if fitted is not None:
        data, shuffles = fitted.data, fitted.shuffles
    elif (whole := _whole(seen.unread)) is not None:
        data, shuffles = whole, not is_sorted(order_of_arrays(whole))
    else:
        taped = recording.taped
        sorts = is_sorted(order_of_watched(recording, None, None))
        batch = joined([*taped.batches, *(taped.late if sorts else ())])
        if batch is None:
            raise CannotChange("its data were not seen")
        data, shuffles = kept_arrays(batch, seen.batch_size or 32), not sorts
    task = TrainingSpec(
        arrays=data,
        shuffle=shuffles,
        batch_size=min(seen.batch_size or data.batch_size, len(data)),
        seed=seen.seed or 0,
    )
    steps = recording.steps
    if seen.stopped:  # a rerun takes as many steps as were requested
        passes = (seen.epochs or 1) * (task.steps_per_epoch or 1)
        steps = max(steps, passes, _STEPS_OF_A_STOPPED_LOOP)
    task = replace(task, steps=max(1, steps))
    model = _trainable(known.model, known.loss, recording.optimizer)
    start = recording.start.beside(_unmoved(model))
    return Rerun(loops, model, task, start, is_complete=is_complete)


def _whole(unread: Any) -> ArrayData | None:
    """Return all rows of a dataset, also those that ``fit`` never reached; None if the
    dataset is too long or cannot be read again without side effects.
    """
    return rows_once_more(unread, whole=True) if is_dataset(unread) else None


def _keys(variables: Any) -> set[int]:
    return {id(raw(it)) for it in variables}


def _unmoved(model: Any) -> list[tuple[Any, Any]]:
    """Return pairs of each optimizer variable and its value before the first update."""
    optimizer = model.optimizer
    fresh = type(optimizer).from_config(optimizer.get_config())
    fresh.build(model.trainable_variables)
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    pairs = zip(optimizer.variables, fresh.variables, strict=True)
    return [(mine, raw(theirs).value()) for mine, theirs in pairs]


def _trainable(model: Any, loss: Any, optimizer: Any) -> Any:
    """Return the model if it was compiled with this optimizer, else a new model of its
    layers, compiled with a copy of the optimizer.
    """
    own = getattr(model, "optimizer", None)
    if isinstance(model, keras.Model) and own is optimizer:
        return model
    if not isinstance(loss, keras.losses.Loss):
        raise CannotChange("its loss is not a Keras loss")
    try:
        same = type(optimizer).from_config(optimizer.get_config())
        around = (
            keras.Model(model.inputs, model.outputs, name=model.name)
            if has_graph(model) or isinstance(model, keras.Sequential)
            else _Around(model)
        )
    except Exception as error:  # a custom optimizer or model may raise
        raise CannotChange(f"it cannot be wrapped ({error})") from error
    around.compile(same, loss)
    return around


class _Around(keras.Model):  # type: ignore[misc]
    """Trains a model of a custom class by the default training step of Keras."""

    def __init__(self, inner: Any) -> None:
        super().__init__(name=inner.name)
        self.inner = inner

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the output of the wrapped model."""
        return self.inner(x, training=training)
