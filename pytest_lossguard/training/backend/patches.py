"""Patches that let an observer see a training, put back on every path.

Six places see all of it, whatever drives the training: `tf.GradientTape.gradient`
knows the loss and the gradients, ``Optimizer.apply`` the update, a Keras loss
object the labels and predictions, a model's call the inputs, the call of a layer that
behaves otherwise in training its mode, and the call of a ``tf.function`` is where a
step compiled earlier is traced anew under our eyes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from .frameworks import keras, noise_layers, tf

__all__ = ["Observer", "observed", "observed_layers", "owner_of"]

Call = Callable[..., Any]


class Observer(Protocol):
    """What sees a training; each method gets the call and must make it."""

    def on_gradient(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """A tape's ``gradient(target, sources)``."""

    def on_apply(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """An optimizer's ``apply(gradients, variables)``."""

    def on_scale(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """An optimizer's ``scale_loss(loss)``."""

    def on_loss(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """A Keras loss object called with ``(y_true, y_pred)``."""

    def on_model(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """A Keras model called with its inputs."""

    def on_layer(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """The ``call`` of a layer that behaves otherwise in training."""


def owner_of(cls: type, name: str) -> type:
    """The class in ``cls``'s resolution order that defines ``name``."""
    return next(base for base in cls.__mro__ if name in vars(base))


def _and_overriding(root: type, name: str) -> list[type]:
    """``root`` and each of its subclasses that defines ``name`` itself."""
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
        __tracebackhide__ = True  # an error is the user's own
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
    """Tell ``observer`` of every gradient, update, loss and model call inside."""
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
    """Route the ``call`` of each layer that behaves otherwise in training."""
    found = {
        cls: None
        for root in (keras.layers.BatchNormalization, *noise_layers())
        for cls in _and_overriding(root, "call")
    }
    with ExitStack() as patches:
        for cls in found:
            patches.enter_context(replaced(cls, "call", hook))
        yield
