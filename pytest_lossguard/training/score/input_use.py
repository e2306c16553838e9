"""Checks whether the outputs of a model depend on its inputs, for models whose loss
cannot be recomputed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.relations import InputUse
from ..backend.frameworks import tf
from ..backend.private_api import call_model
from ..backend.snapshot import Snapshot, variables_and_states
from ..backend.tensors import arrays_of, flatten, map_structure
from ..record.recording import Recording

#: Most rows that are compared, and the fewest that are conclusive.
_MOST_ROWS, _FEWEST_ROWS = 16, 8
#: Forward passes over these rows, and their budget: 5 % of the passes of the training,
#: of which each step counts as three. Models with at most ``_SMALL`` weights are
#: always checked.
_PASSES, _SHARE, _PASSES_OF_STEP, _SMALL = 4, 0.05, 3, 50_000
#: A softmax or tanh output is saturated if it is this near to 0, 1 or -1.
_SETTLED = 1e-3


def input_use(recording: Recording) -> InputUse | None:
    """Measure how much outputs depend on inputs, before and after the training.

    The first model behind the loss is called with the inputs exchanged between rows:
    outputs that stay the same do not depend on the inputs. All variables are restored.

    Returns:
        None if this was not checked, or if all values of an output are saturated, at
        one class or one end of their range, which may be intended.
    """
    called, start = recording.taped.called, recording.start
    batch = None if called is None else called.last_batch
    if called is None or called.model_and_loss is None or start is None:
        return None
    model = called.model_and_loss.model
    if batch is None or _is_too_expensive(model, recording, len(batch)):
        return None
    if not _differs([it[:_MOST_ROWS] for it in arrays_of(batch.x)]):
        return None
    x = map_structure(lambda it: it[:_MOST_ROWS], batch.x)
    now = Snapshot([*variables_and_states(model), *start.variables])
    try:
        after = _changes(model, x)
        start.restore()
        before = _changes(model, x)
    except Exception:  # a user's model may raise when it is called again
        return None
    finally:
        now.restore()
    if after is None or before is None:
        return None
    rows = len(arrays_of(x)[0])
    return InputUse(model=model.name, rows=rows, before=before, after=after)


def _is_too_expensive(model: Any, recording: Recording, rows_per_step: int) -> bool:
    """Whether the check would exceed its share of the cost of the training."""
    trained = recording.steps * rows_per_step * _PASSES_OF_STEP
    is_small = model.count_params() <= _SMALL
    return not is_small and _SHARE * trained < _PASSES * _MOST_ROWS


def _differs(arrays: list[Any]) -> bool:
    """Whether there are enough rows, and each differs from the row before it."""
    rows = {len(it) for it in arrays if it.ndim}
    if len(rows) != 1 or min(rows) < _FEWEST_ROWS:
        return False
    if any(it.dtype.kind not in "fiub" or not it.ndim for it in arrays):
        return False
    flat = [it.reshape(len(it), -1) for it in arrays]
    same = [(it == np.roll(it, 1, axis=0)).all(axis=1) for it in flat]
    return not np.logical_and.reduce(same).any()


def _changes(model: Any, x: Any) -> float | None:
    """Return the largest change of an output when inputs are exchanged between rows, as
    a share of the RMS of the outputs; None if the outputs are not one per row, or are
    saturated.
    """
    seeds = Snapshot(it for it in variables_and_states(model) if not it.trainable)
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
    """Whether all absolute values are close to 0 or 1, and some are close to 1."""
    size = np.abs(output)
    ends = np.minimum(size, np.abs(size - 1)) < _SETTLED
    return bool(ends.all() and (size > 0.5).any())
