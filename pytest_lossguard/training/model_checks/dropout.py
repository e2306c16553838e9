"""Dropout in inference, whoever wrote it, as the graph of a call shows it."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import noise_layers, tf
from ..backend.graphs import tensors_behind
from ..backend.private_api import call_model, flat_layers
from ..backend.tensors import graph_function

__all__ = ["drops_in_inference"]

_UNIFORM = frozenset(
    {"RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2"}
)
#: What makes a mask of uniform numbers: a comparison, or a sum that is rounded down.
_MASKS = frozenset({"Greater", "GreaterEqual", "Less", "LessEqual", "Floor"})


def drops_in_inference(model: Any, x: Any) -> bool:
    """Whether a model drops values at random in inference mode.

    A chance that depends on the rows, as of a code of zeros and ones that is drawn, is
    no dropout; nor is noise that is added, as by a variational autoencoder.

    Args:
        model: Draws something at random in inference.
        x: Rows.
    """
    if any(isinstance(it, noise_layers()) for it in flat_layers(model)):
        return True

    def call(rows: Any) -> Any:
        return call_model(model, rows, training=False)

    try:
        rows = tf.nest.map_structure(tf.convert_to_tensor, x)
        graph = graph_function(call).get_concrete_function(rows).graph
    except Exception:  # a model of the user's may refuse to be traced
        return False
    return any(_is_mask(it) for it in graph.get_operations() if it.type in _MASKS)


def _is_mask(operation: Any) -> bool:
    behind = [it.op.type for it in tensors_behind(operation.inputs, _is_uniform)]
    return not _UNIFORM.isdisjoint(behind) and "Placeholder" not in behind


def _is_uniform(tensor: Any) -> bool:
    return tensor.op.type in _UNIFORM
