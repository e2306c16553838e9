"""Finds frozen layers that still have the random weights they were made with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...core.step_facts import FrozenLayers
from ..backend.frameworks import keras
from ..backend.private_api import flat_layers
from ..backend.tensors import value_of, variable_key
from ..record.recording import Recording
from .made_weights import Made, made_weights

#: Fewest values of a variable whose distribution tells anything.
_FEWEST = 64
#: Fewest values that tell without a bias or batch statistics beside them.
_FEWEST_ALONE = 1000


def frozen_layers(recording: Recording) -> tuple[FrozenLayers, ...]:
    """Return the frozen layers whose weights look as they were made.

    They are looked at in parts: each model inside the recorded one, and its other
    layers together. A part is left out if one of its frozen layers was trained or
    assigned.
    """
    trained = set(map(variable_key, recording.variables))
    found = []
    for layers in _parts(recording.called_model):
        frozen = [it for it in layers if not it.trainable and it.weights]
        if any(variable_key(it) in trained for one in frozen for it in one.weights):
            continue
        facts = _facts_of(frozen, recording)
        if facts is not None:
            found.append(facts)
    return tuple(found)


def _parts(model: Any) -> Iterator[list[Any]]:
    """Yield the layers of each model inside a model, then its other layers."""
    if all(it.trainable for it in flat_layers(model)):
        return
    own: list[Any] = []
    inside: set[int] = set()
    for layer in flat_layers(model, include_self=False):
        if id(layer) in inside:
            continue
        if isinstance(layer, keras.Model):
            within = flat_layers(layer)
            inside.update(map(id, within))
            yield within
        else:
            own.append(layer)
    yield [it for it in own if id(it) not in inside]


def _facts_of(frozen: list[Any], recording: Recording) -> FrozenLayers | None:
    made: list[Made] = []
    for layer in frozen:
        known = made_weights(layer)
        if known.moved or math.isinf(known.misfit):
            return None
        made.append(known)
    random = [it for it in made if any(map(_is_enough, it.random))]
    variables = [it for one in random for it in one.random]
    values = sum(math.prod(it.shape) for it in variables)
    alone = not any(it.fixed for it in made)
    too_few = values < _FEWEST_ALONE or not all(it.is_bounded for it in random)
    if not random or (alone and too_few) or _moved_or_copied(variables, recording):
        return None
    return FrozenLayers(
        layers=tuple(str(it.layer.path or it.layer.name) for it in random),
        values=values,
        misfit=max(it.misfit for it in random),
    )


def _is_enough(variable: Any) -> bool:
    return bool(math.prod(variable.shape) >= _FEWEST)


def _moved_or_copied(variables: list[Any], recording: Recording) -> bool:
    """Whether weights were assigned during the training, or are a copy of those that it
    started from, as in a target network.
    """
    start = recording.start
    if start is None:
        return False
    trained = set(map(variable_key, recording.variables))
    keys = map(variable_key, start.variables)
    known = dict(zip(keys, start.values, strict=True))
    shapes = {tuple(it.shape) for it in variables}
    copied = [known[it] for it in trained & set(known) if known[it].shape in shapes]
    for variable in variables:
        now = np.asarray(value_of(variable))
        first = known.get(variable_key(variable), now)
        if not np.array_equal(now, first):
            return True
        if any(np.array_equal(now, it) for it in copied):
            return True
    return False
