"""Helpers for tensors, variables and nested structures of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .frameworks import keras, tf
from .private_api import (
    CALL_FLAT,
    VALUE,
    KerasVariable,
    ResourceVariable,
    eager_context,
    filter_traceback,
    quiet,
)


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function to the leaves of nested structures of the same layout."""
    if isinstance(structures[0], _LEAVES):
        return function(*structures)
    return keras.tree.map_structure(function, *structures)


def flatten(structure: Any) -> list[Any]:
    """Return the leaves of a nested structure, without None."""
    if isinstance(structure, _LEAVES):
        return [] if structure is None else [structure]
    return [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]


#: Types that are a single leaf, as most data are. Checking them first is faster: a call
#: of `keras.tree` takes as long as a small operation.
_LEAVES = (np.ndarray, tf.Tensor, type(None))


def raw(variable: Any) -> Any:
    """Return the `tf.Variable` behind a Keras variable, or the variable itself."""
    return getattr(variable, VALUE, variable)


def variable_key(variable: Any) -> int:
    """Return an identity that a Keras variable shares with its `tf.Variable`."""
    return id(raw(variable))


def variable_path(variable: Any) -> str:
    """Return the Keras path of a variable, or the name of a plain `tf.Variable`."""
    return str(getattr(variable, "path", None) or variable.name.partition(":")[0])


def is_variable(thing: Any) -> bool:
    """Whether ``thing`` is a Keras or TensorFlow variable."""
    return isinstance(thing, (tf.Variable, KerasVariable))


def is_composite(thing: Any) -> bool:
    """Whether ``thing`` is a ragged or sparse tensor, which NumPy cannot hold."""
    return isinstance(thing, (tf.RaggedTensor, tf.SparseTensor))


def arrays_of(structure: Any) -> list[Any]:
    """Return the leaves as NumPy arrays; empty if one of them is ragged or sparse."""
    leaves = flatten(structure)
    if any(map(is_composite, leaves)):
        return []
    return [np.asarray(it) for it in leaves]


def are_different(values: Any) -> bool | None:
    """Whether some values differ from one another; None if there are none."""
    array = np.asarray(values)
    return bool((array != array.flat[0]).any()) if array.size else None


def as_tensor(leaf: Any) -> Any:
    """Convert an array to a tensor; return None, ragged and sparse ones unchanged."""
    if leaf is None or is_composite(leaf):
        return leaf
    return tf.convert_to_tensor(leaf)


def fixed_rows(model: Any) -> int | None:
    """Return the fixed batch size of a model's inputs, or None if it is not fixed."""
    inputs = flatten(getattr(model, "inputs", None))
    return next((it.shape[0] for it in inputs if it.shape and it.shape[0]), None)


def first_of(leaf: Any, rows: int) -> Any:
    """Return the first ``rows`` rows of an array or tensor; None for None."""
    if isinstance(leaf, tf.SparseTensor):
        shape = [min(rows, leaf.shape[0]), *leaf.shape[1:]]
        return tf.sparse.slice(leaf, [0] * len(shape), shape)
    return None if leaf is None else leaf[:rows]


def is_plain(variable: Any) -> bool:
    """Whether ``variable`` is a plain `tf.Variable` on a single device."""
    return isinstance(variable, ResourceVariable)


def current_graph() -> Any:
    """Return the graph being traced, or None when running eagerly."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def to_numpy(structure: Any) -> Any:
    """Convert every leaf to NumPy; None, ragged and sparse leaves stay unchanged."""
    return map_structure(
        lambda it: it if it is None or is_composite(it) else np.asarray(it), structure
    )


def graph_function(function: Callable[..., Any], **options: Any) -> Any:
    """Make a ``tf.function`` of this package's code, without AutoGraph."""
    return quiet(tf.function(function, autograph=False, **options))


