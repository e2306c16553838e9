"""Sees rows that are shuffled although layers carry their state to the next batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.data_facts import ShuffledState
from ..backend.batch import Batch
from ..backend.data import Fitted, is_dataset, joined
from ..backend.frameworks import has_own_step
from ..backend.pipelines import shuffles_rows
from ..backend.snapshot import stateful_layers, unchanged
from ..backend.tensors import flatten, map_structure
from ..record.recording import Recording
from .changed_predictions import change_of, first_output


def shuffled_state(
    recording: Recording, given: Any, resets: Mapping[int, int]
) -> ShuffledState | None:
    """Predict rows of a training from a state of 0, and from the state that they leave.

    Args:
        recording: The training, with the weights that its model has now.
        given: What ``fit`` was given: a `Fitted`, a dataset, or anything else.
        resets: How often each layer was reset, by its identity.

    Returns:
        None if nothing shuffles the rows, no layer carries a state from step to step,
        or the model cannot be called.
    """
    model = recording.model
    if model is None or has_own_step(model):
        return None
    layers = [it for it in stateful_layers(model) if hasattr(it, "reset_state")]
    carrying = [it for it in layers if 2 * resets.get(id(it), 0) < recording.steps]
    if not carrying:
        return None
    by, rows = _shuffled_rows(given, recording)
    if rows is None:
        return None
    try:
        with unchanged(model):
            change = _change(model, layers, rows)
    except Exception:  # a user's model may raise when it is called again
        return None
    names = tuple(it.name for it in carrying)
    return ShuffledState(layers=names, by=by, change=change)


def _shuffled_rows(given: Any, recording: Recording) -> tuple[str, Batch | None]:
    """Return what shuffles the rows, and some of them; None if nothing does."""
    if isinstance(given, Fitted):
        return "fit", given.first if given.shuffles else None
    shuffles = is_dataset(given) and shuffles_rows(given)
    return "the dataset", joined(recording.taped.batches) if shuffles else None


def _change(model: Any, layers: Iterable[Any], rows: Batch) -> float:
    """Return by how much a state that rows leave changes their predictions."""
    first = flatten(model.inputs)[0].shape[0] or len(rows)
    given = map_structure(lambda it: it[:first], rows.x)
    for it in layers:
        it.reset_state()
    fresh, carried = (first_output(model, given) for _ in range(2))
    return change_of(fresh, carried)
