"""Track whether layers that behave differently in training run in training mode."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _ModelCall:
    """A call of the outermost model, with type specs in place of its tensors.

    Attributes:
        model: The model.
        args: Positional arguments after the model, without bools.
        kwargs: Keyword arguments.
        asks: Whether the caller passed ``training``.
    """

    model: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    asks: bool


class LayerModes:
    """The layers seen so far, by the mode in which they were called.

    Only the first call of a layer in a mode costs more than a set lookup.
    """

    def __init__(self) -> None:
        self._known: set[tuple[int, bool, bool]] = set()
        self._trained: dict[int, Any] = {}
        self._inference: dict[int, tuple[Any, _ModelCall]] = {}
        self._woken: dict[int, set[int]] = {}
        self._now = threading.local()

    @contextmanager
    def under(self, call: tuple[Any, ...]) -> Iterator[None]:
        """Note the call of the outermost model inside the block.

        Args:
            call: The model, its positional and its keyword arguments.
        """
        self._now.call = call
        try:
            yield
        finally:
            self._now.call = None

    def is_known(self, layer: Any, training: Any) -> bool:
        """Whether the layer was already noted in this mode."""
        return (id(layer), _is_on(training), layer.trainable) in self._known

    def add(self, layer: Any, training: Any) -> None:
        """Note the mode of a call; inference mode counts only under a tape."""
        call = getattr(self._now, "call", None)
        if _is_on(training):
            self._trained[id(layer)] = layer
        elif call is None or not is_taping() or not _is_active(layer):
            return
        else:
            self._inference[id(layer)] = layer, _like(*call)
        self._known.add((id(layer), _is_on(training), layer.trainable))

    def clear(self) -> None:
        """Forget all layers."""
        for known in (self._known, self._trained, self._inference, self._woken):
            known.clear()

    def never_in_training(self, variables: list[Any]) -> tuple[list[str], bool]:
        """Find layers that are trained but were called in inference mode only.

        Layers that stay in inference mode when the model is called with
        ``training=True`` are left out.

        Args:
            variables: The variables that are trained.

        Returns:
            Paths of the layers, and whether a caller passed ``training``.
        """
        keys = set(map(variable_key, variables))
        found = [
            (layer, call)
            for key, (layer, call) in self._inference.items()
            if key not in self._trained and _is_trained(layer, call.model, keys)
        ]
        left = [it for it in found if id(it[0]) in self._switched_to_training_by(it[1])]
        paths = [str(layer.path or layer.name) for layer, _ in left]
        return paths, any(call.asks for _, call in left)

    def _switched_to_training_by(self, call: _ModelCall) -> set[int]:
        """Return the layers in training mode if the model is called with it.

        The model itself keeps the other layers in inference mode, on purpose.
        """
        key = id(call.model)
        if key not in self._woken:
            try:
                self._woken[key] = _modes_in_training(call) - _called_in_inference(
                    call.model
                )
            except Exception:  # a custom model may reject this call
                self._woken[key] = set()
        return self._woken[key]


def _modes_in_training(call: _ModelCall) -> set[int]:
    """Return layers in training mode under ``training=True``, by tracing the model."""
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


def _called_in_inference(model: Any) -> set[int]:
    """Return layers in parts that a functional model calls with ``training=False``.

    In Keras 3 the mode of the whole model overrides that argument, but users mean it.
    """
    held: set[int] = set()
    for part in filter(_default_is_none, flat_layers(model)):
        for call in calls_of(part):
            if call.arguments.kwargs.get("training") is False:
                held.update(map(id, flat_layers(part)))
    return held


def _default_is_none(layer: Any) -> bool:
    """Whether ``training=False`` in a graph was passed by the user, not a default."""
    known = inspect.signature(layer.call).parameters.get("training")
    return known is not None and known.default is None


def training_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return ``training`` as given to a layer's ``call(inputs, training)``, or None."""
    return kwargs.get("training", args[1] if len(args) > 1 else None)


def _is_on(training: Any) -> bool:
    """Whether ``training`` is true, or a tensor that may be."""
    off = training is None or isinstance(training, (bool, int, np.bool_))
    return not off or bool(training)


def _is_active(layer: Any) -> bool:
    """Whether training mode changes what the layer currently computes."""
    if isinstance(layer, keras.layers.BatchNormalization):
        return bool(layer.trainable)
    return bool(getattr(layer, "rate", getattr(layer, "stddev", 1.0)))


def _is_trained(layer: Any, model: Any, keys: set[int]) -> bool:
    """Whether the trained variables ``keys`` include all trainable ones of the layer.

    If the layer has none, those of its model count.
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
