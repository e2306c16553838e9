"""Names that Keras and TensorFlow keep to themselves, all that this package uses.

An upgrade of either is this one file to read. Each name has the oldest and the newest
version that it was seen in: Keras 3.6 and 3.15, TensorFlow 2.18 and 2.21. What steps
call often is a constant to be used with `getattr`, which costs no further call.
"""

from __future__ import annotations

from typing import Any

# isort: split

# Keras 3.6 to 3.15: what layers are made of; up to 3.6 `keras.Variable` was a subclass.
from keras.src.backend import Variable as KerasVariable

# TensorFlow 2.18 to 2.21: whether a tape records what is computed now.
from tensorflow.python.eager import record

# TensorFlow 2.18 to 2.21: the class whose call is observed for traces called directly.
from tensorflow.python.eager.polymorphic_function.concrete_function import (
    ConcreteFunction,
)

# TensorFlow 2.18 to 2.21: what each operation is, as whether it keeps a state.
from tensorflow.python.framework import op_def_registry

# TensorFlow 2.18 to 2.21: what calls a function whose gradient is written by hand.
from tensorflow.python.ops import custom_gradient as custom_gradients

# TensorFlow 2.18 to 2.21: variables that a second trace of a function may make.
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

# TensorFlow 2.18 to 2.21: leaves its own frames out of a traceback.
from tensorflow.python.util.traceback_utils import filter_traceback

__all__ = [
    "CALL_FLAT",
    "COMPAT_V1_OPTIMIZERS",
    "CUSTOM_GRADIENT_CALLS",
    "EAGER_ID",
    "JIT_COMPILE",
    "READS_DATA",
    "REPLICA_THREAD",
    "TRAINABLE_VARIABLES",
    "VALUE",
    "ConcreteFunction",
    "KerasVariable",
    "ResourceVariable",
    "build_symbolically",
    "call_model",
    "calls_of",
    "cloned_function",
    "compiled_loss",
    "compiled_metrics",
    "custom_gradients",
    "eager_context",
    "eager_generator",
    "eager_seed",
    "filter_traceback",
    "flat_layers",
    "flat_losses",
    "functional_of",
    "has_graph",
    "input_name_of",
    "is_on_tape",
    "is_stateful",
    "is_taping",
    "keeps_logits",
    "keras_global_state",
    "learning_rate_of",
    "loss_options",
    "loss_weights",
    "made_by",
    "made_variables",
    "mapped_by",
    "mask_of",
    "quiet",
    "set_eager_seed",
    "set_learning_rate_of",
    "set_mask",
    "shuffles_anew",
    "sources_of",
    "strategy_of",
    "untaped",
]

# Of variables and optimizers

#: Keras 3.6 to 3.15: the `tf.Variable` behind a Keras variable.
VALUE = "_value"
#: Keras 3.6 to 3.15: what an optimizer was built for, where `apply` does not get it.
TRAINABLE_VARIABLES = "_trainable_variables"


def learning_rate_of(optimizer: Any) -> Any:
    """Its variable or schedule, not the value now; None where it has none.

    Keras 3.6 to 3.15: `learning_rate` evaluates a schedule.
    """
    return getattr(optimizer, "_learning_rate", None)


def set_learning_rate_of(optimizer: Any, schedule: Any) -> None:
    """Have it follow another schedule (Keras 3.6 to 3.15)."""
    optimizer._learning_rate = schedule


# Of models and layers


def flat_layers(model: Any, **how: bool) -> list[Any]:
    """The model and all layers in it, however deep; none of what is not of Keras.

    Keras 3.6 to 3.15: `layers` leaves out what is nested.

    Args:
        model: Of Keras, or anything else.
        how: ``include_self=False``, ``recursive=False``.
    """
    found = getattr(model, "_flatten_layers", None)
    return [] if found is None else list(found(**how))


