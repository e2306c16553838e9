"""Arguments of training steps that nothing in the step uses.

Of a traced step the graph tells: TensorFlow keeps an argument although no result
depends on it. Of one that runs eagerly the code tells: a variable is set and never
read. Only masks, weights and ends of episodes are looked at, by their names: other
arguments, such as the names of rows, may be given for the user's own purposes.
"""

from __future__ import annotations

import dis
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ...core.step_facts import ArgumentKind
from ..backend.frameworks import tf
from ..backend.graphs import has_effect
from ..backend.private_api import TRACES, argument_name_of
from ..backend.tensors import are_different, flatten
from ..backend.user_frames import HOOKS, caller_outside, is_framework, is_of_user

#: Words in the names of the arguments that are looked at.
_KINDS: dict[ArgumentKind, re.Pattern[str]] = {
    "ends": re.compile(
        r"(^|_)(dones?|ended|terminals?|terminated|terminations?)(_(mask|flag)s?)?$"
    ),
    "mask": re.compile(r"(^|_)masks?($|_)"),
    "weights": re.compile(r"(^|(^|_)(sample|class|importance|loss|row)_)weights?$"),
}
#: Names of what follows in time, as of the next states.
_NEXT = re.compile(r"next|new|^(s|state|obs|observation)s?(_|_?2|_?prime)$")
#: Operations that bring data into a graph.
_READS = frozenset({"Placeholder", "IteratorGetNext", "IteratorGetNextSync"})
#: Part of the names of the instructions that end a loop.
_BACK = "JUMP_BACKWARD"
#: Most arguments of traced steps that are kept.
_MOST = 64


def kind_of_argument(name: str) -> ArgumentKind | None:
    """Return what an argument is for, by its name; None for other names."""
    if name.startswith("_"):  # by convention not used
        return None
    small = name.lower()
    return next((kind for kind, it in _KINDS.items() if it.search(small)), None)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Argument:
    """A mask, weights or ends of episodes that a step is given.

    Attributes:
        name: Its name in the user's code.
        kind: What it is for, by its name.
        is_named: Whether the user's code gives it a name of its own, as a parameter or
            by unpacking; else the name is the key of a dictionary.
        bootstraps: Whether the step seems to predict a value from the next one.
        differs: Whether its values differ from one another; None if not known yet.
        parameter: Name of the parameter of a traced step that it is part of; empty if
            there is none.
        place: Which of the tensors of that parameter it is, counted from 0.
        tensor: The tensor in the graph; None of a step that runs eagerly.
        variables: Keys of the variables that are trained.
    """

    name: str
    kind: ArgumentKind
    is_named: bool = True
    bootstraps: bool = False
    differs: bool | None = None
    parameter: str = ""
    place: int = 0
    tensor: Any = None
    variables: frozenset[int] = frozenset()

    @property
    def graph(self) -> Any:
        """The graph of a traced step, else None."""
        return None if self.tensor is None else self.tensor.graph

    @property
    def is_used(self) -> bool:
        """Whether a result of a traced step depends on it."""
        return self.tensor is not None and has_effect(self.tensor)


class StepArguments:
    """The masks, weights and ends of episodes that steps are given."""

    def __init__(self) -> None:
        self._of_graphs: deque[Argument] = deque(maxlen=_MOST)
        self._unread: dict[tuple[CodeType, str], Argument] = {}
        self._read: set[str] = set()

    def clear(self) -> None:
        """Forget all arguments."""
        for known in (self._of_graphs, self._unread, self._read):
            known.clear()

    def take(
        self, graph: Any, models: Sequence[Any], variables: frozenset[int]
    ) -> None:
        """Note the arguments of a step that takes gradients.

        Args:
            graph: The graph that is traced; None if the step runs eagerly.
            models: The calls of models before: model, inputs, outputs, and whether a
                tape recorded.
            variables: Keys of the variables that are trained.
        """
        if graph is None:
            self._take_eagerly(variables)
            return
        try:
            found = [*_arguments(graph, models)]
        except Exception:  # graphs of other versions may lack what is read here
            return
        for it in found:
            same = [one for one in self._of_graphs if one.tensor is it.tensor]
            for one in same:  # gradients were taken before in this graph
                self._of_graphs.remove(one)
            bootstraps = it.bootstraps or any(one.bootstraps for one in same)
            self._of_graphs.append(replace(it, bootstraps=bootstraps))

    def _take_eagerly(self, variables: frozenset[int]) -> None:
        """Note the variables of the user's innermost function that it never reads."""
        frame = _caller()
        code = None if frame is None else _code(frame.f_code)
        if frame is None or code is None:
            return
        self._read.update(code.read)
        for name, kind in code.unread.items():
            known = self._unread.get((frame.f_code, name))
            if known is not None and known.differs:
                continue
            value: Any = frame.f_locals.get(name)
            if isinstance(value, (tf.Tensor, np.ndarray)) and len(value.shape):
                self._unread[frame.f_code, name] = Argument(
                    name=name,
                    kind=kind,
                    bootstraps=code.has_next,
                    differs=are_different(value),
                    variables=variables,
                )

    def unused(self, graph: Any, variables: frozenset[int]) -> list[Argument]:
        """Return the arguments of a step on which no result depends.

        None of those that another recorded step uses by the same name: a batch is often
        given to several steps as a whole.

        Args:
            graph: The graph of the step; None if it runs eagerly.
            variables: Keys of the variables that it trains.
        """
        used = self._read.union(it.name for it in self._of_graphs if it.is_used)
        if graph is None:
            here = [it for it in self._unread.values() if it.variables & variables]
        else:
            here = [it for it in self._of_graphs if it.graph is graph]
        return [it for it in here if it.name not in used]


