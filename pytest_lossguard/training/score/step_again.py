"""Reruns one training step eagerly, up to its optimizer update."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from ..backend.frameworks import tf
from ..backend.patches import Call, observed
from ..backend.private_api import ResourceVariable, mask_of, set_mask, untaped
from ..backend.snapshot import writes_undone
from ..backend.tensors import (
    flatten,
    is_composite,
    is_variable,
    map_structure,
    variable_key,
)


@dataclass(slots=True)
class StepSeen:
    """Observations of one run of a step.

    Attributes:
        inputs: ``id`` of each tensor that models were called with.
        outputs: Outputs of the called models, in call order, each with its mask.
        slopes: Pairs of an output and the gradient of a loss with respect to it.
        update: The gradients passed to the optimizer; None if the step ended without
            an update.
    """

    inputs: set[int] = field(default_factory=set)
    outputs: list[Any] = field(default_factory=list)
    slopes: list[tuple[Any, Any]] = field(default_factory=list)
    update: list[Any] | None = None


def seen_step(
    run: Callable[[], Any], trained: Collection[int], *, by_outputs: bool = False
) -> StepSeen:
    """Run a step until it updates one of the trained variables; no update is applied.

    Every ``tf.function`` in the step runs eagerly. Assignments to variables are undone;
    the caller must restore the random generators.

    Args:
        run: The step.
        trained: Keys of the trained variables; see `variable_key`.
        by_outputs: Whether to record inputs and outputs of models, and to take
            gradients with respect to the outputs only. Gradients with respect to the
            trained variables are then 0, which saves backpropagation through models.
    """
    spy = _OutputSpy(trained) if by_outputs else _Spy(trained)
    eagerly = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        with writes_undone(), observed(spy):
            run()
    except _Updated:
        pass
    finally:
        tf.config.run_functions_eagerly(eagerly)
    return spy.seen


class _Updated(BaseException):
    """Raised at the update, since the rest of the step is not needed."""


class _Spy:
    """An `Observer` of one step on the current thread, up to its update."""

    def __init__(self, trained: Collection[int]) -> None:
        self.seen = StepSeen()
        self._trained = trained
        self._thread = threading.get_ident()

    @property
    def _is_here(self) -> bool:
        return threading.get_ident() == self._thread

    def on_apply(
        self,
        call: Call,
        optimizer: Any,
        grads: Any,
        trainable_variables: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """End the step if the trained variables are updated; skip all other updates."""
        __tracebackhide__ = True
        if not self._is_here:
            return call(optimizer, grads, trainable_variables, *args, **kwargs)
        grads = list(grads)
        if trainable_variables is None or self._is_trained(list(trainable_variables)):
            self.seen.update = grads
            raise _Updated
        return optimizer.iterations

    def _is_trained(self, variables: list[Any]) -> bool:
        keys = (variable_key(it) for it in variables if is_variable(it))
        return any(it in self._trained for it in keys)

    def on_gradient(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Call the original function; nothing is recorded."""
        return call(*args, **kwargs)

    on_model = on_scale = on_loss = on_layer = on_gradient


class _OutputSpy(_Spy):
    """Takes gradients with respect to the outputs of models only."""

    def __init__(self, trained: Collection[int]) -> None:
        super().__init__(trained)
        self._sources: list[tuple[Any, Any]] = []
        self._depth = 0

    def on_model(self, call: Call, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the outermost model off the tape, so that tapes start at its outputs."""
        __tracebackhide__ = True
        if not self._is_here or self._depth:
            return call(model, *args, **kwargs)
        self._depth += 1
        try:
            with untaped():
                outputs = call(model, *args, **kwargs)
        finally:
            self._depth -= 1
        self.seen.inputs.update(map(id, flatten((args, kwargs))))
        return map_structure(self._output, outputs)

    def _output(self, leaf: Any) -> Any:
        """Return an output as the value of a new variable: tapes watch variables
        automatically, and the value has no Keras logits that a loss would use instead.
        """
        if not tf.is_tensor(leaf) or is_composite(leaf) or not leaf.dtype.is_floating:
            return leaf
        variable, mask = ResourceVariable(leaf, trainable=True), mask_of(leaf)
        value = variable.value()
        if mask is not None:
            set_mask(value, mask)
        self.seen.outputs.append(value)
        self._sources.append((value, variable))
        return value

    def on_gradient(
        self,
        call: Call,
        tape: Any,
        target: Any,
        sources: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Record the gradients with respect to the outputs, and return zeros."""
        __tracebackhide__ = True
        flat = tf.nest.flatten(sources)
        if not self._is_here or not self._is_trained(flat):
            return call(tape, target, sources, *args, **kwargs)
        values, variables = zip(*self._sources, strict=True)
        slopes = call(tape, target, list(variables), *args, **kwargs)
        pairs = zip(values, slopes, strict=True)
        self.seen.slopes.extend(it for it in pairs if it[1] is not None)
        return tf.nest.pack_sequence_as(sources, [tf.zeros_like(it) for it in flat])
