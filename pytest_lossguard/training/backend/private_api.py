"""All private names of Keras and TensorFlow that this package uses.

After an upgrade of either, only this file has to be reviewed. Each name states the
oldest and the newest version that it was found in: Keras 3.6 and 3.15, TensorFlow 2.18
and 2.21. Attributes read often in steps are constants for `getattr`, which saves a
function call.
"""

from __future__ import annotations

from traceback import walk_tb
from typing import Any

# isort: split

# Keras 3.6 to 3.15: the class of layers' variables; up to 3.6 `keras.Variable` was a
# subclass.
from keras.src.backend import Variable as KerasVariable

# TensorFlow 2.18 to 2.21: marks a callable that AutoGraph must not convert.
from tensorflow.python.autograph.impl.api import autograph_artifact

# TensorFlow 2.18 to 2.21: tells whether a tape records the current computation.
from tensorflow.python.eager import record

# TensorFlow 2.18 to 2.21: the class to patch to observe traces that are called
# directly.
from tensorflow.python.eager.polymorphic_function.concrete_function import (
    ConcreteFunction,
)

# TensorFlow 2.18 to 2.21: properties of each operation, such as being stateful.
from tensorflow.python.framework import op_def_registry

# TensorFlow 2.18 to 2.21: calls the functions decorated with `tf.custom_gradient`.
from tensorflow.python.ops import custom_gradient as custom_gradients

# TensorFlow 2.18 to 2.21: the class of variables that may be created in a second trace
# of a function.
from tensorflow.python.ops.resource_variable_ops import ResourceVariable

# TensorFlow 2.18 to 2.21: removes TensorFlow's frames from a traceback.
from tensorflow.python.util.traceback_utils import filter_traceback

__all__ = [
    "AUTOGRAPH",
    "AUTOGRAPH_FILE",
    "CALL_FLAT",
    "COMPAT_V1_OPTIMIZERS",
    "CUSTOM_GRADIENT_CALLS",
    "DATASET_LOOP",
    "EAGER_ID",
    "JIT_COMPILE",
    "READS_DATA",
    "REPLICA_THREAD",
    "SHAPE_INFERENCE",
    "TRACES",
    "TRAINABLE_VARIABLES",
    "VALUE",
    "ConcreteFunction",
    "KerasVariable",
    "ResourceVariable",
    "argument_name_of",
    "autograph_artifact",
    "build_symbolically",
    "call_model",
    "calls_of",
    "cloned_function",
    "compiled_loss",
    "compiled_metrics",
    "custom_gradients",
    "dataset_given_to",
    "eager_context",
    "eager_generator",
    "eager_seed",
    "end_epoch",
    "filter_traceback",
    "flat_layers",
    "flat_losses",
    "function_graph",
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
    "outermost_graph",
    "quiet",
    "set_eager_seed",
    "set_learning_rate_of",
    "set_mask",
    "shuffle_seeds",
    "shuffles_anew",
    "slices_of",
    "sources_of",
    "strategy_of",
    "takes_logits",
    "untaped",
    "written_line_of",
]

# Variables and optimizers

#: Keras 3.6 to 3.15: the `tf.Variable` behind a Keras variable.
VALUE = "_value"
#: Keras 3.6 to 3.15: the variables an optimizer was built for, if `apply` gets none.
TRAINABLE_VARIABLES = "_trainable_variables"


def learning_rate_of(optimizer: Any) -> Any:
    """Return the variable or schedule of an optimizer's learning rate, else None.

    Keras 3.6 to 3.15: `learning_rate` evaluates a schedule.
    """
    return getattr(optimizer, "_learning_rate", None)


def set_learning_rate_of(optimizer: Any, schedule: Any) -> None:
    """Make an optimizer follow another schedule (Keras 3.6 to 3.15)."""
    optimizer._learning_rate = schedule


# Models and layers


