"""Creates, checks and builds the model that a training starts from."""

from __future__ import annotations

import inspect
from typing import Any

from ...core.errors import UsageError
from ...core.given import shown
from ..backend.batch import Batch
from ..backend.frameworks import keras
from ..backend.private_api import build_symbolically, compiled_loss, compiled_metrics
from ..backend.tensors import as_tensor, first_of, map_structure
from ..record.replicas import scope_of


def model_of(model_or_factory: Any) -> Any:
    """Return the compiled model, created by the factory if one is given.

    Raises:
        UsageError: There is no compiled Keras 3 model.
    """
    model = model_or_factory
    name = "the model"
    if not isinstance(model, keras.Model):
        if (
            not callable(model)
            or isinstance(model, (type, keras.layers.Layer))
            or _is_of_old(model)
        ):
            raise UsageError(
                "lossguard.fit needs a compiled keras.Model or a function that builds"
                f" one; got {_describe(model)}"
            )
        name = f"{getattr(model, '__name__', 'the factory')}()"
        _check_factory(model, name)
        model = model()
        if not isinstance(model, keras.Model):
            if inspect.iscoroutine(model):
                model.close()
            raise UsageError(
                f"{name} must return a compiled keras.Model; it returned"
                f" {_describe(model)}"
            )
    if not getattr(model, "compiled", False) or model.optimizer is None:
        raise UsageError(
            f"{name} is not compiled: call"
            " model.compile(optimizer=..., loss=...) before lossguard.fit"
            if name == "the model"
            else f"{name} returned a model that is not compiled: call"
            " model.compile(optimizer=..., loss=...) in it"
        )
    return model


def _check_factory(factory: Any, name: str) -> None:
    """Reject a function that cannot be called without arguments."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):  # no known signature
        return
    try:
        signature.bind()
    except TypeError as error:
        raise UsageError(
            f"{name} must take no arguments ({error}): give a function that needs none,"
            " as lambda: build(units=8)"
        ) from None


def _is_of_old(thing: Any) -> bool:
    """Whether a class of Keras 2, which is still available as tf_keras, was used."""
    return any(it.__module__.startswith("tf_keras.") for it in type(thing).__mro__)


def _describe(thing: Any) -> str:
    if _is_of_old(thing):
        return "a tf_keras model, which is not supported: use Keras 3 (import keras)"
    if thing is None or isinstance(thing, type):
        return shown(thing)
    return f"{type(thing).__name__} {shown(thing)}"


def build(model: Any, sample: Batch) -> None:
    """Create all variables of the model, its metrics and its optimizer.

    Args:
        model: A compiled model.
        sample: At least one row of the training data; two are used.
    """
    if model.built and model.optimizer.built and _metrics_built(model):
        return
    few = map_structure(
        lambda it: as_tensor(first_of(it, 2)),
        (sample.x, sample.y, sample.sample_weight),
    )
    with scope_of(model):
        try:
            build_symbolically(model, few)
        except Exception:
            # A model that does not accept symbolic inputs is built by a real call.
            if not model.built:
                model(few[0])
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)


def _metrics_built(model: Any) -> bool:
    return all(part is None or part.built for part in _compiled_parts(model))


def _compiled_parts(model: Any) -> list[Any]:
    return [compiled_metrics(model), compiled_loss(model)]


def build_key(factory: Any, seed: int) -> Any:
    """Return a key of what the model of a plain function depends on: the function, the
    globals that it names, and the seed; None if the function has a closure or defaults.
    """
    code = getattr(factory, "__code__", None)
    if code is None or factory.__closure__ or factory.__defaults__:
        return None
    named = [factory.__globals__.get(name) for name in code.co_names]
    return factory, seed, tuple(map(id, named))


def is_fresh(model: Any) -> bool:
    """Whether a model is built, but neither its optimizer nor its metrics are."""
    return bool(
        model.built
        and not model.optimizer.built
        and not any(getattr(part, "built", False) for part in _compiled_parts(model))
    )
