"""Find random numbers that Python or NumPy draws while TensorFlow traces a function.

Python runs only during the trace, so that each later run of the function uses the same
number. Numbers that are meant to be drawn once are left out: those drawn while a layer
is built or an object made, those kept in an attribute, those from a seed set in the
function itself, and those that are the seed of an operation.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import ref

from ...core.step_facts import TracedDraw
from ..backend.frameworks import tf
from ..backend.private_api import (
    DATASET_LOOP,
    READS_DATA,
    SHAPE_INFERENCE,
    TRACES,
    dataset_given_to,
    outermost_graph,
)
from ..backend.tensors import current_graph
from ..backend.user_frames import HOOKS, called_at, caller_outside, module_of

#: Functions that make what is meant to be made once.
_MAKING = frozenset({"__init__", "__new__", "__post_init__", "build", "add_weight"})
#: Keras' steps that train nothing: with the same numbers, evaluations are comparable.
_NOT_TRAINING = frozenset({"test_step", "predict_step"})
#: Functions after which draws are the same at each call.
_SEEDING = frozenset({"seed", "setstate", "set_state"})
_READING = frozenset({"getstate", "get_state"})
#: Prefix of the names of functions that AutoGraph converted.
_CONVERTED = "tf__"
#: Most places that are kept.
_MOST_PLACES = 16


@dataclass(slots=True, eq=False, kw_only=True)
class _Place:
    """A place in the user's code that draws while a function is traced.

    Attributes:
        name: Name of the drawing function.
        file, line: Where it is called.
        in_dataset: Whether a function of a dataset calls it.
        traces, runs: How often the function was traced, and ran.
        trains: Whether the function makes updates.
        last: Returns the last graph that it was traced into, for a dataset.
    """

    name: str
    file: str
    line: int
    in_dataset: bool
    traces: int = 0
    runs: int = 0
    trains: bool = False
    last: Callable[[], Any] = lambda: None

    def in_words(self) -> TracedDraw:
        """Return the place as a fact for the judge."""
        return TracedDraw(
            name=self.name,
            place=f"{Path(self.file).name}:{self.line}",
            traces=self.traces,
            runs=None if self.trains or self.in_dataset else self.runs,
            in_dataset=self.in_dataset,
        )


@dataclass(slots=True)
class _Traced:
    """What was seen while one call of a function traced it.

    Attributes:
        graphs: The graphs that it was traced into.
        drawn: For each place the last of these graphs that it drew in.
        updates: Whether the function makes updates.
    """

    graphs: list[Callable[[], Any]] = field(default_factory=list)
    drawn: dict[_Place, int] = field(default_factory=dict)
    updates: bool = False

    def add(self, place: _Place, graph: Any) -> None:
        """Note that a place draws in a graph."""
        if not self.graphs or self.graphs[-1]() is not graph:
            self.graphs.append(ref(graph))
        self.drawn[place] = len(self.graphs)

    def without_first_graph(self) -> _Traced:
        """Leave out what was drawn in the first graph only, which never ran."""
        drawn = {place: last for place, last in self.drawn.items() if last > 1}
        return _Traced(self.graphs, drawn, self.updates)


class TracedDraws:
    """Random numbers drawn while functions were traced, and how often these ran."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, int], _Place] = {}
        self._meant: set[tuple[str, int]] = set()
        self._seeded: dict[str, Callable[[], Any]] = {}
        self._now = _Traced()
        self._of_function: dict[int, _Traced] = {}

    def clear(self) -> None:
        """Forget all places and functions."""
        for known in (self._places, self._meant, self._seeded, self._of_function):
            known.clear()
        self._now = _Traced()

    def found(self) -> tuple[TracedDraw, ...]:
        """Return the places that drew while a function was traced that ran later."""
        return tuple(it.in_words() for it in self._places.values() if it.traces)

    def add(self, name: str) -> None:
        """Note that the caller of a drawing function is being traced.

        Args:
            name: Name of the drawing function, such as ``"numpy.random.rand"``.
        """
        try:
            self._add(name, caller_outside(HOOKS))
        except Exception:  # frames of other versions may lack what is read here
            return

    def _add(self, name: str, frame: FrameType | None) -> None:
        graph = outermost_graph(current_graph())
        module, _, function = name.rpartition(".")
        if function in _READING:
            return
        if function in _SEEDING:
            self._seeded[module] = ref(graph)
            return
        if self._seeded.get(module, _nothing)() is graph:
            return
        at = called_at(frame)
        if at is None or at in self._meant or len(self._places) >= _MOST_PLACES:
            return
        frames = _traced_frames(frame)
        if frames is None or any(map(_makes, frames)):
            return
        place = self._places.get(at)
        if place is None:
            if _is_meant(*at):
                self._meant.add(at)
                return
            if _has_one_element(frames):
                return
            file, line = at
            in_dataset = _is_in_dataset(frames)
            place = _Place(name=name, file=file, line=line, in_dataset=in_dataset)
            self._places[at] = place
        if not place.in_dataset:
            self._now.add(place, graph)
        elif place.last() is not graph:
            place.last, place.traces = ref(graph), place.traces + 1

    def updated(self) -> None:
        """Note that an optimizer's update is being traced."""
        self._now.updates = True

    def trained(self) -> None:
        """Note that what was just traced is the step of a training."""
        self._now.updates = True
        for place in self._now.drawn:
            place.traces, place.trains = place.traces + 1, True
        self._now = _Traced()

    @contextmanager
    def running(
        self, function: Any, traces_in_vain: Callable[[], bool]
    ) -> Iterator[None]:
        """Count a run of a function, which may be traced for it.

        Args:
            function: The function.
            traces_in_vain: Returns whether the first trace of the function never runs.
        """
        if not tf.executing_eagerly():
            yield
            return
        self._now = _Traced()
        yield
        if self._now.drawn:
            first = id(function) not in self._of_function
            self._keep(function, in_vain=first and traces_in_vain())
        done = self._of_function.get(id(function))
        if done is not None:
            for place in done.drawn:
                place.runs += 1
                place.trains |= done.updates

    @contextmanager
    def tracing(self) -> Iterator[Callable[[Any], None]]:
        """Observe a trace without a run; yields a function that stores what it drew.

        Call that function with the concrete function.
        """
        self._now = _Traced()
        yield self._keep

    def _keep(self, function: Any, in_vain: bool = False) -> None:
        traced = self._now.without_first_graph() if in_vain else self._now
        for place in traced.drawn:
            place.traces += 1
        self._of_function[id(function)] = traced
        self._now = _Traced()


