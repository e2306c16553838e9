"""A watched training, to be run again from its first state."""

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
from ..watching import Seen
from .rerun import Rerun

__all__ = ["watched_again"]

#: Assumed length of a loop that was stopped at once, in steps.
_STEPS_OF_A_STOPPED_LOOP = 100
#: Rows of a dataset that are read to run it on those that were never reached.
_MOST_ROWS = 4096


def watched_again(loops: LoopTrainer, seen: Seen) -> Rerun:
    """The training behind a recording.

    Args:
        loops: Runs it.
        seen: What was seen of it.

    Raises:
        CannotChange: Another training works against it, or its model, data, loss or
            first state were not seen.
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
    if seen.stopped:  # what would have come is as long as was asked for
        passes = (seen.epochs or 1) * (task.steps_per_epoch or 1)
        steps = max(steps, passes, _STEPS_OF_A_STOPPED_LOOP)
    task = replace(task, steps=max(1, steps))
    model = _trainable(known.model, known.loss, recording.optimizer)
    start = recording.start.beside(_unmoved(model))
    return Rerun(loops, model, task, start, is_complete=is_complete)


def _whole(unread: Any) -> ArrayData | None:
    """All rows of a dataset, those that were never reached too."""
    whole = rows_once_more(unread, _MOST_ROWS) if is_dataset(unread) else None
    return None if whole is None or len(whole) >= _MOST_ROWS else whole


def _keys(variables: Any) -> set[int]:
    return {id(raw(it)) for it in variables}


def _unmoved(model: Any) -> list[tuple[Any, Any]]:
    """The variables of its optimizer with the values of one that made no update."""
    optimizer = model.optimizer
    fresh = type(optimizer).from_config(optimizer.get_config())
    fresh.build(model.trainable_variables)
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    pairs = zip(optimizer.variables, fresh.variables, strict=True)
    return [(mine, raw(theirs).value()) for mine, theirs in pairs]


def _trainable(model: Any, loss: Any, optimizer: Any) -> Any:
    """The model itself where ``fit`` trains it so, else one around its layers."""
    own = getattr(model, "optimizer", None)
    if isinstance(model, keras.Model) and own is optimizer:
        return model
    if not isinstance(loss, keras.losses.Loss):
        raise CannotChange("its loss is no Keras loss")
    try:
        same = type(optimizer).from_config(optimizer.get_config())
        around = (
            keras.Model(model.inputs, model.outputs, name=model.name)
            if has_graph(model) or isinstance(model, keras.Sequential)
            else _Around(model)
        )
    except Exception as error:  # the user's own classes may refuse
        raise CannotChange(f"it cannot be wrapped ({error})") from error
    around.compile(same, loss)
    return around


class _Around(keras.Model):  # type: ignore[misc]
    """Trains a model of the user's own class by the usual step."""

    def __init__(self, inner: Any) -> None:
        super().__init__(name=inner.name)
        self.inner = inner

    def call(self, x: Any, training: bool = False) -> Any:
        """The inner model's output."""
        return self.inner(x, training=training)
