"""Tells how much the arguments that a training step ignores would matter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...core.step_facts import IgnoredArgument
from ..backend.batch import Batch
from ..backend.frameworks import tf
from ..backend.tensors import are_different, variable_key
from ..record.recording import Recording
from ..record.step_arguments import Argument, StepArguments
from .uncounted import makes_masks


def ignored_arguments(
    recording: Recording,
    arguments: StepArguments,
    steps: Iterable[tuple[Any, Any]],
    rows: Callable[[], Batch | None],
) -> tuple[IgnoredArgument, ...]:
    """Return the masks, weights and ends of episodes that a step does not use.

    Args:
        recording: The training.
        arguments: What the traced steps were given.
        steps: Functions that take gradients, each with its last ``(args, kwargs)``;
            None if these are not kept.
        rows: Returns some rows that ``fit`` was given; None if they are not known.
    """
    model, graph = recording.called_model, recording.taped.graph
    trained = frozenset(map(variable_key, recording.variables))
    return tuple(
        IgnoredArgument(
            name=it.name,
            kind=it.kind,
            is_named=it.is_named,
            differs=_differs(it, steps, rows) if it.differs is None else it.differs,
            bootstraps=it.bootstraps,
            model_masks=model is not None and makes_masks(model),
        )
        for it in arguments.unused(graph, trained)
    )


def _differs(
    argument: Argument,
    steps: Iterable[tuple[Any, Any]],
    rows: Callable[[], Batch | None],
) -> bool | None:
    """Whether the values of an argument differ; None if they are not known."""
    try:
        values = _values(argument, steps, rows)
    except Exception:  # the user's data, or a function that takes other arguments
        return None
    return None if values is None else are_different(values)


def _values(
    argument: Argument,
    steps: Iterable[tuple[Any, Any]],
    rows: Callable[[], Batch | None],
) -> Any:
    graph = argument.graph
    if graph is None or not argument.parameter:
        return None
    for function, given in steps:
        python = function.python_function
        if given is not None and python.__name__ == graph.name:
            args, kwargs = given
            bound = inspect.signature(python).bind(*args, **kwargs).arguments
            return _tensors(bound[argument.parameter])[argument.place]
    batch = rows()
    return None if batch is None else _tensors(batch.parts)[argument.place]


def _tensors(structure: Any) -> list[Any]:
    """Return the leaves of a structure that a function takes as tensors."""
    leaves = tf.nest.flatten(structure)
    return [it for it in leaves if tf.is_tensor(it) or isinstance(it, np.ndarray)]
