"""Changes of the program, made in a clone of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...core.change import Change, ChangeName
from ...core.errors import CannotChange, NothingToChange, first_line
from ...core.keras_names import USUAL_OUTPUTS
from ..backend.data import ArrayData
from ..backend.frameworks import is_of_keras, keras
from ..backend.private_api import (
    compiled_loss,
    flat_layers,
    loss_weights,
)
from ..backend.tensors import flatten, map_structure
from ..score.loss_parts import describe_losses
from .model_facts import (
    activation_name,
    kind_of_labels,
    output_layers,
    why_fixed,
)
from .optimizer_changes import OPTIMIZER_CHANGES, remade_optimizer

#: Edits the configuration of a layer in place.
_Edit = Callable[[Any, dict[str, Any], Change], None]


def changed_program(
    model: Any, data: ArrayData, change: Change
) -> tuple[Any, ArrayData]:
    """Return a compiled clone of a model with one change and the same weights.

    Args:
        model: A built, compiled model; not changed.
        data: The training data.
        change: One of `MODEL_CHANGES` or `OPTIMIZER_CHANGES`, or
            ``"canonical_output"``.

    Returns:
        The clone, and the data; labels may be reshaped or renumbered for it.

    Raises:
        CannotChange: The model cannot be cloned, or has nothing to change.
    """
    reason = why_fixed(model)
    if reason is not None:
        raise CannotChange(reason)
    if change.kind == "canonical_output":
        return _canonical(model, data)
    if change.kind in OPTIMIZER_CHANGES:
        clone = _clone(model, _same)
        optimizer = OPTIMIZER_CHANGES[change.kind](model, change)
    else:
        clone = MODEL_CHANGES[change.kind](model, change)
        optimizer = remade_optimizer(model)
    _take_weights(clone, model)
    clone.compile(optimizer, model.loss, loss_weights=loss_weights(model))
    return clone, data


def _with_other_layers(
    model: Any, change: Change, edit: _Edit, *, spares_output: bool = False
) -> Any:
    """Clone a model with ``edit`` applied to the configuration of each layer."""
    spared = output_layers(model) if spares_output else []

    def edited(layer: Any) -> dict[str, Any]:
        config: dict[str, Any] = layer.get_config()
        if layer not in spared:
            edit(layer, config, change)
        return config

    layers = [it for it in flat_layers(model) if not isinstance(it, keras.Model)]
    if all(repr(edited(it)) == repr(it.get_config()) for it in layers):
        raise NothingToChange("no layer has this setting")
    return _clone(model, lambda layer: type(layer).from_config(edited(layer)))


def _shallower(model: Any, _: Change) -> Any:
    """Return a Sequential model with only the first two hidden dense layers."""
    if not isinstance(model, keras.Sequential):
        raise CannotChange("hidden layers can only be removed from a Sequential model")
    makers = output_layers(model)
    hidden = [
        it
        for it in model.layers
        if isinstance(it, keras.layers.Dense) and it not in makers
    ]
    if len(hidden) <= 2:
        raise NothingToChange("no layer has this setting")
    kept = [it for it in model.layers if it not in hidden[2:]]
    return keras.Sequential(
        [keras.Input(model.input_shape[1:]), *(_same(it) for it in kept)]
    )


def _same(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _clone(model: Any, remake: Callable[[Any], Any]) -> Any:
    def make(layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return keras.models.clone_model(layer, clone_function=make)
        return remake(layer)

    compiled, model.compiled = model.compiled, False  # its loss need not be cloned
    try:
        clone = keras.models.clone_model(model, clone_function=make)
    except Exception as error:  # a custom layer may not support from_config
        raise CannotChange(f"it cannot be cloned ({first_line(error)})") from error
    finally:
        model.compiled = compiled
    if not clone.built:
        clone.build(model.input_shape)
    return clone


def _take_weights(clone: Any, model: Any) -> None:
    """Copy the weights to each layer of the clone with the same name and shapes."""
    theirs = {it.name: it for it in flat_layers(model)}
    for layer in flat_layers(clone):
        source = theirs.get(layer.name)
        if source is None or isinstance(layer, keras.Model):
            continue
        mine, given = layer.weights, source.weights
        if [tuple(it.shape) for it in mine] != [tuple(it.shape) for it in given]:
            continue
        for variable, value in zip(mine, given, strict=True):
            variable.assign(value)
        if hasattr(layer, "adapt") and hasattr(layer, "finalize_state"):
            layer.finalize_state()


# Edits of the configuration of a layer


def _without_penalty(layer: Any, config: dict[str, Any], change: Change) -> None:
    del layer, change
    for name in config:
        if name.endswith("_regularizer"):
            config[name] = None


def _without_dropout(layer: Any, config: dict[str, Any], change: Change) -> None:
    del layer, change
    for name in ("rate", "dropout", "recurrent_dropout"):
        if isinstance(config.get(name), float):
            config[name] = 0.0


def _other_activation(layer: Any, config: dict[str, Any], change: Change) -> None:
    takes_part = isinstance(layer, (keras.layers.Dense, keras.layers.Activation))
    if (takes_part or hasattr(layer, "kernel_size")) and "activation" in config:
        config["activation"] = change.value


def _trainable(layer: Any, config: dict[str, Any], change: Change) -> None:
    del change
    if layer.weights and not hasattr(layer, "adapt"):
        config["trainable"] = True


def _wider(layer: Any, config: dict[str, Any], change: Change) -> None:
    del layer
    for name in ("units", "filters"):
        if isinstance(config.get(name), int):
            config[name] = int(max(float(change.value or 4) * config[name], 32))


#: The function that clones a model with each change.
MODEL_CHANGES: dict[ChangeName, Callable[[Any, Change], Any]] = {
    "no_penalty": partial(_with_other_layers, edit=_without_penalty),
    "no_dropout": partial(_with_other_layers, edit=_without_dropout),
    "hidden_activation": partial(
        _with_other_layers, edit=_other_activation, spares_output=True
    ),
    "unfreeze": partial(_with_other_layers, edit=_trainable),
    "wider": partial(_with_other_layers, edit=_wider, spares_output=True),
    "shallower": _shallower,
}


# The output layer and the loss


def _canonical(model: Any, data: ArrayData) -> tuple[Any, ArrayData]:
    """Return a clone with the usual output units, activation and loss for the labels,
    and the data with the labels encoded for it.
    """
    makers = output_layers(model)
    if not makers:
        raise CannotChange("the output layer is not a Dense layer")
    names = describe_losses(compiled_loss(model) or model.loss)
    labels = kind_of_labels(
        data.y, names[0] if names else "", activation_name(makers[-1])
    )
    if labels is None:
        raise CannotChange("the label encoding could not be determined")
    y = np.asarray(flatten(data.y)[0])
    if labels == "classes":
        distinct, numbered = np.unique(y, return_inverse=True)
        units, y = len(distinct), numbered.reshape(y.shape).astype(np.int32)
    else:
        units = y.shape[-1] if y.ndim > 1 else 1
        y = y.astype(np.float32)
        if y.ndim == len(model.outputs[0].shape) - 1:
            y = y[..., None]
    own = getattr(model.loss, "fn", model.loss)
    is_own = callable(own) and not is_of_keras(own)
    if is_own and labels in ("values", "multi_label") and units != makers[0].units:
        raise CannotChange(
            f"its own loss takes {units} columns of targets for {makers[0].units} of"
            " predictions, which no usual loss does"
        )
    usual = USUAL_OUTPUTS[labels]

    def remake(layer: Any) -> Any:
        if layer is makers[0]:
            config = layer.get_config() | {
                "units": units,
                "activation": usual.activation,
            }
            return type(layer).from_config(config)
        if layer in makers:
            return keras.layers.Activation("linear", name=layer.name)
        return _same(layer)

    clone = _clone(model, remake)
    _take_weights(clone, model)
    clone.compile(remade_optimizer(model), keras.losses.get(usual.loss_class))
    return clone, replace(data, y=map_structure(lambda _: y, data.y))


# The weights, changed in place


def reinitialize(model: Any, seed: int) -> None:
    """Initialize kernels to suit the activation of their layer, and biases to 0."""
    for index, layer in enumerate(flat_layers(model)):
        if isinstance(layer, keras.Model) or hasattr(layer, "adapt"):
            continue
        for variable in layer.trainable_weights:
            _draw(variable, activation_name(layer), seed + index)


def _draw(variable: Any, activation: str | None, seed: int) -> None:
    name = variable.name.rpartition("/")[2]
    if name == "bias" and len(variable.shape) == 1:
        variable.assign(np.zeros(variable.shape))
    elif name == "kernel" and len(variable.shape) >= 2:
        relu = activation is not None and "elu" in activation
        kind = keras.initializers.HeNormal if relu else keras.initializers.GlorotUniform
        variable.assign(kind(seed=seed)(variable.shape))
    elif name == "recurrent_kernel":
        variable.assign(keras.initializers.Orthogonal(seed=seed)(variable.shape))