def flat_layers(model: Any, **how: bool) -> list[Any]:
    """Return a model and all of its layers at any depth; empty for a non-Keras object.

    Keras 3.6 to 3.15: `layers` leaves out nested layers.

    Args:
        model: A Keras model or layer, or any other object.
        how: Keras' options ``include_self=False`` and ``recursive=False``.
    """
    found = getattr(model, "_flatten_layers", None)
    return [] if found is None else list(found(**how))


def functional_of(model: Any) -> Any:
    """Return the functional model inside a Sequential one, else the model itself.

    Keras 3.6 to 3.15: the inner functional model holds the graph.
    """
    return getattr(model, "_functional", None) or model


def input_name_of(tensor: Any) -> str:
    """Return the name of a symbolic input's layer (Keras 3.6 to 3.15)."""
    return str(tensor._keras_history.operation.name)


def calls_of(operation: Any) -> list[Any]:
    """Return the calls of a layer or operation in a graph (Keras 3.6 to 3.15)."""
    return list(operation._inbound_nodes)


def has_graph(model: Any) -> bool:
    """Whether a model is functional, or of a subclass, and so can be cloned.

    Keras 3.6 to 3.15: only functional models have nodes.
    """
    return hasattr(model, "_nodes")


def made_by(tensor: Any) -> Any:
    """Return the layer that made a symbolic tensor; None for any other tensor.

    Keras 3.6 to 3.15: functional models are built from such tensors.
    """
    return getattr(tensor, "_keras_history", (None,))[0]


def build_symbolically(model: Any, batch: Any) -> None:
    """Build model, metrics and loss for a batch (Keras 3.6 to 3.15: as in `fit`)."""
    model._symbolic_build(data_batch=batch)


def call_model(model: Any, x: Any, *, training: bool = False) -> Any:
    """Call a model, without ``training`` if its ``call`` does not take that argument.

    Keras 3.6 to 3.15.
    """
    if getattr(model, "_call_has_training_arg", True):
        return model(x, training=training)
    return model(x)


def strategy_of(model: Any) -> Any:
    """Return the strategy a model was made under, else None (Keras 3.6 to 3.15)."""
    return getattr(model, "_distribute_strategy", None)


# Losses and metrics


def compiled_loss(model: Any) -> Any:
    """Return the loss object that a compiled model minimizes, else None.

    Keras 3.6 to 3.15: `loss` is the argument given to ``compile``.
    """
    return getattr(model, "_compile_loss", None)


def compiled_metrics(model: Any) -> Any:
    """Return the metrics of a compiled model, else None (Keras 3.6 to 3.15)."""
    return getattr(model, "_compile_metrics", None)


def flat_losses(loss: Any) -> Any:
    """Return the parts of a compiled loss; None for any other loss.

    The attribute is public in Keras 3.6 and private in later versions up to 3.15.
    """
    found = getattr(loss, "_flat_losses", None)
    return found or getattr(loss, "flat_losses", None)


def loss_weights(model: Any) -> Any:
    """Return ``loss_weights`` given to ``compile``, else None (Keras 3.6 to 3.15)."""
    return getattr(compiled_loss(model), "_user_loss_weights", None)


def loss_options(loss: Any) -> dict[str, Any]:
    """Return the options that a loss passes to its function, such as ``from_logits``.

    Keras 3.6 to 3.15: only some losses have these as attributes.
    """
    options: dict[str, Any] = getattr(loss, "_fn_kwargs", {})
    return options


def takes_logits(loss: Any) -> bool:
    """Whether a loss takes logits, by its attribute or by its options."""
    known = getattr(loss, "from_logits", False)
    return bool(known or loss_options(loss).get("from_logits", False))


# Tensors


def mask_of(tensor: Any) -> Any:
    """Return the mask attached to an output, else None (Keras 3.6 to 3.15)."""
    return getattr(tensor, "_keras_mask", None)


def set_mask(tensor: Any, mask: Any) -> None:
    """Attach a mask to an output, which the loss then applies (Keras 3.6 to 3.15)."""
    tensor._keras_mask = mask


def keeps_logits(tensor: Any) -> bool:
    """Whether Keras computes the loss from an output's logits (Keras 3.6 to 3.15)."""
    return hasattr(tensor, "_keras_logits")