def _nothing() -> None:
    """Return None, as a weak reference to nothing."""
    return


def _traced_frames(frame: FrameType | None) -> list[FrameType] | None:
    """Return the frames outwards to the call that began the outermost trace.

    None if Keras infers shapes, or no function is traced, or it trains nothing.
    """
    frames: list[FrameType] = []
    end = 0
    while frame is not None:
        frames.append(frame)
        name = _name_of(frame)
        if name == SHAPE_INFERENCE:
            return None
        end = len(frames) if name == TRACES else end
        frame = frame.f_back
    traced = frames[:end]
    if not traced or any(_name_of(it) in _NOT_TRAINING for it in traced):
        return None
    return [*traced, *_constructing(frames[end:])]


def _constructing(frames: list[FrameType]) -> list[FrameType]:
    """Return the frames up to the call that makes a dataset from another one.

    Empty if the innermost frames do not make a dataset.
    """
    found: list[FrameType] = []
    for frame in frames:
        found.append(frame)
        if not module_of(frame).startswith((HOOKS, "tensorflow.")):
            return []
        if dataset_given_to(frame) is not None:
            return found
    return []


def _name_of(frame: FrameType) -> str:
    return frame.f_code.co_name.removeprefix(_CONVERTED)


def _makes(frame: FrameType) -> bool:
    """Whether a frame builds a layer or makes an object other than a dataset."""
    return _name_of(frame) in _MAKING and not module_of(frame).startswith(READS_DATA)


def _is_in_dataset(frames: list[FrameType]) -> bool:
    """Whether a function given to a dataset is traced, not a loop over a dataset."""
    if any(_name_of(it) == DATASET_LOOP for it in frames):
        return False
    return any(module_of(it).startswith(READS_DATA) for it in frames)


def _has_one_element(frames: list[FrameType]) -> bool:
    """Whether a function of a dataset is called for a single element."""
    given = (dataset_given_to(it) for it in frames)
    dataset = next((it for it in given if it is not None), None)
    if dataset is None:
        return False
    with tf.init_scope():
        return int(dataset.cardinality()) == 1


def _is_meant(file: str, line: int) -> bool:
    """Whether a statement keeps what it draws in an attribute, or draws a seed."""
    lines = linecache.getlines(file)
    try:
        statement = _statement_at(ast.parse("".join(lines)), line)
    except (SyntaxError, ValueError):
        return False
    if statement is None:
        return False
    targets = getattr(statement, "targets", None) or [
        getattr(statement, "target", None)
    ]
    if any(isinstance(it, ast.Attribute) for it in targets):
        return True
    body = getattr(statement, "body", None)
    end = body[0].lineno - 1 if body else statement.end_lineno
    text = "".join(lines[statement.lineno - 1 : max(end or line, line)])
    return "seed" in text.lower() and "stateless" not in text


def _statement_at(tree: ast.Module, line: int) -> ast.stmt | None:
    """Return the innermost statement that a line belongs to."""
    found = None
    for it in ast.walk(tree):  # outer statements first
        if isinstance(it, ast.stmt) and it.lineno <= line <= (it.end_lineno or 0):
            found = it
    return found
