"""Create the variables of an optimizer before its first update is traced."""

from __future__ import annotations

from typing import Any

from ..backend.frameworks import is_of_keras, keras, tf
from ..backend.tensors import outside_of_traces, raw


def build_outside(optimizer: Any, variables: list[Any]) -> None:
    """Create an optimizer's variables outside the trace of its first update.

    Keras creates them inside the trace, which TensorFlow then discards to make another
    one that takes as long. A loss-scaling optimizer is left alone, because it has
    already scaled the loss as an unbuilt one. Building outside does not help either if
    the variables to update were created in this trace.

    Args:
        optimizer: A Keras optimizer; ignored if built or of any other kind.
        variables: The variables that it is about to update.
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
