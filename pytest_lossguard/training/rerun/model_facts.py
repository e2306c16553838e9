"""Reads the facts of a model that decide which changes are worth a rerun."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.change import ModelFacts
from ...core.keras_names import activation_facts, loss_facts
from ..backend.data import ArrayData
from ..backend.frameworks import keras
from ..backend.private_api import (
    compiled_loss,
    flat_layers,
    has_graph,
    learning_rate_of,
    made_by,
    takes_logits,
)
from ..backend.tensors import flatten
from ..score.loss_parts import describe_losses
from ..score.penalties import has_regularizer

_LINEAR = (None, "linear")
#: Labels with more distinct values than this are values, not classes.
_MOST_CLASSES = 100


def model_facts(model: Any, data: ArrayData) -> ModelFacts:
    """Describe a built, compiled model and its labels.

    Args:
        model: The model.
        data: The training data.
    """
    optimizer = inner_optimizer(model)
    fixed = why_fixed(model)
    makers = output_layers(model) if fixed is None else []
    layers = flat_layers(model)
    hidden = [
        it for it in layers if it not in makers and not isinstance(it, keras.Model)
    ]
    loss, labels = _loss_of(model), None
    if len(makers) > 0:
        labels = kind_of_labels(data.y, loss, activation_name(makers[-1]))
    return ModelFacts(
        optimizer=type(optimizer).__name__,
        learning_rate=_rate(model),
        momentum=float(getattr(optimizer, "momentum", 0.0) or 0.0)
        if hasattr(optimizer, "momentum")
        else float(getattr(optimizer, "beta_1", 0.0) or 0.0),
        loss=loss,
        activations=tuple(
            name for it in hidden if (name := activation_name(it)) is not None
        ),
        narrowest=min(
            (int(it.units) for it in hidden if isinstance(it, keras.layers.Dense)),
            default=0,
        ),
        initializers=tuple(
            type(it.kernel_initializer).__name__
            for it in layers
            if hasattr(it, "kernel_initializer")
        ),
        penalized=any(map(has_regularizer, layers)),
        dropout=max(
            (float(it.rate) for it in layers if isinstance(it, keras.layers.Dropout)),
            default=0.0,
        ),
        frozen=tuple(
            it.name
            for it in layers
            if it.weights and not it.trainable and not hasattr(it, "adapt")
        ),
        labels=labels,
        canonical_output=labels is None or _is_canonical(model, makers, labels, data),
        output_is_bounded=labels == "values"
        and _is_needlessly_bounded(loss, activation_name(makers[-1])),
        fixed=fixed,
    )


def _is_needlessly_bounded(loss: str, activation: str | None) -> bool:
    asked, last = loss_facts(loss), activation_facts(activation)
    if asked is None or last is None:
        return False
    return asked.is_for_any_value and last.can_saturate


def inner_optimizer(model: Any) -> Any:
    """Return the model's optimizer, unwrapped if it is a `LossScaleOptimizer`."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def why_fixed(model: Any) -> str | None:
    """Return why a model cannot be changed in a clone; None if it can."""
    if not isinstance(model, keras.Sequential) and not has_graph(model):
        return "its class is the project's own, without a configuration to clone"
    if len(model.outputs or ()) != 1:
        return "it has several outputs"
    return None


def output_layers(model: Any) -> list[Any]:
    """Return the dense layer behind the output, then the activation layers after it.

    Returns:
        Empty if the output is not made by a dense layer.
    """
    chain: list[Any] = []
    tensor = model.outputs[0]
    while True:
        layer = made_by(tensor)
        if isinstance(layer, keras.Sequential) or layer is None:
            return []
        chain.insert(0, layer)
        if isinstance(layer, keras.layers.Dense):
            return chain
        if not isinstance(layer, _ACTIVATION_LAYERS):
            return []
        tensor = flatten(layer.input)[0]


_ACTIVATION_LAYERS = (
    keras.layers.Activation,
    keras.layers.Softmax,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
)


def activation_name(layer: Any) -> str | None:
    """Return the name of a layer's activation; None if it has none."""
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    if isinstance(layer, (keras.layers.ReLU, keras.layers.LeakyReLU)):
        return "relu"
    activation = getattr(layer, "activation", None)
    return None if activation is None else getattr(activation, "__name__", "custom")


def follows_schedule(model: Any) -> bool:
    """Whether the learning rate is a schedule, not a number."""
    rate = learning_rate_of(inner_optimizer(model))
    return isinstance(rate, keras.optimizers.schedules.LearningRateSchedule)


def _rate(model: Any) -> float | None:
    rate = learning_rate_of(inner_optimizer(model))
    if rate is None or follows_schedule(model):
        return None
    return float(np.asarray(rate))


def _loss_of(model: Any) -> str:
    compiled = compiled_loss(model)
    names = describe_losses(compiled) if compiled is not None else ()
    if len(names) == 1:
        return _by_function(names[0])
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "__name__", str(loss))
    return _by_function(name)


def _by_function(loss: str) -> str:
    """Return the full name of a loss, such as ``"binary_crossentropy"`` for ``"bce"``;
    the name of a custom loss is returned as given.
    """
    facts = loss_facts(loss)
    return loss if facts is None else facts.name


def kind_of_labels(y: Any, loss: str, activation: str | None) -> str | None:
    """Return the kind of the labels, as in `ModelFacts.labels`; None if unknown."""
    leaves = flatten(y)
    if len(leaves) != 1:
        return None
    array = np.asarray(leaves[0])
    if array.size == 0 or not np.isfinite(array.astype(np.float64)).all():
        return None
    columns = array.shape[-1] if array.ndim > 1 else 1
    is_bits = bool(np.isin(array, (0, 1)).all())
    if columns == 1:
        if is_bits and "sparse" not in loss:
            return "binary"
        return "classes" if _are_classes(array, loss, activation) else "values"
    if not is_bits:
        return "values"
    return "one_hot" if bool((array.sum(axis=-1) == 1).all()) else "multi_label"


def _are_classes(array: Any, loss: str, activation: str | None) -> bool:
    distinct = np.unique(array)
    whole = bool((distinct == np.round(distinct)).all() and distinct.min() >= 0)
    says_so = "crossentropy" in loss or activation in ("softmax", "sigmoid")
    return whole and says_so and len(distinct) <= _MOST_CLASSES


def _is_canonical(model: Any, makers: list[Any], labels: str, data: ArrayData) -> bool:
    """Whether the last activation, the units and the loss are usual for the labels."""
    loss = _loss_of(model)
    last = next(
        (
            name
            for it in reversed(makers)
            if (name := activation_name(it)) not in _LINEAR
        ),
        None,
    )
    compiled = model.loss
    own = getattr(compiled, "__module__", "") if not isinstance(compiled, str) else ""
    is_builtin = isinstance(compiled, str) or str(own).startswith("keras")
    if not is_builtin or getattr(compiled, "reduction", "") == "sum":
        return False
    logits = takes_logits(compiled)
    units = makers[0].units
    leaf = np.asarray(flatten(data.y)[0])
    columns = leaf.shape[-1] if leaf.ndim > 1 else 1
    facts = loss_facts(loss)
    if facts is None or labels not in facts.usual_labels:
        return False
    usual = logits if last is None else last in facts.usual_outputs and not logits
    if labels == "values":
        usual = (last or "linear") in facts.usual_outputs
    return usual and _units_fit(labels, units, columns, leaf)


def _units_fit(labels: str, units: int, columns: int, array: Any) -> bool:
    if labels == "classes":
        return units > int(array.max())
    return bool(units == columns)
