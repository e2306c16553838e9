"""Detect targets and rows made by a model that changes during the training.

Examples are a target network that is copied from time to time, values that the model
itself predicts for the next states, and episodes that it acts in. The loss of such a
training rises as often as it falls, even if the training goes well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..backend.frameworks import tf
from ..backend.graphs import tensors_behind
from ..backend.tensors import flatten, raw, variable_key
from .asked_variables import Digest, digest
from .recording import Recording
from .traced_parts import TracedParts

NOTE = (
    "the targets come from a model that changes during the training, such as a target"
    " network or a net that acts: the loss need not fall, and fails the test only if it"
    " blows up"
)

#: Operations that sample an action by its probability.
_DRAWS = frozenset({"Multinomial", "StatelessMultinomial"})
#: Entry among a function's traced models that says that it takes gradients.
_GRADIENTS = object()
#: Number of functions whose last arguments are kept.
_MOST_FUNCTIONS = 8
#: Fewest share of updates before which a model has to be called: one that acts or sets
#: targets is called before each update, one that is evaluated once per epoch.
_MOST_UPDATES = 0.5


@dataclass(slots=True, kw_only=True)
class _Maker:
    """A model, and what it was seen to do.

    Attributes:
        model: The model.
        keys: Keys of its variables; empty until needed.
        start: Digests of its matrices when it first took part in training others; None
            before.
        times: Number of updates before which it was called without a tape.
        sets_targets: Whether a loss depends on such a call.
    """

    model: Any
    keys: frozenset[int] = frozenset()
    start: list[Digest | None] | None = None
    times: int = 0
    sets_targets: bool = False

    def has(self, variables: Collection[int]) -> bool:
        """Whether one of the variables belongs to the model."""
        if not self.keys:
            self.keys = frozenset(map(variable_key, self.model.variables))
        return not self.keys.isdisjoint(variables)

    def stands_beside(self) -> None:
        """Note that the model took part in a step that trains others."""
        if self.start is None:
            self.start = self._matrices()

    @property
    def moved(self) -> bool:
        """Whether the model's matrices changed since `stands_beside`.

        Batch statistics change in any call, matrices only if something assigns them.
        """
        return self.start is not None and self.start != self._matrices()

    def _matrices(self) -> list[Digest | None]:
        return [digest(raw(it)) for it in self.model.variables if len(it.shape) > 1]


@dataclass(slots=True)
class Makers:
    """The models that were called, and may have made targets or rows of a training.

    Attributes:
        known: What each model was seen to do, by the identity of the model.
        steps: The last functions that took gradients, by their identity, each with its
            last arguments; None if they read a dataset.
    """

    known: dict[int, _Maker] = field(default_factory=dict)
    _made: dict[int, list[Any]] = field(default_factory=dict)
    steps: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    _last: list[Any] = field(default_factory=list)
    _fitting: int = 0
    _traced: TracedParts[Any] = field(default_factory=TracedParts)

    @property
    def arguments(self) -> Any:
        """The arguments of the last function that took gradients; () if none did, None
        if they read a dataset.
        """
        _, arguments = next(reversed(self.steps.values()), (None, ()))
        return arguments

    @contextmanager
    def in_fit(self) -> Iterator[None]:
        """Ignore model calls inside the block, where Keras validates in ``fit``."""
        self._fitting += 1
        try:
            yield
        finally:
            self._fitting -= 1

    @contextmanager
    def running(self, function: Any, arguments: Any) -> Iterator[None]:
        """Note what a run of a function does: a step, or calls of models."""
        if not tf.executing_eagerly():
            yield
            return
        self._traced.begin()
        yield
        done = self._traced.done_by(function)
        if any(it is _GRADIENTS for it in done):
            self.steps.pop(id(function), None)
            kept = None if _read_data(arguments) else arguments
            self.steps[id(function)] = function, kept
            if len(self.steps) > _MOST_FUNCTIONS:
                del self.steps[next(iter(self.steps))]
            self.next_step()
            return
        for model in done:
            self.made(model, None)

    def traced(self, model: Any) -> None:
        """Note that a model was called in a graph without a tape."""
        self._traced.note(model)

    def made(self, model: Any, inputs: Any) -> None:
        """Note that a model was called outside of graphs without a tape.

        Args:
            model: The model.
            inputs: Inputs of the call.
        """
        if not self._fitting:
            self._made[id(model)] = flatten(inputs)
            self._of(model)

    def next_step(self) -> None:
        """Note that a step ended or took its gradients."""
        for key, inputs in self._made.items():
            # A call on the rows just trained on only evaluates the model.
            self.known[key].times += not _all_among(inputs, self._last)
        self._made.clear()

    def take(self, calls: Sequence[Any], loss: Any, sources: Collection[int]) -> None:
        """Note that gradients of a loss are taken.

        Args:
            calls: The calls of models before: model, inputs, outputs, and whether a
                tape recorded.
            loss: The target that is differentiated.
            sources: Keys of the variables to differentiate by.
        """
        draws = [it for it in _behind(loss) if it.op.type in _DRAWS]
        for model, _, outputs, _ in calls if draws else ():
            acts = any(_leads_to(flatten(outputs), it) for it in draws)
            if acts and self._of(model).has(sources):
                self._of(model).sets_targets = True
        if len(calls) > 1:
            own = [it for it in calls if self._of(it[0]).has(sources)]
            taped = [leaf for it in own if it[3] for leaf in flatten(it[1])]
            for model, inputs, outputs, looking in own:
                new = not looking and not _all_among(flatten(inputs), taped)
                if new and _leads_to(flatten(outputs), loss):
                    self._of(model).sets_targets = True
            for maker in {id(it[0]): self._of(it[0]) for it in calls}.values():
                if not maker.has(sources):
                    maker.stands_beside()
        if not tf.executing_eagerly():
            self._traced.note(_GRADIENTS)
        self.next_step()
        self._last = [leaf for it in calls if it[3] for leaf in flatten(it[1])]

    def clear(self) -> None:
        """Forget all models."""
        for known in (self.known, self._made, self._last, self._traced, self.steps):
            known.clear()

    def _of(self, model: Any) -> _Maker:
        return self.known.setdefault(id(model), _Maker(model=model))


def learns_from_a_moving_model(
    recording: Recording, makers: Makers, others: Sequence[Recording]
) -> bool:
    """Whether rows or targets of a training are made by a model that changes.

    The model is either the one trained, or one that changed without an optimizer.

    Args:
        recording: The training.
        makers: The models called in the test.
        others: All trainings of the test.
    """
    trained = frozenset(map(variable_key, recording.variables))
    anyone = frozenset(variable_key(it) for one in others for it in one.variables)
    for maker in makers.known.values():
        if maker.has(trained):
            often = maker.times >= _MOST_UPDATES * recording.steps
            if often or maker.sets_targets:
                return True
        elif not maker.has(anyone) and maker.moved:
            return True
    return False


def _read_data(arguments: Any) -> bool:
    """Whether there is a dataset or an iterator of one among the arguments.

    Such a call cannot be made again. An iterator must end with the user's last
    reference to it: TensorFlow takes up to a minute to delete one that lived long.
    """
    readers = tf.data.Iterator, tf.data.Dataset
    return any(isinstance(it, readers) for it in flatten(arguments))


def _all_among(leaves: Sequence[Any], others: Sequence[Any]) -> bool:
    known = set(map(id, others))
    return bool(leaves) and all(id(it) in known for it in leaves)


def _leads_to(outputs: Sequence[Any], loss: Any) -> bool:
    """Whether a loss in a graph is computed from the outputs."""
    made = {it.op.name for it in outputs if _graph_of(it) is not None}
    return bool(made) and any(it.op.name in made for it in _behind(loss))


def _behind(value: Any) -> Iterator[Any]:
    """Yield the tensors of a graph that the first leaf of a value is computed from."""
    first: Any = next(iter(flatten(value)), None)
    return tensors_behind([] if _graph_of(first) is None else [first])


def _graph_of(tensor: Any) -> Any:
    """Return the graph of a symbolic tensor; None for anything else."""
    eager = not tf.is_tensor(tensor) or hasattr(tensor, "numpy")
    return None if eager else getattr(tensor, "graph", None)
