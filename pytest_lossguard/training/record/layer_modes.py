"""Which layers that behave otherwise in training were ever called in training mode."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend.frameworks import keras, tf
from ..backend.patches import observed_layers
from ..backend.private_api import calls_of, flat_layers, is_taping
from ..backend.tensors import graph_function, variable_key

__all__ = ["LayerModes", "training_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelCall:
    """A call of the outermost model, with its tensors replaced by what they are like.

    ``asks`` says whether the caller passed ``training``.
    """

    model: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    asks: bool


class LayerModes:
    """The layers seen so far, by the mode in which they were called.

    Only the first call of a layer in a mode costs more than a look into a set.
    """

    def __init__(self) -> None:
        self._known: set[tuple[int, bool, bool]] = set()
        self._trained: dict[int, Any] = {}
        self._inference: dict[int, tuple[Any, _ModelCall]] = {}
        self._woken: dict[int, set[int]] = {}
        self._now = threading.local()

    @contextmanager
    def under(self, call: tuple[Any, ...]) -> Iterator[None]:
        """The outermost model is being called: with model, arguments, keywords."""
        self._now.call = call
        try:
            yield
        finally:
            self._now.call = None

    def is_known(self, layer: Any, training: Any) -> bool:
        """Whether nothing new can be learned from such a call."""
        return (id(layer), _is_on(training), layer.trainable) in self._known

    def add(self, layer: Any, training: Any) -> None:
        """Note the mode of a call; inference counts only where a tape records it."""
        call = getattr(self._now, "call", None)
        if _is_on(training):
            self._trained[id(layer)] = layer
        elif call is None or not is_taping() or not _is_active(layer):
            return
        else:
            self._inference[id(layer)] = layer, _like(*call)
        self._known.add((id(layer), _is_on(training), layer.trainable))

    def clear(self) -> None:
        """Forget them."""
        for known in (self._known, self._trained, self._inference, self._woken):
            known.clear()

    def never_in_training(self, variables: list[Any]) -> tuple[list[str], bool]:
        """The layers of a model that trains ``variables`` which were called in
        inference mode only, and would not be if the model were called in training mode.

        Returns:
            Their paths, and whether the caller passed ``training=False``.
        """
        keys = set(map(variable_key, variables))
        found = [
            (layer, call)
            for key, (layer, call) in self._inference.items()
            if key not in self._trained and _is_trained(layer, call.model, keys)
        ]
        left = [it for it in found if id(it[0]) in self._woken_by(it[1])]
        paths = [str(layer.path or layer.name) for layer, _ in left]
        return paths, any(call.asks for _, call in left)

    def _woken_by(self, call: _ModelCall) -> set[int]:
        """Layers in training mode where the same model is called so: the others are
        kept in inference mode by the model itself, on purpose.
        """
        key = id(call.model)
        if key not in self._woken:
            try:
                self._woken[key] = _modes_in_training(call) - _held(call.model)
            except Exception:  # any model of the user's may refuse another call
                self._woken[key] = set()
        return self._woken[key]


def _modes_in_training(call: _ModelCall) -> set[int]:
    """Layers in training mode under ``training=True``; nothing is computed for it."""
    found: set[int] = set()

    def note(inner: Any, layer: Any, *args: Any, **kwargs: Any) -> Any:
        if _is_on(training_of(args, kwargs)):
            found.add(id(layer))
        return inner(layer, *args, **kwargs)

    specs = [it for it in _leaves(call) if isinstance(it, tf.TypeSpec)]

    def again(*tensors: Any) -> Any:
        given = iter(tensors)
        args, kwargs = tf.nest.map_structure(
            lambda it: next(given) if isinstance(it, tf.TypeSpec) else it,
            (call.args, call.kwargs),
        )
        return call.model(*args, **{**kwargs, "training": True})

    with observed_layers(note):
        graph_function(again).get_concrete_function(*specs)
    return found


def _held(model: Any) -> set[int]:
    """Layers in a part that a functional model calls by ``training=False``: Keras 3
    lets the mode of the whole overrule that, and it is meant all the same.
    """
    held: set[int] = set()
    for part in filter(_tells_what_was_passed, flat_layers(model)):
        for call in calls_of(part):
            if call.arguments.kwargs.get("training") is False:
                held.update(map(id, flat_layers(part)))
    return held


def _tells_what_was_passed(layer: Any) -> bool:
    """Whether ``training=False`` in a graph is what somebody wrote, not a default."""
    known = inspect.signature(layer.call).parameters.get("training")
    return known is not None and known.default is None


def training_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a layer's ``call(inputs, training)`` got, None where nothing."""
    return kwargs.get("training", args[1] if len(args) > 1 else None)


def _is_on(training: Any) -> bool:
    """Whether it is training mode, or a tensor that may say so."""
    off = training is None or isinstance(training, (bool, int, np.bool_))
    return not off or bool(training)


def _is_active(layer: Any) -> bool:
    """Whether training mode makes a difference to it now."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return bool(layer.trainable)
    return bool(getattr(layer, "rate", getattr(layer, "stddev", 1.0)))


def _is_trained(layer: Any, model: Any, keys: set[int]) -> bool:
    """Whether gradients go through it to what is trained: to its own weights or, where
    it has none, to all of its model's.
    """
    own = layer.trainable_variables or model.trainable_variables
    return bool(own) and all(variable_key(it) in keys for it in own)


def _like(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _ModelCall:
    given = kwargs.get("training", next((it for it in args if it is False), None))
    args, kwargs = tf.nest.map_structure(_spec, (args, kwargs))
    args = tuple(it for it in args if not isinstance(it, bool))
    return _ModelCall(model=model, args=args, kwargs=kwargs, asks=given is not None)


def _spec(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        return tf.TensorSpec(leaf.shape, tf.as_dtype(leaf.dtype))
    return tf.type_spec_from_value(leaf) if tf.is_tensor(leaf) else leaf


def _leaves(call: _ModelCall) -> list[Any]:
    return list(tf.nest.flatten((call.args, call.kwargs)))
