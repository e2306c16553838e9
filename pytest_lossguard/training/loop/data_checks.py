"""Checks that data fit a model, to replace TensorFlow's long errors by one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ...core.keras_names import loss_facts
from ..backend.batch import Batch
from ..backend.frameworks import has_own_step, is_of_keras, keras
from ..backend.private_api import flat_layers
from ..backend.tensors import flatten, is_composite
from .spec import TrainingSpec


def check_data(model: Any, probe: Batch, task: TrainingSpec) -> None:
    """Reject data that the model cannot be trained on.

    Only certain errors are reported: a model with a custom training step is not
    checked, and a custom loss may take any labels.

    Args:
        model: A compiled model.
        probe: Some rows of the training data.
        task: The training, with its arrays and held-out rows.

    Raises:
        UsageError: Inputs, labels, weights or held-out rows do not fit the model, or
            the model has no loss or no trainable variables.
    """
    if has_own_step(model):
        return
    if model.built and not model.trainable_variables:
        raise UsageError(
            f"model {model.name!r} has no trainable variable: set trainable=True before"
            " model.compile, or leave the training out"
        )
    _check_loss(model, probe)
    _check_batch(model, probe)
    if task.arrays is not None:
        _check_classes(model, task.arrays.y)
    if task.validation is not None:
        held_out = task.validation.rows(slice(0, 1))
        if (held_out.y is None) != (probe.y is None):
            raise UsageError(
                "validation_data must have labels where the training has, and only"
                " there: give it as (x, y)"
            )
        _check_batch(model, held_out, " of validation_data")


def _check_batch(model: Any, batch: Batch, of: str = "") -> None:
    if is_of_keras(type(model)) and getattr(model, "inputs", None):
        _check_inputs(model, batch.x, of)
    output = _only_output(model)
    if output is not None and not _has_own_loss(model):
        _check_labels(model, output, batch.y, of)
        _check_weights(output, batch.sample_weight, of)


def _has_own_loss(model: Any) -> bool:
    """Whether the loss is custom code, which may use labels in any way."""
    loss = model.loss
    return not isinstance(loss, str) and not is_of_keras(loss)


def _only_output(model: Any) -> Any:
    """Return the output of a built model with a single output, else None."""
    outputs = getattr(model, "outputs", None)
    return outputs[0] if outputs and len(outputs) == 1 else None


def _check_loss(model: Any, probe: Batch) -> None:
    if model.loss is None and not _may_add_losses(model):
        raise UsageError(
            f"model {model.name!r} was compiled without a loss: give one, as in"
            " model.compile(optimizer=..., loss='mse')"
        )
    if model.loss is not None and probe.y is None and not _has_own_loss(model):
        raise UsageError(
            f"y is missing, and the loss of model {model.name!r} compares predictions"
            " with it: give y, or a dataset of (x, y)"
        )


def _may_add_losses(model: Any) -> bool:
    layers = [it for it in flat_layers(model) if it is not model]
    return (
        bool(model.losses)
        or not all(is_of_keras(type(it)) for it in (model, *layers))
        or any(getattr(it, "activity_regularizer", None) for it in layers)
    )


def _check_inputs(model: Any, x: Any, of: str) -> None:
    wanted = model.inputs
    if isinstance(x, Mapping):
        if isinstance(model, keras.Sequential):
            raise UsageError(
                f"x{of} is a dict, but {model.name!r} takes one array: give an array"
            )
        if not all(it.name in x for it in wanted):
            return  # another nesting
        given = [x[it.name] for it in wanted]
    else:
        given = flatten(x)
        needed = [it for it in wanted if not getattr(it, "optional", False)]
        if not len(needed) <= len(given) <= len(wanted):
            raise UsageError(
                f"x{of} holds {_many(len(given), 'array')}, and {model.name!r} takes"
                f" {_many(len(wanted), 'input')}: give one array for each"
            )
    if len(given) != len(wanted):
        return
    for leaf, one in zip(given, wanted, strict=True):
        if leaf is not None and not is_composite(leaf):
            _check_input(model, leaf, one, of)


def _check_input(model: Any, leaf: Any, wanted: Any, of: str) -> None:
    shape, made = tuple(leaf.shape[1:]), tuple(wanted.shape[1:])
    if not _can_be(shape, made):
        raise UsageError(
            f"x{of} has shape {_rows_of(shape)}, but the input of {model.name!r} is"
            f" {_rows_of(made)}: change the data or the model's input"
        )
    if np.asarray(leaf).dtype.kind in "SUO" and str(wanted.dtype) != "string":
        raise UsageError(
            f"x{of} holds text, but the input of {model.name!r} is {wanted.dtype}:"
            " encode it first"
        )


def _can_be(shape: tuple[Any, ...], made: tuple[Any, ...]) -> bool:
    """Whether Keras accepts rows of this shape for an input of shape ``made``; Keras
    adds or drops a last axis of size 1.
    """
    if len(shape) + 1 == len(made):
        shape = (*shape, 1)
    elif len(shape) == len(made) + 1 and shape[-1] == 1:
        shape = shape[:-1]
    return len(shape) == len(made) and all(
        None in (it, one) or it == one for it, one in zip(shape, made, strict=True)
    )


def _check_labels(model: Any, output: Any, y: Any, of: str) -> None:
    labels = flatten(y)
    if len(labels) > 1:
        raise UsageError(
            f"y{of} holds {len(labels)} arrays, but {model.name!r} has one output: give"
            " one array of labels"
        )
    if isinstance(y, Mapping) and isinstance(model, keras.Sequential):
        raise UsageError(
            f"y{of} is a dict, but {model.name!r} has one output: give an array"
        )
    if not labels or isinstance(y, Mapping):
        return
    given, made = tuple(labels[0].shape[1:]), tuple(output.shape[1:])
    if len(given) != len(made) or not made or given[-1] in (1, None) or not made[-1]:
        return
    sparse = _sparse_loss(model)
    if sparse is not None:
        raise UsageError(
            f"y{of} has shape {_rows_of(given)}, but {sparse} takes the class number of"
            " each row: give np.argmax(y, axis=-1), or use categorical_crossentropy"
        )
    if given[-1] != made[-1]:
        raise UsageError(
            f"labels{of} of shape {_rows_of(given)} do not fit the output of"
            f" {model.name!r}, {_rows_of(made)}: change the last layer's units or the"
            " encoding of the labels"
        )


def _check_weights(output: Any, weight: Any, of: str) -> None:
    if not hasattr(weight, "shape"):
        return
    beyond = [it for it in weight.shape[1:] if it != 1]
    if len(beyond) > len(output.shape) - 2:
        raise UsageError(
            f"sample_weight{of} has shape {_rows_of(weight.shape[1:])}: give one weight"
            " for each row, of shape (rows,)"
        )


def _sparse_loss(model: Any) -> str | None:
    """Return the name of the loss if it takes class indices along the last axis and
    ignores none of them, else None.
    """
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", None)
    facts = loss_facts(str(name or getattr(loss, "__name__", None)))
    if facts is None or not facts.takes_class_numbers:
        return None
    if getattr(loss, "ignore_class", None) is not None:
        return None
    return facts.name if getattr(loss, "axis", -1) in (None, -1) else None


def _check_classes(model: Any, y: Any) -> None:
    """Reject class indices without an output unit, for which TensorFlow raises on some
    devices and returns NaN on others, and class indices that are not integers.
    """
    output, labels, sparse = _only_output(model), flatten(y), _sparse_loss(model)
    if output is None or len(labels) != 1 or sparse is None:
        return
    values, classes = np.asarray(labels[0]), output.shape[-1]
    lowest, highest = values.min(), values.max()
    if classes is not None and not (lowest >= 0 and highest < classes):
        wrong = highest if lowest >= 0 else lowest
        raise UsageError(
            f"y holds the class {wrong}, but the output of {model.name!r} has"
            f" {classes}, numbered from 0: give the last layer a unit for each class"
        )
    if values.dtype.kind == "f" and np.any(values % 1):
        raise UsageError(
            f"y holds numbers that are not whole, but {sparse} takes the class number"
            " of each row: use another loss for such targets"
        )


def _rows_of(shape: Any) -> str:
    return f"({', '.join(map(str, ('rows', *shape)))})"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
