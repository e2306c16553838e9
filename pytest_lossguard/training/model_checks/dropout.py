"""Finds dropout in inference mode, also custom dropout, in the graph of a call."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import noise_layers, tf
from ..backend.graphs import tensors_behind
from ..backend.private_api import call_model, flat_layers
from ..backend.tensors import graph_function

_UNIFORM = frozenset(
    {"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"}
)
#: Operations that turn uniform random numbers into a mask: comparisons and rounding.
_MASKS = frozenset({"Greater", "GreaterEqual", "Less", "LessEqual", "Floor"})


def drops_in_inference(model: Any, x: Any) -> bool:
    """Whether a model drops values at random in inference mode.

    Sampling with probabilities that depend on the rows, as of a binary code, is not
    dropout, nor is additive noise, as in a variational autoencoder.

    Args:
        model: A model with random outputs in inference mode.
        x: Inputs of some rows.
    """
    if any(isinstance(it, noise_layers()) for it in flat_layers(model)):
        return True

    def call(rows: Any) -> Any:
        return call_model(model, rows, training=False)

    try:
        rows = tf.nest.map_structure(tf.convert_to_tensor, x)
        graph = graph_function(call).get_concrete_function(rows).graph
    except Exception:  # a user's model may not be traceable
        return False
    return any(_is_mask(it) for it in graph.get_operations() if it.type in _MASKS)


def _is_mask(operation: Any) -> bool:
    behind = [it.op.type for it in tensors_behind(operation.inputs, _is_uniform)]
    return not _UNIFORM.isdisjoint(behind) and "Placeholder" not in behind


def _is_uniform(tensor: Any) -> bool:
    return tensor.op.type in _UNIFORM