def is_on_tape(tensors: list[Any]) -> bool:
    """Whether a tape connects one of the tensors to a variable (2.18 to 2.21)."""
    return bool(tensors) and bool(record.should_record_backprop(tensors))


def is_taping() -> bool:
    """Whether a tape may record this thread's operations now (2.18 to 2.21)."""
    return bool(record.could_possibly_record())


def untaped() -> Any:
    """Return a context whose operations no tape records (2.18 to 2.21)."""
    return record.stop_recording()


#: TensorFlow 2.18 to 2.21: identity of an eager tensor, not reused after deletion.
EAGER_ID = "_id"

# Functions that TensorFlow traces

#: TensorFlow 2.18 to 2.21: whether XLA compiles a ``tf.function``.
JIT_COMPILE = "_jit_compile"
#: TensorFlow 2.18 to 2.21: calls a concrete function without checking its arguments.
CALL_FLAT = "_call_flat"
#: TensorFlow 2.18 to 2.21: module of the internal functions that read a dataset.
READS_DATA = "tensorflow.python.data."
#: Keras 3.6 to 3.15: start of the name of the module whose `fit` trains models.
KERAS_TRAINERS = "keras.src.backend."
#: TensorFlow 2.18 to 2.21: module of the optimizers of `tf.compat.v1`.
COMPAT_V1_OPTIMIZERS = "tensorflow.python.training."
#: TensorFlow 2.18 to 2.21: call a custom-gradient function in a graph, and eagerly.
CUSTOM_GRADIENT_CALLS = ("_graph_mode_decorator", "_eager_mode_decorator")
#: TensorFlow 2.18 to 2.21: class of the threads that each trace one replica.
REPLICA_THREAD = "_MirroredReplicaThread"
#: TensorFlow 2.18 to 2.21: module of AutoGraph, which calls what it has converted.
AUTOGRAPH = "tensorflow.python.autograph."
#: TensorFlow 2.18 to 2.21: start of the names of files with code that AutoGraph made.
AUTOGRAPH_FILE = "__autograph_generated"
#: TensorFlow 2.18 to 2.21: name of the function that traces another function.
TRACES = "func_graph_from_py_func"
#: TensorFlow 2.18 to 2.21: name of the function that traces a loop over a dataset.
DATASET_LOOP = "_tf_dataset_for_stmt"
#: Keras 3.6 to 3.15: name of the methods that call a layer for its output's shape.
SHAPE_INFERENCE = "compute_output_spec"


def outermost_graph(graph: Any) -> Any:
    """Return the graph being traced that is inside no other one (2.18 to 2.21)."""
    outer: Any = getattr(graph, "outer_graph", None)
    while getattr(outer, "building_function", False):
        graph, outer = outer, outer.outer_graph
    return graph


def argument_name_of(tensor: Any) -> str:
    """Return the name of the parameter that a graph's input is, or is part of.

    Empty for other tensors (2.18 to 2.21).
    """
    try:
        return str(tensor.op.get_attr("_user_specified_name").decode())
    except ValueError:
        return ""


def written_line_of(frame: Any) -> tuple[str, int] | None:
    """Return the user's file and line for a frame of code that AutoGraph generated.

    None if they are unknown. TensorFlow 2.18 to 2.21: the caller of the converted
    function has its source map.
    """
    place = (frame.f_code.co_filename, frame.f_lineno)
    caller = frame.f_back
    while caller is not None:
        known = getattr(caller.f_locals.get("converted_f"), "ag_source_map", None)
        for line, origin in (known or {}).items():
            if (line.filename, line.lineno) == place:
                return origin.loc.filename, origin.loc.lineno
        caller = caller.f_back
    return None


def cloned_function(function: Any) -> Any:
    """Return an untraced copy of a ``tf.function`` (TensorFlow 2.18 to 2.21)."""
    return function._clone(None)


def made_variables(function: Any) -> bool:
    """Whether a ``tf.function`` created variables when it was called.

    TensorFlow 2.18 to 2.21 then discards the first trace.
    """
    return bool(getattr(function, "_created_variables", False))


