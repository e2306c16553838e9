"""Checks whether models whose loss cannot be recomputed map all rows to one output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.collapse import Spread, spread_of
from ..backend.frameworks import tf
from ..backend.snapshot import Snapshot, variables_and_states
from ..backend.tensors import flatten, variable_key
from ..record.net_inputs import Net, NetInputs
from ..record.recording import Recording

#: Most rows that a net is called with, fewest rows that are conclusive, and most input
#: values in total, since large rows are slow.
_MOST_ROWS, _FEWEST_ROWS, _MOST_VALUES = 64, 8, 1 << 17
#: Fewest units of an output that counts as an embedding: outputs with fewer units may
#: legitimately be the same for all rows.
_EMBEDDING = 4


def spreads_of_nets(
    recording: Recording, inputs: NetInputs, given: Any, *, contested: bool
) -> tuple[Spread, ...]:
    """Measure how far the outputs of a training's nets for different rows lie apart.

    Args:
        recording: The finished training.
        inputs: The recorded inputs of its nets.
        given: The arguments of the training step and the inputs passed to ``fit``, as
            arrays or tensors: candidate rows to call a net with.
        contested: Whether the training is adversarial. Only nets that take random
            noise, such as generators, are then measured.

    Returns:
        One spread per net; empty if the loss can be recomputed, the first weights are
        not known, or a model cannot be called again.
    """
    if recording.taped.model_and_loss is not None or recording.start is None:
        return ()
    variables = frozenset(map(variable_key, recording.variables))
    nets = [it for it in inputs.of(variables) if it.from_noise or not contested]
    try:
        return tuple(_spreads(recording.start, nets, given))
    except Exception:  # a user's model may raise when it is called again
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Called:
    """A net, rows it was called with, and its outputs before and after training."""

    net: Net
    rows: Any
    before: list[Any]
    after: list[Any]

    def makes(self, other: _Called) -> bool:
        """Whether the output has the shape of the data that another net takes."""
        made = [it.shape[1:] for it in self.after]
        return other.net.is_of_data and made == [other.rows.shape[1:]]


def _spreads(start: Snapshot, nets: Sequence[Net], given: Any) -> Iterator[Spread]:
    rows = ((net, _rows(net, given)) for net in nets)
    called = [_called(net, it, start) for net, it in rows if it is not None]
    rebuilds = any(one.makes(other) for one in called for other in called)
    for it in called:
        of = (other.rows for other in called if other is not it and it.makes(other))
        yield spread_of(
            it.net.model.name,
            it.rows,
            it.before,
            it.after,
            data=next(of, None),
            generates=it.net.from_noise and not it.net.from_data,
            embeds=it.net.has_labels is False and not rebuilds and _is_wide(it.after),
        )


def _called(net: Net, rows: Any, start: Snapshot) -> _Called:
    """Call a net with its first and its last weights, then restore all variables."""
    with Snapshot(variables_and_states(net.model)).in_force():
        after = _outputs(net, rows)
        with start.in_force():
            before = _outputs(net, rows)
    return _Called(net=net, rows=np.asarray(rows), before=before, after=after)


def _is_wide(outputs: Sequence[Any]) -> bool:
    if len(outputs) != 1 or outputs[0].ndim != 2:
        return False
    return bool(outputs[0].shape[1] >= _EMBEDDING)


def _rows(net: Net, given: Any) -> Any:
    """Return the last input of a net, else data or noise of the same shape and dtype,
    else None.
    """
    if net.rows is not None:
        return _some(net.rows)
    for leaf in flatten(given) if net.from_data else ():
        alike = getattr(leaf, "dtype", None) == net.dtype
        if alike and net.shape[1:].is_compatible_with(leaf.shape[1:]):
            return _some(leaf)
    if net.from_noise and net.shape[1:].is_fully_defined():
        return _some(tf.random.normal((_MOST_ROWS, *net.shape[1:]), dtype=net.dtype))
    return None


def _some(rows: Any) -> Any:
    values = int(np.prod(rows.shape[1:]))
    most = min(_MOST_ROWS, _MOST_VALUES // max(1, values))
    if min(most, len(rows)) < _FEWEST_ROWS:
        return None
    return tf.convert_to_tensor(rows[:most])


def _outputs(net: Net, rows: Any) -> list[Any]:
    found = flatten(net.model(rows, training=False))
    return [np.asarray(it, np.float64) for it in found if it.dtype.is_floating]
