"""Functions that TensorFlow compiles, as they are called inside a watched block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..backend.concrete_functions import (
    function_name,
    step_counters,
    takes_gradients,
    variables_of,
)
from ..backend.frameworks import tf
from ..backend.patches import Call
from ..backend.private_api import JIT_COMPILE
from ..backend.user_frames import taken_at
from ..record.function_clones import FunctionClones
from ..record.recorder import Recorder


class CompiledFunctions:
    """Calls of ``tf.function`` objects and of concrete functions.

    Args:
        recorder: Recorder that sees what the functions do.
        note: Called with a sentence on a training that could not be recorded.

    Attributes:
        clones: The copies that are called instead.
    """

    def __init__(self, recorder: Recorder, note: Callable[[str], None]) -> None:
        self.clones = FunctionClones()
        self._recorder = recorder
        self._note = note
        self._compiled: dict[int, Any] = {}
        recorder.traces_in_vain = self.clones.made_variables

    def clear(self) -> None:
        """Forget all functions."""
        self.clones.clear()
        self._compiled.clear()

    def on_function(self, call: Call, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Hook on calling a ``tf.function``: run a copy; see `FunctionClones`."""
        __tracebackhide__ = True
        if not self._recorder.enabled or self.clones.leaves_alone(function):
            return call(function, *args, **kwargs)
        with self._tracing(function):
            if not tf.executing_eagerly():
                return call(self.clones.of(function), *args, **kwargs)
            with self._recorder.running(function, (args, kwargs)):
                result = self.clones.call(call, function, args, kwargs)
        self._recorder.after_call()
        return result

    def on_get_concrete(
        self, call: Call, function: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on ``get_concrete_function``: return one that is recorded."""
        __tracebackhide__ = True
        if not self._recorder.enabled or self.clones.leaves_alone(function):
            return call(function, *args, **kwargs)
        draws = self._recorder.draws.tracing()
        gradients = self._recorder.gradients.tracing()
        with self._tracing(function), gradients as keep, draws as keep_draws:
            concrete = call(self.clones.of(function), *args, **kwargs)
        keep(concrete)
        keep_draws(concrete)
        self.clones.keep(concrete)
        return concrete

    def on_concrete(self, call: Call, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Hook on calling a concrete function.

        A function traced before the block is noticed only by the variables that it
        changes.
        """
        __tracebackhide__ = True
        if not self._recorder.enabled:
            return call(function, *args, **kwargs)
        outermost = tf.executing_eagerly()
        if function in self.clones:
            with self._recorder.running(function, (args, kwargs)):
                result = call(function, *args, **kwargs)
            if outermost:
                self._recorder.after_call()
            return result
        counters = step_counters(function)
        if outermost and not counters:
            self._ask(function)
        before = [it.numpy() for it in counters] if outermost else None
        result = call(function, *args, **kwargs)
        moved = not outermost or before != [it.numpy() for it in counters]
        if counters and moved:
            self._note_unseen(function, counters)
        return result

    def _ask(self, function: Any) -> None:
        """Note the variables of a previously compiled function that takes gradients."""
        if id(function) not in self._compiled:
            self._compiled[id(function)] = function
            if takes_gradients(function):
                name = function_name(function)
                variables = variables_of(function)
                self._recorder.asked.add(variables, lambda: f"{taken_at()} in {name}")

    def _note_unseen(self, function: Any, counters: list[Any]) -> None:
        names = ", ".join(sorted({it.name.partition(":")[0] for it in counters}))
        sentence = (
            f"{function_name(function)} trains, but was compiled to a concrete"
            f" function before the test began, so its steps could not be seen"
            f" (its counter {names} moved): compile it inside the test"
        )
        self._note(sentence)

    @contextmanager
    def _tracing(self, function: Any) -> Iterator[None]:
        """Inform the recorder of a function that may be traced inside the block."""
        compiled = bool(getattr(function, JIT_COMPILE, False))
        self._recorder.xla_depth += compiled
        try:
            with self.clones.called(function):
                yield
        finally:
            self._recorder.xla_depth -= compiled
