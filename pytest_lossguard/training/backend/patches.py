"""Patches that let an observer see a training, and that are always removed again.

Six patched calls show a whole training, no matter which loop drives it:

- `tf.GradientTape.gradient`: the loss and the gradients.
- ``Optimizer.apply``: the update.
- the call of a Keras loss object: labels and predictions.
- the call of a model: the inputs.
- ``call`` of a layer that behaves differently in training: its mode.
- the call of a ``tf.function``: a step traced earlier is traced again, observed.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import numpy as np

from .frameworks import keras, noise_layers, tf
from .private_api import autograph_artifact

Call = Callable[..., Any]


class Observer(Protocol):
    """Observes a training; each method gets the original call and must make it."""

    def on_gradient(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Observe a tape's ``gradient(target, sources)``."""

    def on_apply(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Observe an optimizer's ``apply(gradients, variables)``."""

    def on_scale(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Observe an optimizer's ``scale_loss(loss)``."""

    def on_loss(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Observe the call of a Keras loss object with ``(y_true, y_pred)``."""

    def on_model(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Observe the call of a Keras model with its inputs."""

    def on_layer(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Observe ``call`` of a layer that behaves differently in training."""


def owner_of(cls: type, name: str) -> type:
    """Return the class in the method resolution order that defines ``name``."""
    return next(base for base in cls.__mro__ if name in vars(base))


def _and_overriding(root: type, name: str) -> list[type]:
    """Return ``root`` and all of its subclasses that define ``name`` themselves."""
    seen: dict[type, None] = {root: None}
    pending = [root]
    while pending:
        children: list[type] = type.__subclasses__(pending.pop())
        new = [child for child in children if child not in seen]
        seen.update(dict.fromkeys(new))
        pending += new
    return [cls for cls in seen if cls is root or name in vars(cls)]


@contextmanager
def replaced(owner: Any, name: str, hook: Callable[..., Any]) -> Iterator[None]:
    """Route ``owner.name`` through ``hook(original, *args, **kwargs)``."""
    own = name in vars(owner)
    original = getattr(owner, name)

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]  # TF has no types
    @functools.wraps(original)
    def routed(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # errors come from the user's code
        return hook(original, *args, **kwargs)

    setattr(owner, name, routed)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, original)
        else:
            delattr(owner, name)


@contextmanager
def observed(observer: Observer) -> Iterator[None]:
    """Report every gradient, update, loss and model call inside to ``observer``."""
    with ExitStack() as patches:
        put = patches.enter_context
        put(replaced(tf.GradientTape, "gradient", observer.on_gradient))
        put(replaced(keras.Model, "__call__", observer.on_model))
        for name, hook in (
            ("apply", observer.on_apply),
            ("scale_loss", observer.on_scale),
        ):
            root = owner_of(keras.optimizers.Optimizer, name)
            for cls in _and_overriding(root, name):
                put(replaced(cls, name, hook))
        for cls in _and_overriding(keras.losses.Loss, "__call__"):
            put(replaced(cls, "__call__", observer.on_loss))
        put(observed_layers(observer.on_layer))
        yield


@contextmanager
def observed_layers(hook: Callable[..., Any]) -> Iterator[None]:
    """Route ``call`` of all layers that behave differently in training."""
    found = {
        cls: None
        for root in (keras.layers.BatchNormalization, *noise_layers())
        for cls in _and_overriding(root, "call")
    }
    with ExitStack() as patches:
        for cls in found:
            patches.enter_context(replaced(cls, "call", hook))
        yield


class _Drawing:
    """A function of a global random generator, with calls in graphs observed.

    It costs an eager call one comparison. It has the attributes of the function, and is
    pickled as the function.

    Args:
        function: The function.
        name: Its name, such as ``"numpy.random.rand"``.
        hook: Called with the name while TensorFlow traces.
    """

    def __init__(self, function: Any, name: str, hook: Callable[[str], None]) -> None:
        functools.update_wrapper(self, function)
        self._function, self._name, self._hook = function, name, hook
        self._is_eager = tf.executing_eagerly
        autograph_artifact(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        if not self._is_eager():
            self._hook(self._name)
        return self._function(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._function, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._function.__reduce_ex__(protocol)


def _drawing_functions() -> Iterator[tuple[Any, str]]:
    """Yield module and name of each function of Python's and NumPy's global generator.

    Those that seed a generator or set its state are among them.
    """
    for module, kind in ((random, random.Random), (np.random, np.random.RandomState)):
        for name in module.__all__:
            owner = getattr(getattr(module, name), "__self__", None)
            if isinstance(owner, kind) or name == "seed":
                yield module, name


@contextmanager
def observed_draws(hook: Callable[[str], None]) -> Iterator[None]:
    """Call ``hook(name)`` when Python's or NumPy's global random generator is used
    while TensorFlow traces; ``name`` is like ``"numpy.random.rand"``.
    """
    originals = [
        (module, name, getattr(module, name)) for module, name in _drawing_functions()
    ]
    try:
        for module, name, function in originals:
            put = _Drawing(function, f"{module.__name__}.{name}", hook)
            setattr(module, name, put)
        yield
    finally:
        for module, name, function in originals:
            setattr(module, name, function)