def functional_of(model: Any) -> Any:
    """The functional model inside a Sequential one, else the model.

    Keras 3.6 to 3.15: a Sequential model keeps its graph there.
    """
    return getattr(model, "_functional", None) or model


def input_name_of(tensor: Any) -> str:
    """The name of the input layer behind a symbolic tensor (Keras 3.6 to 3.15)."""
    return str(tensor._keras_history.operation.name)


def calls_of(operation: Any) -> list[Any]:
    """The calls of a layer or operation in a graph (Keras 3.6 to 3.15)."""
    return list(operation._inbound_nodes)


def has_graph(model: Any) -> bool:
    """Whether it is a functional model, or a kind of one, that can be cloned.

    Keras 3.6 to 3.15: only these have nodes.
    """
    return hasattr(model, "_nodes")


def made_by(tensor: Any) -> Any:
    """The layer that made a symbolic tensor, None of any other.

    Keras 3.6 to 3.15: what a functional model is made of.
    """
    return getattr(tensor, "_keras_history", (None,))[0]


def build_symbolically(model: Any, batch: Any) -> None:
    """Build model, metrics and loss for such a batch (Keras 3.6 to 3.15: in `fit`)."""
    model._symbolic_build(data_batch=batch)


def call_model(model: Any, x: Any, *, training: bool = False) -> Any:
    """What a model makes of inputs; one whose ``call`` does not take ``training`` is
    called without it (Keras 3.6 to 3.15).
    """
    if getattr(model, "_call_has_training_arg", True):
        return model(x, training=training)
    return model(x)


def strategy_of(model: Any) -> Any:
    """The strategy in whose scope it was made, else None (Keras 3.6 to 3.15)."""
    return getattr(model, "_distribute_strategy", None)


# Of losses and metrics


def compiled_loss(model: Any) -> Any:
    """The loss that a compiled model minimizes, None of any other.

    Keras 3.6 to 3.15: `loss` is what was given to ``compile``.
    """
    return getattr(model, "_compile_loss", None)


def compiled_metrics(model: Any) -> Any:
    """The metrics of a compiled model, else None (Keras 3.6 to 3.15)."""
    return getattr(model, "_compile_metrics", None)


def flat_losses(loss: Any) -> Any:
    """The parts of a compiled loss, None of any other.

    Keras 3.6 has them in public, later ones up to 3.15 do not.
    """
    found = getattr(loss, "_flat_losses", None)
    return found or getattr(loss, "flat_losses", None)


def loss_weights(model: Any) -> Any:
    """The ``loss_weights`` given to ``compile``, else None (Keras 3.6 to 3.15)."""
    return getattr(compiled_loss(model), "_user_loss_weights", None)


def loss_options(loss: Any) -> dict[str, Any]:
    """What a loss object hands to its function, as ``from_logits``.

    Keras 3.6 to 3.15: only some losses have these as attributes.
    """
    options: dict[str, Any] = getattr(loss, "_fn_kwargs", {})
    return options


# Of tensors


def mask_of(tensor: Any) -> Any:
    """The mask that Keras keeps with an output, else None (Keras 3.6 to 3.15)."""
    return getattr(tensor, "_keras_mask", None)


def set_mask(tensor: Any, mask: Any) -> None:
    """Have the loss leave out what the mask does (Keras 3.6 to 3.15)."""
    tensor._keras_mask = mask


def keeps_logits(tensor: Any) -> bool:
    """Whether Keras scores an output from its logits (Keras 3.6 to 3.15)."""
    return hasattr(tensor, "_keras_logits")


def is_on_tape(tensors: list[Any]) -> bool:
    """Whether a tape would follow one of them back to a variable (2.18 to 2.21)."""
    return bool(tensors) and bool(record.should_record_backprop(tensors))


def is_taping() -> bool:
    """Whether a tape may record what this thread computes now (2.18 to 2.21)."""
    return bool(record.could_possibly_record())


