"""Variables that a model reads under a tape and that do not belong to it.

Keras finds the layers of a model in its attributes, also in lists and dictionaries. It
does not find those of another object, of a closure or of a `Lambda`, and no
`tf.Variable`: they are not among the variables that the model trains.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..backend.frameworks import has_own_step, tf
from ..backend.graphs import tensors_behind
from ..backend.tensors import flatten, variable_key
from .asked_variables import Digest, digest


@dataclass(slots=True, kw_only=True)
class Outside:
    """A variable that the outputs of a model depend on and that is not the model's.

    Attributes:
        variable: The variable.
        model: The model.
        trained: Keys of the variables of the model that are trained.
        in_fit: Whether the step of Keras trains the model, as ``fit`` calls it.
        start: Digest of its first value; None before it has one.
        moved: Whether something trained or assigned it.
    """

    variable: Any
    model: Any
    trained: frozenset[int]
    in_fit: bool
    start: Digest | None
    moved: bool = False


@dataclass(slots=True)
class Untracked:
    """The variables that models read and that no model seen so far has.

    Only in traced steps: the graph shows what outputs depend on.
    """

    recorded: Callable[[], Collection[int]]
    _fitted: Any = None
    _found: dict[int, Outside] = field(default_factory=dict)

    @contextmanager
    def in_fit(self, model: Any) -> Iterator[None]:
        """Note that Keras trains a model inside the block."""
        earlier, self._fitted = self._fitted, model
        try:
            yield
        finally:
            self._fitted = earlier

    def take(
        self, tape: Any, calls: Sequence[Any], sources: Collection[int], graph: Any
    ) -> None:
        """Look at the variables that a tape saw when gradients are taken in a graph.

        Args:
            tape: The tape.
            calls: Calls of models in this graph: model, inputs, outputs, and whether a
                tape recorded.
            sources: Keys of the variables that are differentiated by.
            graph: The graph; None if eagerly.
        """
        if graph is None or not calls:
            return
        for earlier in self._found.values():
            earlier.start = earlier.start or digest(earlier.variable)
        models = (it for call in calls for it in call[0].variables)
        known = {*sources, *self._found, *map(variable_key, models)}
        others = [
            it
            for it in tape.watched_variables()
            if variable_key(it) not in known and _may_be_trained(it)
        ]
        for model, _, outputs, taping in calls if others else ():
            trained = frozenset(map(variable_key, model.trainable_variables))
            if taping and trained and trained.issubset(sources):
                for it in _variables_behind(others, outputs, graph):
                    self._found[variable_key(it)] = Outside(
                        variable=it,
                        model=model,
                        trained=trained,
                        in_fit=model is self._fitted and not has_own_step(model),
                        start=digest(it),
                    )

    def of(self, variables: Sequence[Any]) -> list[Outside]:
        """Return what the model of a training read, and whether it moved since.

        Args:
            variables: The variables of the training.
        """
        if not self._found:
            return []
        trained, recorded = set(map(variable_key, variables)), self.recorded()
        found = [it for it in self._found.values() if it.trained <= trained]
        for it in found:
            by_optimizer = variable_key(it.variable) in recorded
            it.moved = by_optimizer or it.start not in (None, digest(it.variable))
        return found

    def clear(self) -> None:
        """Forget all variables."""
        self._found.clear()


def _may_be_trained(variable: Any) -> bool:
    if isinstance(variable, tf.distribute.DistributedValues):
        return False
    return bool(variable.trainable and variable.dtype.is_floating)


def _variables_behind(
    variables: Sequence[Any], outputs: Any, graph: Any
) -> Iterator[Any]:
    """Yield the variables that outputs in a graph depend on by their gradients."""
    tensors = [it for it in flatten(outputs) if tf.is_tensor(it)]
    behind = tensors_behind(tensors, lambda it: it.op.type == "StopGradient")
    inside = {it.name for it in behind if it.dtype == tf.resource}
    for outer, inner in getattr(graph, "captures", ()):
        if inner.name in inside:
            yield from (it for it in variables if it.handle is outer)
