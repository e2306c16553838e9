"""Whether a model whose loss cannot be scored again makes anything of its inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.relations import InputUse
from ..backend.frameworks import tf
from ..backend.private_api import call_model
from ..backend.snapshot import Snapshot
from ..backend.tensors import arrays_of, flatten, map_structure
from ..record.recording import Recording

__all__ = ["input_use"]

#: Rows that are looked at, and the fewest that prove anything.
_MOST_ROWS, _FEWEST_ROWS = 16, 8
#: Passes over them, and what they may cost beside the training: 5 % of its passes, of
#: which a step has three; those of a model of so few weights are no cost.
_PASSES, _SHARE, _PASSES_OF_STEP, _SMALL = 4, 0.05, 3, 50_000
#: A value this near to 1 or -1 is one that a softmax or tanh has settled on.
_SETTLED = 1e-3


def input_use(recording: Recording) -> InputUse | None:
    """What the first model behind the loss makes of its rows, before and after.

    Every row is given the inputs of the next one: what stays as it was does not depend
    on them. All variables are left as they are.

    Returns:
        None where that was not looked at, or may be meant: outputs that have settled on
        one class or on one end of their range.
    """
    called, start = recording.taped.called, recording.start
    batch = None if called is None else called.last_batch
    if called is None or called.model_and_loss is None or start is None:
        return None
    model = called.model_and_loss.model
    if batch is None or _is_dear(model, recording, len(batch)):
        return None
    if not _differs([it[:_MOST_ROWS] for it in arrays_of(batch.x)]):
        return None
    x = map_structure(lambda it: it[:_MOST_ROWS], batch.x)
    now = Snapshot([*model.variables, *start.variables])
    try:
        after = _changes(model, x)
        start.restore()
        before = _changes(model, x)
    except Exception:  # any model of the user's may refuse to be called again
        return None
    finally:
        now.restore()
    if after is None or before is None:
        return None
    rows = len(arrays_of(x)[0])
    return InputUse(model=model.name, rows=rows, before=before, after=after)


def _is_dear(model: Any, recording: Recording, rows_per_step: int) -> bool:
    """Whether to look would cost too much of what the training did."""
    trained = recording.steps * rows_per_step * _PASSES_OF_STEP
    is_small = model.count_params() <= _SMALL
    return not is_small and _SHARE * trained < _PASSES * _MOST_ROWS


def _differs(arrays: list[Any]) -> bool:
    """Whether each row has other inputs than the one before it, of enough rows."""
    rows = {len(it) for it in arrays if it.ndim}
    if len(rows) != 1 or min(rows) < _FEWEST_ROWS:
        return False
    if any(it.dtype.kind not in "fiub" or not it.ndim for it in arrays):
        return False
    flat = [it.reshape(len(it), -1) for it in arrays]
    same = [(it == np.roll(it, 1, axis=0)).all(axis=1) for it in flat]
    return not np.logical_and.reduce(same).any()


def _changes(model: Any, x: Any) -> float | None:
    """How far outputs move where each row has the inputs of another, as a share of
    their size; None where they are no rows, or have settled.
    """
    seeds = Snapshot(it for it in model.variables if not it.trainable)
    plain = _outputs(model, x)
    seeds.restore()
    moved = _outputs(model, map_structure(lambda it: np.roll(it, 1, axis=0), x))
    seeds.restore()
    if not plain or any(it.ndim < 2 or len(it) != len(arrays_of(x)[0]) for it in plain):
        return None
    if any(_has_settled(it) for it in plain):
        return None
    size = max(float(np.sqrt(np.mean(it**2))) for it in plain)
    change = max(
        float(np.max(np.abs(one - other)))
        for one, other in zip(plain, moved, strict=True)
    )
    if not np.isfinite(size) or not np.isfinite(change):
        return None
    return change / size if size else change


def _outputs(model: Any, x: Any) -> list[Any]:
    x = map_structure(tf.convert_to_tensor, x)
    found = flatten(call_model(model, x))
    return [np.asarray(it, np.float64) for it in found]


def _has_settled(output: Any) -> bool:
    """Whether each value is at one end of a range, and some at 1."""
    size = np.abs(output)
    ends = np.minimum(size, np.abs(size - 1)) < _SETTLED
    return bool(ends.all() and (size > 0.5).any())