def _arguments(graph: Any, models: Sequence[Any]) -> Iterator[Argument]:
    inputs = [flatten(it[1]) for it in models]
    bootstraps = len({id(them[0]) for them in inputs if them}) > 1
    named = dict(_named_by_user(graph))
    places: dict[str, int] = {}
    read: dict[Any, tuple[str, int, str]] = {}
    leaves = tf.nest.flatten(graph.structured_input_signature)
    specs = [it for it in leaves if isinstance(it, tf.TensorSpec)]
    for tensor, spec in zip(graph.inputs, specs, strict=False):
        parameter = argument_name_of(tensor)
        place = places.get(parameter, 0)
        places[parameter] = place + 1
        key = re.sub(r"^(_?\d+)*_", "", spec.name.removeprefix(parameter))
        read[tensor.ref()] = parameter, place, key
    for it in {**read, **named}:
        parameter, place, key = read.get(it, ("", 0, ""))
        own = named.get(it, "" if key else parameter)
        kind = kind_of_argument(own or key)
        if kind is not None:
            yield Argument(
                name=own or key,
                kind=kind,
                is_named=bool(own),
                bootstraps=bootstraps,
                parameter=parameter,
                place=place,
                tensor=it.deref(),
            )


def _named_by_user(graph: Any) -> Iterator[tuple[Any, str]]:
    """Yield references to the tensors that the traced code has in variables, each with
    its name.
    """
    frame = caller_outside(HOOKS)
    while frame is not None and frame.f_code.co_name != TRACES:
        if is_of_user(frame):
            for name, value in frame.f_locals.items():
                is_here = tf.is_tensor(value) and getattr(value, "graph", None) is graph
                if is_here and value.op.type in _READS and kind_of_argument(name):
                    yield value.ref(), name
        frame = frame.f_back


@dataclass(frozen=True, slots=True)
class _Code:
    """What a function does with its masks, weights and ends of episodes.

    Attributes:
        unread: Those that it never reads, each with its kind.
        read: The names of all others.
        has_next: Whether it has a variable for what follows in time.
    """

    unread: dict[str, ArgumentKind]
    read: frozenset[str]
    has_next: bool


def _caller() -> FrameType | None:
    """Return the frame that takes gradients, if it runs the user's code."""
    frame = caller_outside(HOOKS, "tensorflow.")
    return None if frame is None or is_framework(frame) else frame


@lru_cache(maxsize=256)
def _code(code: CodeType) -> _Code:
    named = {it: kind_of_argument(it) for it in code.co_varnames}
    kinds = {name: kind for name, kind in named.items() if kind is not None}
    instructions = [*dis.get_instructions(code)] if kinds else []
    read = {it for it in kinds if it in code.co_cellvars or _is_read(instructions, it)}
    return _Code(
        unread={name: kind for name, kind in kinds.items() if name not in read},
        read=frozenset(read),
        has_next=any(map(_NEXT.search, code.co_varnames)),
    )


def _is_read(instructions: Sequence[dis.Instruction], name: str) -> bool:
    """Whether a function reads a local variable after it set it for the last time, or
    earlier in the same loop.
    """
    own = [it for it in instructions if name in _names(it)]
    stored = max((it.offset for it in own if "STORE_FAST" in it.opname), default=-1)
    loops = ((it.argval, it.offset) for it in instructions if _BACK in it.opname)
    start = min(
        (first for first, last in loops if first <= stored < last), default=stored
    )
    loads = (it.offset for it in own if "LOAD_FAST" in it.opname)
    return any(it >= start and it != stored for it in loads)


def _names(instruction: dis.Instruction) -> tuple[Any, ...]:
    """Return the names of an instruction, of which Python 3.13 joins two to one."""
    names = instruction.argval
    return names if isinstance(names, tuple) else (names,)
