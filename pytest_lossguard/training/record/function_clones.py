"""Copies of the user's ``tf.function`` objects, traced with hooks and called instead.

The copies let a step that was traced before be observed, and leave the user's function
free of hooks. A call like an earlier one goes straight to its trace, because binding
and checking the arguments takes TensorFlow about as long as a small step itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import ref

from ..backend.frameworks import tf
from ..backend.private_api import (
    JIT_COMPILE,
    READS_DATA,
    cloned_function,
    made_variables,
    quiet,
)
from ..backend.tensors import call_traced

#: Python types for whose values TensorFlow makes separate traces.
_LITERALS = (type(None), bool, int, float, str, bytes)
#: Dtypes of handles, whose dtype and shape do not decide which trace fits.
_HANDLES = (tf.resource, tf.variant)


class FunctionClones:
    """The functions that were called, each with a copy."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[Any, Any]] = {}
        self._own: set[int] = set()
        self._traces: dict[Any, Any] = {}
        self._called: list[Any] = []

    def __contains__(self, function: Any) -> bool:
        return id(function) in self._copies

    def leaves_alone(self, function: Any) -> bool:
        """Whether to call the function itself instead of a copy.

        True for copies, and for functions that read a dataset: these train nothing, and
        TensorFlow creates new ones for each iterator.
        """
        module = getattr(function.python_function, "__module__", None) or ""
        return id(function) in self._own or module.startswith(READS_DATA)

    def of(self, function: Any) -> Any:
        """Return the copy of a ``tf.function``, made at the first call."""
        known = self._copies.get(id(function))
        if known is None:
            copy = quiet(cloned_function(function))
            self._own.add(id(copy))
            known = self._copies[id(function)] = (function, copy)
        return known[1]

    @contextmanager
    def called(self, function: Any) -> Iterator[None]:
        """Note that the function is called, and perhaps traced, inside the block."""
        self._called.append(function)
        try:
            yield
        finally:
            self._called.pop()

    def made_variables(self) -> bool:
        """Whether the innermost function being called has created variables.

        TensorFlow then discards its first trace.
        """
        if not self._called:
            return False
        return made_variables(self.of(self._called[-1]))

    def keep(self, concrete: Any) -> None:
        """Register an observed concrete function, which needs no copy."""
        self._copies[id(concrete)] = (concrete, concrete)

    def clear(self) -> None:
        """Forget all functions."""
        for known in (self._copies, self._own, self._traces):
            known.clear()

    def call(
        self,
        call: Callable[..., Any],
        function: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Call the copy in place of the function, eagerly.

        Args:
            call: Original ``__call__`` of ``tf.function`` objects.
            function: The ``tf.function`` that the user calls.
            args: Positional arguments of the call.
            kwargs: Keyword arguments of the call.
        """
        __tracebackhide__ = True
        kind = None if kwargs else _kind(function, args)
        if kind in self._traces:
            return call_traced(self._traces[kind], *filter(_is_passed, args))
        copy = self.of(function)
        result = call(copy, *args, **kwargs)
        if kind is not None:
            self._remember(kind, copy, args)
        return result

    def _remember(self, kind: Any, copy: Any, args: tuple[Any, ...]) -> None:
        """Keep the trace of such calls, if it takes the arguments unchanged."""
        traced = copy.get_concrete_function(*args)
        passed = [it for it in args if _is_passed(it)]
        given = tf.nest.flatten(passed, expand_composites=True)
        taken = traced.inputs[: len(traced.inputs) - len(traced.captured_inputs)]
        if [it.dtype for it in given] == [it.dtype for it in taken]:
            self._traces[kind] = traced


def _kind(function: Any, args: tuple[Any, ...]) -> Any:
    """Return a key shared by all calls that run the same trace.

    Returns:
        The key; None if no function is traced, or if the trace depends on more: on XLA,
        on a strategy, or on arguments other than dense tensors, iterators of datasets
        and literals.
    """
    if (
        getattr(function, JIT_COMPILE)
        or tf.config.functions_run_eagerly()
        or tf.distribute.has_strategy()
    ):
        return None
    kinds: list[Any] = [id(function)]
    for argument in args:
        if isinstance(argument, tf.data.Iterator):
            kinds.append(ref(argument))
        elif type(argument) in _LITERALS:
            kinds.append((type(argument), argument))
        elif isinstance(argument, tf.Tensor) and argument.dtype not in _HANDLES:
            kinds.append((argument.dtype, *argument.shape))
        else:
            return None
    return tuple(kinds)


def _is_passed(argument: Any) -> bool:
    """Whether an argument is an input of the graph, not a literal in it."""
    return type(argument) not in _LITERALS
