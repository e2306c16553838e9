"""Small helpers over tensors, variables and nested structures of them."""

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

__all__ = [
    "RowsFunction",
    "arrays_of",
    "as_tensor",
    "as_traced_on_one_thread",
    "call_traced",
    "current_graph",
    "first_of",
    "fixed_rows",
    "flatten",
    "graph_function",
    "is_composite",
    "is_plain",
    "is_variable",
    "map_structure",
    "own_variable",
    "raw",
    "stacked",
    "to_numpy",
    "value_of",
    "variable_key",
    "variable_path",
]


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function to the leaves of nested structures of one kind."""
    if isinstance(structures[0], _LEAVES):
        return function(*structures)
    return keras.tree.map_structure(function, *structures)


def flatten(structure: Any) -> list[Any]:
    """The leaves of a nested structure, without its Nones."""
    if isinstance(structure, _LEAVES):
        return [] if structure is None else [structure]
    return [leaf for leaf in keras.tree.flatten(structure) if leaf is not None]


#: What is its own only leaf, as data are most of the time: to ask Keras takes as long
#: as a small operation.
_LEAVES = (np.ndarray, tf.Tensor, type(None))


def raw(variable: Any) -> Any:
    """The `tf.Variable` behind a Keras variable, or the variable itself."""
    return getattr(variable, VALUE, variable)


def variable_key(variable: Any) -> int:
    """An identity that a Keras variable shares with its `tf.Variable`."""
    return id(raw(variable))


def variable_path(variable: Any) -> str:
    """The Keras path of a variable, or the name of a plain `tf.Variable`."""
    return str(getattr(variable, "path", None) or variable.name.partition(":")[0])


def is_variable(thing: Any) -> bool:
    """Whether it is a Keras or TensorFlow variable."""
    return isinstance(thing, (tf.Variable, KerasVariable))


def is_composite(thing: Any) -> bool:
    """Whether it is a ragged or sparse tensor: no NumPy array can hold it."""
    return isinstance(thing, (tf.RaggedTensor, tf.SparseTensor))


def arrays_of(structure: Any) -> list[Any]:
    """The leaves as NumPy; none where one of them is ragged or sparse."""
    leaves = flatten(structure)
    if any(map(is_composite, leaves)):
        return []
    return [np.asarray(it) for it in leaves]


def as_tensor(leaf: Any) -> Any:
    """An array as a tensor; None, a ragged and a sparse tensor as they are."""
    if leaf is None or is_composite(leaf):
        return leaf
    return tf.convert_to_tensor(leaf)


def fixed_rows(model: Any) -> int | None:
    """How many rows a model takes at a time; None where any number."""
    inputs = flatten(getattr(model, "inputs", None))
    return next((it.shape[0] for it in inputs if it.shape and it.shape[0]), None)


def first_of(leaf: Any, rows: int) -> Any:
    """The first ``rows`` rows of an array or tensor, None of None."""
    if isinstance(leaf, tf.SparseTensor):
        shape = [min(rows, leaf.shape[0]), *leaf.shape[1:]]
        return tf.sparse.slice(leaf, [0] * len(shape), shape)
    return None if leaf is None else leaf[:rows]


def is_plain(variable: Any) -> bool:
    """Whether it is one `tf.Variable` of one device."""
    return isinstance(variable, ResourceVariable)


def current_graph() -> Any:
    """The graph being traced, or None when running eagerly."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def to_numpy(structure: Any) -> Any:
    """Copy every leaf to NumPy, keeping the structure and what NumPy cannot hold."""
    return map_structure(
        lambda it: it if it is None or is_composite(it) else np.asarray(it), structure
    )


def graph_function(function: Callable[..., Any], **options: Any) -> Any:
    """A ``tf.function`` of our own code, as it is written."""
    return quiet(tf.function(function, autograph=False, **options))


class RowsFunction:
    """A ``tf.function`` of nested tensors of rows, for ever new calls.

    What was traced for such shapes is found here: to find it takes TensorFlow longer
    than many a small function takes to run.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = graph_function(function, reduce_retracing=True)
        self._known: dict[Any, Any] = {}

    def knows(self, *parts: Any) -> bool:
        """Whether it was traced for such parts."""
        return _shapes(parts) in self._known

    def __call__(self, *parts: Any, instead: Mapping[int, Any] | None = None) -> Any:
        """Call it; see `call_traced`."""
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
    """Call a concrete function with nested tensors of the kind that it was traced for.

    To bind and check them once more takes TensorFlow longer than many a small
    function takes to run.

    Args:
        function: A concrete function.
        parts: What it is called with.
        instead: Handles of variables to use in place of others, by the identity of
            those; see `Lane`.
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
    """Run graphs of small operations for a while: on one thread, as they were traced.

    To optimize such a graph takes TensorFlow about as long as to run it ten times,
    and gains nothing that we could measure.
    """
    with tf.experimental.function_executor_type("SINGLE_THREADED_EXECUTOR"):
        options: Any = getattr(eager_context(), "function_call_options", None)
        if hasattr(options, "config_proto_serialized"):
            options.config_proto_serialized = _AS_TRACED  # put back by the executor's
        yield


_AS_TRACED = tf.compat.v1.ConfigProto()
_AS_TRACED.graph_options.rewrite_options.disable_meta_optimizer = True


def value_of(variable: Any, *, in_place: bool = False) -> Any:
    """The variable's value now, by one operation and no copy of it.

    Args:
        variable: Of Keras or TensorFlow.
        in_place: Whether to make no copy either of one that is updated row by row;
            TensorFlow then reads it so until the next such update.
    """
    variable = raw(variable)
    if isinstance(variable, tf.distribute.DistributedValues):
        return variable.value()  # of the replica at hand, else of the first
    if in_place:
        tf.raw_ops.DisableCopyOnRead(resource=variable.handle)
    return tf.raw_ops.ReadVariableOp(resource=variable.handle, dtype=variable.dtype)


def own_variable(value: Any, **options: Any) -> Any:
    """A variable of ours, made eagerly even while a function is being traced.

    `tf.Variable` is refused when a ``tf.function`` is traced a second time; the
    class behind it is not.
    """
    with tf.init_scope():
        return ResourceVariable(tf.convert_to_tensor(value), trainable=False, **options)


@contextmanager
def outside_of_traces() -> Iterator[None]:
    """Run a block eagerly while a function is being traced; `tf.Variable` makes
    variables like `own_variable`, which the trace is not thrown away for.
    """
    with (
        tf.init_scope(),
        tf.variable_creator_scope(lambda _, **given: ResourceVariable(**given)),
    ):
        yield


def stacked(values: Sequence[Any]) -> Any:
    """One float64 vector of scalars, numbers among them."""
    return tf.stack(
        [
            tf.constant(it, tf.float64)
            if isinstance(it, float)
            else tf.cast(it, tf.float64)
            for it in values
        ]
    )