def quiet(function: Any) -> Any:
    """Turn off TensorFlow's warning of frequent retracing and return the function.

    Each model needs its own trace. TensorFlow 2.18 to 2.21.
    """
    function._omit_frequent_tracing_warning = True
    return function


# Random generators


def eager_context() -> Any:
    """Return TensorFlow's eager context, None if not found (2.18 to 2.21)."""
    try:
        from tensorflow.python.eager import context
    except ImportError:
        return None
    return context.context()


def eager_seed(context: Any) -> int | None:
    """Return the seed set by `tf.random.set_seed`, else None (2.18 to 2.21)."""
    seed: int | None = getattr(context, "_seed", None)
    return seed


def eager_generator(context: Any) -> Any:
    """Return the generator that the seeds of operations are drawn from.

    None before a seed is set, and if a context has none (TensorFlow 2.18 to 2.21).
    """
    return getattr(context, "_rng", None)


def set_eager_seed(context: Any, seed: Any, generator: Any) -> bool:
    """Set seed and generator; False if a context lacks them (2.18 to 2.21)."""
    if not (hasattr(context, "_seed") and hasattr(context, "_rng")):
        return False
    context._seed, context._rng = seed, generator
    return True


def keras_global_state() -> Any:
    """Return the module that holds Keras' seeds, None if not found (3.6 to 3.15)."""
    try:
        from keras.src.backend.common import global_state
    except ImportError:
        return None
    return global_state


# Datasets


def sources_of(dataset: Any) -> list[Any]:
    """Return the input datasets of a dataset (TensorFlow 2.18 to 2.21)."""
    return list(dataset._inputs())


def dataset_given_to(frame: Any) -> Any:
    """Return the dataset that a ``map`` or the like takes its elements from, or None.

    TensorFlow 2.18 to 2.21.

    Args:
        frame: Frame of the constructor of the new dataset.
    """
    is_data = frame.f_globals.get("__name__", "").startswith(READS_DATA)
    return frame.f_locals.get("input_dataset") if is_data else None


def end_epoch(error: BaseException) -> None:
    """End the epoch of a ``fit`` that an exception has left.

    Until then the iterator of its data is part of a reference cycle.

    Keras 3.6 to 3.15: a local variable of `fit`, and a generator in it.
    """
    for frame, _ in walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if frame.f_code.co_name == "fit" and module.startswith(KERAS_TRAINERS):
            known = frame.f_locals
            epoch = getattr(known.get("epoch_iterator"), "_epoch_iterator", None)
            if epoch is not None:
                epoch.close()
            if isinstance(known, dict):
                known.clear()  # before Python 3.13 a copy that the frame keeps


def shuffles_anew(dataset: Any) -> bool:
    """Whether a dataset is a ``shuffle`` with a new order at each iteration.

    TensorFlow 2.18 to 2.21.
    """
    return getattr(dataset, "_reshuffle_each_iteration", False) is True


def shuffle_seeds(dataset: Any) -> tuple[int, int] | None:
    """Return the two seeds of a ``shuffle``; None if it has none or moves no row.

    TensorFlow 2.18 to 2.21. A ``shuffle`` without a seed has (0, 0).
    """
    if int(dataset._buffer_size) == 1:
        return None
    return int(dataset._seed), int(dataset._seed2)


def slices_of(dataset: Any) -> list[Any]:
    """Return the tensors that ``from_tensor_slices`` slices (2.18 to 2.21)."""
    return list(dataset._tensors)


def function_graph(graph: Any, name: str) -> Any:
    """Return the graph of a function that a graph calls (TensorFlow 2.18 to 2.21)."""
    return graph._get_function(name).graph


def mapped_by(dataset: Any) -> Any:
    """Return the graph of a ``map``'s function, else None (TensorFlow 2.18 to 2.21)."""
    function = getattr(dataset, "_map_func", None)
    return None if function is None else function.function.graph


def is_stateful(operation: str) -> bool:
    """Whether an operation, given by its type, has or changes state."""
    return bool(op_def_registry.get(operation).is_stateful)
