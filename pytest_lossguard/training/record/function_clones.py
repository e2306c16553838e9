"""Copies of the user's compiled functions, traced under our eyes and called instead.

So a step that was traced before is seen, and the user's own function is never left
instrumented. A call like one before goes straight to its trace: to bind and to check
the arguments once more takes TensorFlow about as long as a small step itself.
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

__all__ = ["FunctionClones"]

#: Values of Python's own that TensorFlow traces anew for.
_LITERALS = (type(None), bool, int, float, str, bytes)
#: Tensors that stand for something else, whose kind is not all of their type.
_HANDLES = (tf.resource, tf.variant)


class FunctionClones:
    """The functions that were called, each with its copy."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[Any, Any]] = {}
        self._own: set[int] = set()
        self._traces: dict[Any, Any] = {}
        self._called: list[Any] = []

    def __contains__(self, function: Any) -> bool:
        return id(function) in self._copies

    def leaves_alone(self, function: Any) -> bool:
        """Whether it is to be called itself: a copy, or what reads a dataset, which
        trains nothing and which TensorFlow makes anew for each iterator.
        """
        module = getattr(function.python_function, "__module__", None) or ""
        return id(function) in self._own or module.startswith(READS_DATA)

    def of(self, function: Any) -> Any:
        """The copy of a ``tf.function``."""
        known = self._copies.get(id(function))
        if known is None:
            copy = quiet(cloned_function(function))
            self._own.add(id(copy))
            known = self._copies[id(function)] = (function, copy)
        return known[1]

    @contextmanager
    def called(self, function: Any) -> Iterator[None]:
        """The function is being called, and perhaps traced."""
        self._called.append(function)
        try:
            yield
        finally:
            self._called.pop()

    def made_variables(self) -> bool:
        """Whether the innermost function that is being called has made variables, so
        that TensorFlow throws its first trace away.
        """
        if not self._called:
            return False
        return made_variables(self.of(self._called[-1]))

    def keep(self, concrete: Any) -> None:
        """Take a concrete function that was traced under our eyes as its own copy."""
        self._copies[id(concrete)] = (concrete, concrete)

    def clear(self) -> None:
        """Forget them."""
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
            call: `tf.function`'s own ``__call__``.
            function: What was to be called.
            args: Its positional arguments.
            kwargs: Its keyword arguments.
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
        """Keep the trace that such a call leads to, if it takes them as they are."""
        traced = copy.get_concrete_function(*args)
        passed = [it for it in args if _is_passed(it)]
        given = tf.nest.flatten(passed, expand_composites=True)
        taken = traced.inputs[: len(traced.inputs) - len(traced.captured_inputs)]
        if [it.dtype for it in given] == [it.dtype for it in taken]:
            self._traces[kind] = traced


def _kind(function: Any, args: tuple[Any, ...]) -> Any:
    """What calls have in common that run the same trace.

    Returns:
        None where that depends on more: on arguments that are neither dense tensors
        nor the iterator of a dataset nor literals, on a strategy, on XLA; and where
        nothing is traced.
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
    """Whether it is an input of the graph, not a literal of it."""
    return type(argument) not in _LITERALS