def untaped() -> Any:
    """A block whose operations no tape follows back (2.18 to 2.21)."""
    return record.stop_recording()


#: TensorFlow 2.18 to 2.21: what identifies an eager tensor, also among gone ones.
EAGER_ID = "_id"

# Of functions that TensorFlow traces

#: TensorFlow 2.18 to 2.21: whether XLA compiles a ``tf.function``.
JIT_COMPILE = "_jit_compile"
#: TensorFlow 2.18 to 2.21: calls a concrete function without checking its arguments.
CALL_FLAT = "_call_flat"
#: TensorFlow 2.18 to 2.21: where its own functions that read a dataset are written.
READS_DATA = "tensorflow.python.data."
#: TensorFlow 2.18 to 2.21: where the optimizers of `tf.compat.v1` are written.
COMPAT_V1_OPTIMIZERS = "tensorflow.python.training."
#: TensorFlow 2.18 to 2.21: calls it in a graph, and eagerly.
CUSTOM_GRADIENT_CALLS = ("_graph_mode_decorator", "_eager_mode_decorator")
#: TensorFlow 2.18 to 2.21: the class of the threads that trace one replica each.
REPLICA_THREAD = "_MirroredReplicaThread"


def cloned_function(function: Any) -> Any:
    """A ``tf.function`` of the same code, not traced (TensorFlow 2.18 to 2.21)."""
    return function._clone(None)


def made_variables(function: Any) -> bool:
    """Whether a call of a ``tf.function`` has made variables, so that its first trace
    is thrown away (TensorFlow 2.18 to 2.21).
    """
    return bool(getattr(function, "_created_variables", False))


def quiet(function: Any) -> Any:
    """Keep TensorFlow from warning of retracing: each model has its own trace.

    TensorFlow 2.18 to 2.21.
    """
    function._omit_frequent_tracing_warning = True
    return function


# Of random generators


def eager_context() -> Any:
    """TensorFlow's own, None where it is not to be found (TensorFlow 2.18 to 2.21)."""
    try:
        from tensorflow.python.eager import context
    except ImportError:
        return None
    return context.context()


def eager_seed(context: Any) -> int | None:
    """The seed of `tf.random.set_seed`, else None (TensorFlow 2.18 to 2.21)."""
    seed: int | None = getattr(context, "_seed", None)
    return seed


def eager_generator(context: Any) -> Any:
    """What the seeds of operations are drawn from: None before there is a seed, and
    where a context keeps none (TensorFlow 2.18 to 2.21).
    """
    return getattr(context, "_rng", None)


def set_eager_seed(context: Any, seed: Any, generator: Any) -> bool:
    """Set both; False where a context does not keep them (TensorFlow 2.18 to 2.21)."""
    if not (hasattr(context, "_seed") and hasattr(context, "_rng")):
        return False
    context._seed, context._rng = seed, generator
    return True


def keras_global_state() -> Any:
    """Where Keras keeps its seeds, None where it is not to be found (3.6 to 3.15)."""
    try:
        from keras.src.backend.common import global_state
    except ImportError:
        return None
    return global_state


# Of datasets


def sources_of(dataset: Any) -> list[Any]:
    """The datasets that one is made from (TensorFlow 2.18 to 2.21)."""
    return list(dataset._inputs())


def shuffles_anew(dataset: Any) -> bool:
    """Whether it is a ``shuffle`` whose order is another each time that it is read
    (TensorFlow 2.18 to 2.21).
    """
    return getattr(dataset, "_reshuffle_each_iteration", False) is True


def mapped_by(dataset: Any) -> Any:
    """The graph of the function of a ``map``, else None (TensorFlow 2.18 to 2.21)."""
    function = getattr(dataset, "_map_func", None)
    return None if function is None else function.function.graph


def is_stateful(operation: str) -> bool:
    """Whether running it may change something."""
    return bool(op_def_registry.get(operation).is_stateful)
