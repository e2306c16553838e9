"""Runs one step of a training again, eagerly and up to its update."""

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

__all__ = ["StepSeen", "seen_step"]


@dataclass(slots=True)
class StepSeen:
    """What one run of a step was seen to do.

    Attributes:
        inputs: Identities of the tensors that models were called with.
        outputs: Those of the models that were called, in order, each with its mask.
        slopes: Pairs of an output and the gradient of a loss by it.
        update: The gradients that the optimizer was given; None where the step ended
            without.
    """

    inputs: set[int] = field(default_factory=set)
    outputs: list[Any] = field(default_factory=list)
    slopes: list[tuple[Any, Any]] = field(default_factory=list)
    update: list[Any] | None = None


def seen_step(
    run: Callable[[], Any], trained: Collection[int], *, by_outputs: bool = False
) -> StepSeen:
    """Run a step until it updates one of some variables, and leave out the updates.

    Compiled functions in it run as Python. What it assigns to variables is undone; to
    put back random generators is the caller's business.

    Args:
        run: The step.
        trained: Keys of the variables that it trains; see `variable_key`.
        by_outputs: Whether to look at what models are given and put out, and to take
            gradients by that alone: those by variables are 0 then, which saves the way
            back through the models.
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
    """The update is reached: no more of the step is needed."""


class _Spy:
    """An `Observer` of one step in one thread, up to its update."""

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
        """End the step where its update is the one that is asked about."""
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
        """Nothing to see."""
        return call(*args, **kwargs)

    on_model = on_scale = on_loss = on_layer = on_gradient


class _OutputSpy(_Spy):
    """Takes gradients by the outputs of models, and by nothing else."""

    def __init__(self, trained: Collection[int]) -> None:
        super().__init__(trained)
        self._sources: list[tuple[Any, Any]] = []
        self._depth = 0

    def on_model(self, call: Call, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Let every tape start from what the outermost model puts out."""
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
        """An output as the value of a variable: tapes look at those by themselves, and
        Keras has no logits of it that a loss would take instead.
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
        """Take the gradients by the outputs."""
        __tracebackhide__ = True
        flat = tf.nest.flatten(sources)
        if not self._is_here or not self._is_trained(flat):
            return call(tape, target, sources, *args, **kwargs)
        values, variables = zip(*self._sources, strict=True)
        slopes = call(tape, target, list(variables), *args, **kwargs)
        pairs = zip(values, slopes, strict=True)
        self.seen.slopes.extend(it for it in pairs if it[1] is not None)
        return tf.nest.pack_sequence_as(sources, [tf.zeros_like(it) for it in flat])
