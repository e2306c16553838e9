"""Arguments of traced training steps that nothing in the step uses.

TensorFlow keeps an argument in the graph although no result depends on it. Only masks,
weights and ends of episodes are looked at, by their names: other arguments, such as the
names of rows, may be given for the user's own purposes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any
from weakref import ref

from ...core.step_facts import ArgumentKind
from ..backend.frameworks import tf
from ..backend.graphs import has_effect
from ..backend.private_api import TRACES, argument_name_of
from ..backend.tensors import flatten
from ..backend.user_frames import is_of_user

__all__ = ["Argument", "StepArguments", "kind_of_argument"]

#: Words in the names of the arguments that are looked at.
_KINDS: dict[ArgumentKind, re.Pattern[str]] = {
    "mask": re.compile(r"(^|_)masks?($|_)"),
    "weights": re.compile(r"(^|(^|_)(sample|class|importance|loss|row)_)weights?$"),
    "ends": re.compile(r"(^|_)(dones?|terminals?|terminated|terminations?)$"),
}
#: Operations that bring data into a graph.
_READS = frozenset({"Placeholder", "IteratorGetNext", "IteratorGetNextSync"})
#: Most arguments that are kept.
_MOST = 32


def kind_of_argument(name: str) -> ArgumentKind | None:
    """Return what an argument is for, by its name; None for other names."""
    small = name.lower()
    return next((kind for kind, it in _KINDS.items() if it.search(small)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """An argument of a traced step.

    Attributes:
        name: Its name in the user's code.
        kind: What it is for, by its name.
        is_named: Whether the user's code gives it a name of its own, as a parameter or
            by unpacking; else the name is the key of a dictionary.
        parameter: Name of the parameter that it is part of; empty if the graph reads
            it from a dataset.
        place: Which of the tensors of that parameter it is, counted from 0.
        bootstraps: Whether models were called on different inputs in the step.
        graph: Weak reference to the graph.
        tensor: Name of the tensor in the graph.
    """

    name: str
    kind: ArgumentKind
    is_named: bool
    parameter: str
    place: int
    bootstraps: bool
    graph: Any
    tensor: str

    @property
    def is_used(self) -> bool | None:
        """Whether anything depends on it; None if the graph is gone."""
        graph = self.graph()
        if graph is None:
            return None
        return has_effect(graph.get_tensor_by_name(self.tensor))


class StepArguments:
    """The masks, weights and ends of episodes that traced steps are given."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], list[Argument]] = {}

    def clear(self) -> None:
        """Forget all arguments."""
        self._known.clear()

    def take(self, graph: Any, models: Sequence[Any]) -> None:
        """Note the arguments of a step that takes gradients.

        Args:
            graph: The graph that is traced; None if the step runs eagerly.
            models: The calls of models before: model, inputs, outputs, and whether a
                tape recorded.
        """
        if graph is None:
            return
        try:
            found = [*_arguments(graph, models)]
        except Exception:  # graphs of other versions may lack what is read here
            return
        for it in found:
            same = self._known.setdefault((graph.name, it.name), [])
            here = [one for one in same if one.graph() is graph]
            bootstraps = it.bootstraps or any(one.bootstraps for one in here)
            same[:] = [one for one in same if one.graph() not in (None, graph)]
            same.append(replace(it, bootstraps=bootstraps))
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]

    def unused(self, graph: Any) -> list[Argument]:
        """Return the arguments of a graph on which no result depends.

        None of those that another recorded step uses by the same name: a batch is often
        given to several steps as a whole.
        """
        if graph is None:
            return []
        known = [it for them in self._known.values() for it in them]
        used = {it.name for it in known if it.is_used}
        here = (it for it in known if it.graph() is graph and it.name not in used)
        return [it for it in here if it.is_used is False]


def _arguments(graph: Any, models: Sequence[Any]) -> Iterator[Argument]:
    inputs = [flatten(it[1]) for it in models]
    bootstraps = len({id(them[0]) for them in inputs if them}) > 1
    named = dict(_named_by_user(graph))
    places: dict[str, int] = {}
    read: dict[str, tuple[str, int, str]] = {}
    specs = flatten_signature(graph)
    for tensor, spec in zip(graph.inputs, specs, strict=False):
        parameter = argument_name_of(tensor)
        place = places.get(parameter, 0)
        places[parameter] = place + 1
        key = re.sub(r"^(_?\d+)*_", "", spec.name.removeprefix(parameter))
        read[tensor.name] = parameter, place, key
    for name in {**read, **named}:
        parameter, place, key = read.get(name, ("", 0, ""))
        own = named.get(name, "" if key else parameter)
        kind = kind_of_argument(own or key)
        if kind is not None:
            yield Argument(
                name=own or key,
                kind=kind,
                is_named=bool(own),
                parameter=parameter,
                place=place,
                bootstraps=bootstraps,
                graph=ref(graph),
                tensor=name,
            )


def flatten_signature(graph: Any) -> list[Any]:
    """Return the specs of the tensors that a graph is called with, in order."""
    leaves = tf.nest.flatten(graph.structured_input_signature)
    return [it for it in leaves if isinstance(it, tf.TensorSpec)]


def _named_by_user(graph: Any) -> Iterator[tuple[str, str]]:
    """Yield the tensors that the traced code holds in variables, each with its name."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    while frame is not None and frame.f_code.co_name != TRACES:
        if is_of_user(frame):
            for name, value in frame.f_locals.items():
                is_here = tf.is_tensor(value) and getattr(value, "graph", None) is graph
                if is_here and value.op.type in _READS and kind_of_argument(name):
                    yield value.name, name
        frame = frame.f_back
