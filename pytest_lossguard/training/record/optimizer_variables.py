"""The variables of an optimizer, made before its first update is traced."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import is_of_keras, keras, tf
from ..backend.tensors import outside_of_traces, raw

__all__ = ["build_outside"]


def build_outside(optimizer: Any, variables: list[Any]) -> None:
    """Create an optimizer's variables outside of the trace in which it first updates.

    Keras does it inside; TensorFlow then throws that trace away and makes another,
    which takes as long. One that scales the loss is left to do so: it has scaled by
    now, as one does that is not built. Nor does it help where the variables to update
    were made in this trace.

    Args:
        optimizer: Of Keras, not built yet.
        variables: What it is about to update.
    """
    if (
        isinstance(optimizer, keras.optimizers.Optimizer)
        and not optimizer.built
        and not hasattr(optimizer, "inner_optimizer")
        and is_of_keras(optimizer.build)
        and not tf.executing_eagerly()
        and not tf.distribute.has_strategy()
    ):
        with outside_of_traces(), keras.name_scope(optimizer.name, caller=optimizer):
            if all(raw(it).is_initialized() for it in variables):
                optimizer.build(variables)
