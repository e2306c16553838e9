"""Keep what the gradient tapes of each set of variables tell: loss, model and data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np

from ..backend.frameworks import tf
from ..backend.private_api import KerasVariable
from ..backend.tensors import (
    current_graph,
    flatten,
    own_variable,
    stacked,
    value_of,
    variable_key,
    variable_path,
)
from .activated_twice import activated_twice_in_graph
from .call_log import GradientCall
from .eager_rows import EagerRows
from .followed_labels import loss_that_follows
from .kept_batches import keep_batch, pull_batch
from .loss_columns import NOTHING, lead_of
from .mixed_rows import mixed_rows_in_graph
from .net_inputs import NetInputs
from .recording import LEAD, ModelAndLoss, Recording, TapeRecord
from .replicas import Replica, current_replica
from .scored_loss import model_and_loss_of
from .softmax_over_rows import softmax_over_rows_in_graph


class Tapes:
    """One `TapeRecord` for each set of variables that gradients are taken of.

    Args:
        keeps_data: Whether to keep batches, and losses for updates in other graphs.

    Attributes:
        eager_rows: The eager operations under a tape.
        net_inputs: The inputs of nets whose loss cannot be scored again.
    """

    def __init__(self, *, keeps_data: bool) -> None:
        self.eager_rows = EagerRows()
        self.net_inputs = NetInputs()
        self._keeps_data = keeps_data
        self._has_arrays: set[int] = set()
        self._records: dict[tuple[tuple[int, int], ...], TapeRecord] = {}
        self._by_variable: dict[tuple[int, int], TapeRecord] = {}

    def clear(self) -> None:
        """Forget all tapes."""
        for known in (
            self.eager_rows,
            self.net_inputs,
            self._has_arrays,
            self._records,
            self._by_variable,
        ):
            known.clear()

    def has_arrays(self, model: Any) -> None:
        """Keep no batches of ``model``, whose whole training data are known."""
        self._has_arrays.add(id(model))

    def pull(self) -> None:
        """Read the batches that graphs wrote, where more are needed."""
        for taped in self._records.values():
            pull_batch(taped)

    @property
    def slots(self) -> list[Any]:
        """The variables that losses are written to."""
        return [it.slot for it in self._records.values() if it.slot is not None]

    def never_applied(self, trained: Collection[Recording]) -> Iterator[TapeRecord]:
        """Return tapes of Keras models' variables that no training updates."""
        moved = {variable_key(it) for known in trained for it in known.variables}
        tapes = (it for it in self._records.values() if it.is_of_model)
        return (it for it in tapes if moved.isdisjoint(it.keys))

    def remember(
        self, tape: Any, taken: GradientCall, sources: list[Any], *, in_xla: bool
    ) -> TapeRecord:
        """Note that gradients are taken.

        Args:
            tape: The tape.
            taken: The calls that led to its target.
            sources: The variables that are differentiated by.
            in_xla: Whether XLA compiles the step.

        Returns:
            The record of these variables.
        """
        replica = current_replica() or Replica()
        keys = tuple((replica.index, variable_key(it)) for it in sources)
        taped = self._records.get(keys)
        if taped is None:
            taped = self._records[keys] = TapeRecord(
                keys=frozenset(key for _, key in keys),
                where=variable_path(sources[0]),
                is_of_model=all(isinstance(it, KerasVariable) for it in sources),
            )
        self._by_variable.update(dict.fromkeys(keys, taped))
        graph = current_graph()
        losses = taken.losses_in(graph)
        losses = [it for it in losses if it[-1] is taken.leaves[0]] or losses
        calls = taken.models_in(graph)
        taped.follows = loss_that_follows(losses, taken.followed)
        taped.uses = taped.uses or _uses(tape, taken.models)
        taped.graph = graph
        taped.scaler = taken.scaler or taped.scaler
        taped.lead = lead_of(taken.leaves, [it[-1] for it in losses], replica.count)
        self._look_at_rows(taped, taken.leaves, taken.models)
        if graph is not None and self._keeps_data:
            _write_slot(taped)
        found = model_and_loss_of(losses, calls)
        if isinstance(found, str):
            taped.unscored = found
            self.net_inputs.take(taken.models, taken.target, taped.keys)
            if replica.index == 0 and self._keeps_data:
                _keep_inputs(taped, calls, in_xla=in_xla)
            return taped
        if replica.index > 0:
            return taped
        taped.model_and_loss, batch = found
        if self._keeps_data and id(taped.model_and_loss.model) not in self._has_arrays:
            keep_batch(taped, batch, counts=True, in_xla=in_xla)
        return taped

    def _look_at_rows(
        self, taped: TapeRecord, leaves: list[Any], calls: list[Any]
    ) -> None:
        """Note operations by which the loss of a step mixes rows, or takes a softmax or
        sigmoid twice.
        """
        if taped.graph is None:
            taped.mixed_rows = taped.mixed_rows or self.eager_rows.behind(leaves)
            taped.twice = taped.twice or self.eager_rows.twice_behind(leaves)
            return
        taped.twice = activated_twice_in_graph(leaves)
        made = {id(leaf) for call in calls for leaf in flatten(call[2])}
        found = (
            look(it, made)
            for it in leaves
            if hasattr(it, "op")
            for look in (mixed_rows_in_graph, softmax_over_rows_in_graph)
        )
        taped.mixed_rows = next((it for it in found if it is not None), None)

    def of(self, variables: Sequence[Any], replica: Replica) -> TapeRecord | None:
        """Return the last tape of one of the variables, or None."""
        keys = ((replica.index, variable_key(it)) for it in variables)
        tapes = (self._by_variable.get(key) for key in keys)
        return next((it for it in tapes if it is not None), None)

    def lead(self, recording: Recording, replica: Replica) -> list[Any]:
        """Return what was seen of the current update, its loss and its data loss."""
        taped = self.of(recording.variables, replica)
        if taped is None:
            return [NOTHING] * LEAD
        if replica.index == 0:
            recording.taped = taped
        if taped.graph is current_graph():
            seen, *losses = taped.lead
        elif taped.slot is None:
            return [NOTHING] * LEAD
        else:
            seen, *losses = tf.unstack(value_of(taped.slot))
        return [seen, *replica.total(losses)]


def _write_slot(taped: TapeRecord) -> None:
    """Store the loss in a variable, for an update in another graph."""
    if taped.slot is None:
        taped.slot = own_variable(np.zeros(LEAD))
    taped.slot.assign(stacked(taped.lead), read_value=False)


def _keep_inputs(taped: TapeRecord, calls: list[Any], *, in_xla: bool) -> None:
    """Keep the inputs of the first model that gradients are taken of."""
    for model, inputs, *_ in calls:
        if not taped.keys.isdisjoint(map(variable_key, model.variables)):
            called = taped.called = taped.called or TapeRecord()
            called.graph = taped.graph
            called.model_and_loss = ModelAndLoss(model, None)
            keep_batch(called, (inputs, None, None), counts=False, in_xla=in_xla)
            return


def _uses(tape: Any, calls: list[Any]) -> frozenset[int]:
    """Return keys of the variables that a loss depends on.

    They were read under the tape, or belong to a model that was called.
    """
    models = (variable for call in calls for variable in call[0].variables)
    return frozenset(map(variable_key, (*models, *tape.watched_variables())))