class RowsFunction:
    """A ``tf.function`` of nested tensors of rows that is called very often.

    Traces are looked up here by the shapes and dtypes of the arguments, because
    TensorFlow's own lookup takes longer than many small functions take to run.

    Args:
        function: The function to trace.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = graph_function(function, reduce_retracing=True)
        self._known: dict[Any, Any] = {}

    def knows(self, *parts: Any) -> bool:
        """Whether there is a trace for arguments of these shapes and dtypes."""
        return _shapes(parts) in self._known

    def __call__(self, *parts: Any, instead: Mapping[int, Any] | None = None) -> Any:
        """Call the function, tracing it if needed; see `call_traced`."""
        kind = _shapes(parts)
        if kind not in self._known:
            self._known[kind] = self._function.get_concrete_function(*parts)
        return call_traced(self._known[kind], *parts, instead=instead)


def _shapes(parts: Any) -> tuple[Any, ...]:
    return tuple((it.dtype, *it.shape) for it in flatten(parts))


@filter_traceback  # type: ignore[untyped-decorator]  # TF has no types
def call_traced(
    function: Any, *parts: Any, instead: Mapping[int, Any] | None = None
) -> Any:
    """Call a concrete function with nested tensors like those it was traced for.

    TensorFlow's binding and checking of arguments, which takes longer than many small
    functions take to run, is skipped.

    Args:
        function: A concrete function.
        parts: Arguments of the call.
        instead: Maps the identity of a variable's handle to the handle of the variable
            to use in its place; see `VariableCopies`.
    """
    __tracebackhide__ = True
    leaves = tf.nest.flatten(parts, expand_composites=True)
    tensors = [it for it in leaves if it is not None]
    captured = function.captured_inputs
    if instead:
        captured = [instead.get(id(it), it) for it in captured]
    return getattr(function, CALL_FLAT)(tensors, captured)


@contextmanager
def as_traced_on_one_thread() -> Iterator[None]:
    """Run graphs inside the block on one thread and without graph optimization.

    For graphs of small operations: optimizing one takes TensorFlow about as long as
    running it ten times, with no measurable gain.
    """
    with tf.experimental.function_executor_type("SINGLE_THREADED_EXECUTOR"):
        options: Any = getattr(eager_context(), "function_call_options", None)
        if hasattr(options, "config_proto_serialized"):
            # Restored by `function_executor_type`.
            options.config_proto_serialized = _AS_TRACED
        yield


_AS_TRACED = tf.compat.v1.ConfigProto()
_AS_TRACED.graph_options.rewrite_options.disable_meta_optimizer = True


def value_of(variable: Any, *, in_place: bool = False) -> Any:
    """Return the current value of a variable, by one operation and without a copy.

    Args:
        variable: A Keras or TensorFlow variable.
        in_place: Whether to avoid the copy even if the variable is updated row by row;
            TensorFlow then reads it without a copy until the next such update.
    """
    variable = raw(variable)
    if isinstance(variable, tf.distribute.DistributedValues):
        return variable.value()  # of the current replica, else of the first
    if in_place:
        tf.raw_ops.DisableCopyOnRead(resource=variable.handle)
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)


def own_variable(value: Any, **options: Any) -> Any:
    """Create an untrainable variable eagerly, even while a function is being traced.

    TensorFlow rejects `tf.Variable` when a ``tf.function`` is traced a second time, but
    not the class behind it.
    """
    with tf.init_scope():
        return ResourceVariable(tf.convert_to_tensor(value), trainable=False, **options)


@contextmanager
def outside_of_traces() -> Iterator[None]:
    """Run a block eagerly while a function is being traced.

    `tf.Variable` creates variables like `own_variable` in it, for which TensorFlow does
    not discard the trace.
    """
    with (
        tf.init_scope(),
        tf.variable_creator_scope(lambda _, **given: ResourceVariable(**given)),
    ):
        yield


def stacked(values: Sequence[Any]) -> Any:
    """Stack scalar tensors and Python floats into one float64 vector."""
    return tf.stack(
        [
            tf.constant(it, tf.float64)
            if isinstance(it, float)
            else tf.cast(it, tf.float64)
            for it in values
        ]
    )
