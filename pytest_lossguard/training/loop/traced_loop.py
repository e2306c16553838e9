"""Traces the training step of a compiled model once, as a loop in a TensorFlow graph.

The loop calls the ``train_step`` of the model, so that custom steps, metrics,
regularization, dropout and batch statistics work as in ``fit``.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from typing import Any

import numpy as np

from ...core.errors import first_line
from ..backend.batch import Batch
from ..backend.frameworks import keras, tf
from ..backend.patches import observed, observed_draws
from ..backend.private_api import flat_layers
from ..backend.snapshot import Snapshot, every_variable, live_statistics
from ..backend.tensors import (
    RowsFunction,
    as_traced_on_one_thread,
    call_traced,
    flatten,
    graph_function,
    is_composite,
    map_structure,
    raw,
)
from ..record.recorder import Recorder
from ..record.recording import Recording
from ..record.replicas import unreduced
from ..score.scorer import Scorer, asked_of
from ..score.uncounted import (
    NOT_ASKED,
    Counted,
    counted_in_fit,
    has_own_step_or_loss,
)
from .spec import TrainingSpec
from .variable_copies import VariableCopies, handles

#: Most rows that one call of the loop writes into the ring buffer, one per step.
STEPS_PER_CALL = 4096
#: Variables with more than ``_MOST_BYTES`` in total are not copied for concurrent runs;
#: copies with more than ``MOST_KEPT`` are dropped after each run.
_MOST_BYTES, MOST_KEPT = 1 << 25, 1 << 20
#: Products per step up to which one thread is faster than several (our measurement on
#: two cores, time on one thread relative to several: .53 to .86 below 1.0e6, 1.61 at
#: 2.2e6; convolutions are always slower on one, 2.3 to 2.8; for a recurrent layer only
#: the products of one position count, .72).
_LIGHT = 1_000_000


class NotInGraph(Exception):
    """The training cannot run as a graph loop; the message says why."""


class TracedLoop:
    """A compiled model and the traced loop that trains it.

    Args:
        model: A compiled Keras model.
        sample: Some rows of its data, for the input signature.
        task: The first training of the loop.
        fresh: Whether optimizer and metrics had no state before they were built.
        owned: Whether no user code refers to the model, so that it may stay changed.

    Attributes:
        model: See ``Args``.
        owned: See ``Args``.
        is_light: Whether a step is so small that one thread runs it fastest.
        draws: Whether the graph uses raw `tf.random` operations, which only setting
            all seeds resets.
        scorer: Scores the model; None if no loss was recorded.
        variables: Every variable that a run may change.

    Raises:
        NotInGraph: The training step cannot be traced, or does not make exactly one
            optimizer update.
    """

    def __init__(
        self, model: Any, sample: Batch, task: TrainingSpec, *, fresh: bool, owned: bool
    ) -> None:
        self.model, self.owned = model, owned
        self._pristine = None
        if fresh:
            self._pristine = Snapshot(
                [*model.optimizer.variables, *model.metrics_variables]
            )
        self.is_light = is_light(model, sample, task.batch_size)
        self._make_loop(sample, task)
        if self.is_light and _needs_threads(self._loop.graph):
            self.is_light = False
            self._make_loop(sample, task)
        self.scorer = self._make_scorer()
        self._lanes: deque[VariableCopies] = deque()
        self._counted: tuple[Any, Counted] | None = None

    @property
    def recording(self) -> Recording:
        """Recording of the runs on the model's own variables."""
        return self._recorder.recordings[0]

    @property
    def starts_fresh(self) -> bool:
        """Whether the first state of the optimizer and metrics is known."""
        return self._pristine is not None

    def load(self, model: Any, fresh: bool) -> None:
        """Copy the state of another model of the same structure.

        Args:
            model: The other model.
            fresh: Whether its optimizer and metrics have no state yet.
        """
        taken = (lambda it: it.variables) if fresh else every_variable
        for mine, theirs in zip(taken(self.model), taken(model), strict=True):
            raw(mine).assign(raw(theirs))
        if fresh and self._pristine is not None:
            self._pristine.restore()

    @property
    def steps_per_call(self) -> int:
        """Most steps per call of the loop, limited by the size of the ring buffer."""
        buffer = self.recording.buffer
        assert buffer is not None
        return min(STEPS_PER_CALL, buffer.capacity)

    def executing(self) -> AbstractContextManager[None]:
        """Return the context in which to run the loop and the scorer."""
        return as_traced_on_one_thread() if self.is_light else nullcontext()

    def loop(self, *parts: Any, instead: Mapping[int, Any] | None = None) -> Any:
        """Run some steps of the training; see `call_traced` for the arguments.

        Returns:
            Whether to go on (all values are finite and the loss is below the limit),
            and the recorded rows.
        """
        return call_traced(self._loop, *parts, instead=instead)

    def counted(self, batch: Batch, trained: int) -> Counted:
        """Check whether labels that must not count change the update of a step; cached
        for the last labels and weights.

        Args:
            batch: Some rows of the training data.
            trained: Total number of rows in all steps of the training.
        """
        if not has_own_step_or_loss(self.model):
            return NOT_ASKED
        asked = asked_of(batch)
        if self._counted is None or self._counted[0] != asked:
            found = counted_in_fit(
                self.model,
                lambda: batch,
                self.model.trainable_variables,
                trained=trained,
            )
            self._counted = asked, found
        return self._counted[1]

    # Several runs at a time

    @property
    def can_run_beside_itself(self) -> bool:
        """Whether runs may be concurrent: the loop changes nothing but variables that
        are small enough to copy, and does not use raw `tf.random`.
        """
        if self.draws:
            return False
        known = set(handles(self._every_variable))
        resources = (it for it in self._loop.captured_inputs if it.dtype == tf.resource)
        return self._bytes <= _MOST_BYTES and all(id(it) in known for it in resources)

    @contextmanager
    def lane(self) -> Iterator[VariableCopies]:
        """Yield copies of the variables for one concurrent run; they are kept for later
        runs unless the run fails or they are large.
        """
        try:
            lane = self._lanes.pop()
        except IndexError:
            lane = VariableCopies(self._every_variable)
        yield lane
        if self._bytes <= MOST_KEPT:
            self._lanes.append(lane)

    @cached_property
    def _bytes(self) -> int:
        """Size of one `VariableCopies`."""
        return sum(it.dtype.size * math.prod(it.shape) for it in self._every_variable)

    @property
    def _every_variable(self) -> list[Any]:
        """The `variables`, then those that the recorder writes."""
        return [*self.variables, *self._recorder.own_variables()]

    # Tracing

    def _make_loop(self, sample: Batch, task: TrainingSpec) -> None:
        """Trace the loop, for one thread if its step is light."""
        self._recorder = Recorder(
            stop_on_nonfinite=False,
            keeps_data=False,
            most_rows=STEPS_PER_CALL,
            branches=not self.is_light,
            only_here=True,
        )
        if task.dataset is None:
            data = map_structure(_any_rows, packed(sample))
            rows, of_step = (tf.TensorSpec(it, tf.int32) for it in ([None], [None, 1]))
            bounds, limits = (tf.TensorSpec([2], it) for it in (tf.int32, tf.float64))
            signature = [data, rows, of_step, of_step, bounds, limits]
            self._loop = graph_function(self._on_arrays, input_signature=signature)
        else:
            data = tf.data.IteratorSpec(task.dataset.element_spec)
            signature = [data, tf.TensorSpec([], tf.int32)]
            self._loop = graph_function(self._on_batches, input_signature=signature)
        with self.executing():
            self._trace_loop()

    def _trace_loop(self) -> None:
        try:
            draws = observed_draws(self._recorder.on_draw)
            fits = self._recorder.untracked.in_fit(self.model)
            with observed(self._recorder), unreduced(), draws, fits:
                self._loop = self._loop.get_concrete_function()
        except Exception as error:
            raise NotInGraph(
                f"its train_step cannot be traced ({type(error).__name__}:"
                f" {first_line(error)})"
            ) from error
        self._recorder.draws.trained()
        graph = self._loop.graph
        self.draws = _has_stateful_random(graph)
        recordings = self._recorder.recordings
        if len(recordings) != 1 or recordings[0].buffer is None:
            raise NotInGraph(
                f"its train_step makes {len(recordings)} optimizer updates, not one"
            )
        own = set(map(id, self._recorder.own_variables()))
        found = [*every_variable(self.model), *graph.variables]
        unique = {id(raw(it)): raw(it) for it in found}
        self.variables = [it for key, it in unique.items() if key not in own]

    def _make_scorer(self) -> Scorer | None:
        known = self.recording.taped.model_and_loss
        if known is None:
            return None
        return Scorer(known, None, RowsFunction)

    def _step(self, batch: Any) -> tuple[Any, Any]:
        """Make one update; return whether all values are finite, and the data loss."""
        with live_statistics(self.model):
            self.model.train_step(batch)
        recordings = self._recorder.recordings
        if not recordings:
            return True, tf.constant(0.0, tf.float64)
        return recordings[0].last_good, recordings[0].last_loss

    def _on_arrays(
        self,
        data: Any,
        order: Any,
        starts: Any,
        sizes: Any,
        bounds: Any,
        limits: Any,
    ) -> Any:
        first, last = tf.unstack(bounds)
        growth, ceiling = tf.unstack(limits)

        def body(step: Any, good: Any, ceiling: Any) -> Any:
            del good
            rows = tf.slice(order, tf.gather(starts, step), tf.gather(sizes, step))
            finite, loss = self._step(
                map_structure(lambda it: tf.gather(it, rows), data)
            )
            # The loss of the first step is a reference loss too.
            own = tf.where(step == 0, growth * loss, ceiling)
            ceiling = tf.maximum(own, ceiling)
            return step + 1, tf.logical_and(finite, loss <= ceiling), ceiling

        _, good, _ = tf.while_loop(
            lambda step, good, _: tf.logical_and(step < last, good),
            body,
            (first, True, ceiling),
        )
        return good, self._rows()

    def _on_batches(self, iterator: Any, steps: Any) -> Any:
        def body(step: Any, good: Any) -> Any:
            del good
            batch = iterator.get_next()
            # At the end of the data no part of the step may run, not even a counter.
            ready = tf.nest.flatten(batch, expand_composites=True)
            with tf.control_dependencies(ready):
                return step + 1, self._step(batch)[0]

        _, good = tf.while_loop(
            lambda step, good: tf.logical_and(step < steps, good), body, (0, True)
        )
        return good, self._rows()

    def _rows(self) -> Any:
        """Return the rows that the loop recorded, as a tensor of the graph."""
        recordings = self._recorder.recordings
        buffer = recordings[0].buffer if recordings else None
        return tf.zeros([0]) if buffer is None else buffer.take()


_IN_A_THREAD = ("PartitionedCall", "If", "Case")
_STATEFUL_RANDOM = ("RandomUniform", "RandomStandardNormal", "TruncatedNormal")


def _has_stateful_random(graph: Any) -> bool:
    """Whether a graph has raw `tf.random` operations, which only setting all seeds
    resets.
    """
    definition = graph.as_graph_def()
    nodes = [*definition.node]
    for function in definition.library.function:
        nodes.extend(function.node_def)
    return any(node.op.startswith(_STATEFUL_RANDOM) for node in nodes)


def _needs_threads(graph: Any) -> bool:
    """Whether a loop has branches or calls a user's `tf.function`.

    The single-threaded executor may deadlock in such a function, or refuse it: "does
    not support switch op". On one processor it also deadlocks in branches, as those of
    gradient accumulation or of an average that overwrites weights.
    """
    known = graph.as_graph_def()
    nodes = [known.node, *(it.node_def for it in known.library.function)]
    return any(it.op.endswith(_IN_A_THREAD) for some in nodes for it in some)


def is_light(model: Any, sample: Batch, batch_size: int) -> bool:
    """Whether a step is so small that one thread runs it faster than several do."""
    layers = flat_layers(model)
    if any(hasattr(layer, "kernel_size") for layer in layers):
        return False
    if hasattr(model.optimizer, "inner_optimizer"):
        return False  # the single-threaded executor deadlocks in loss scaling
    if any(map(is_composite, flatten(sample.x))):
        return False
    positions = 1  # a recurrent layer computes one position at a time
    if not any(isinstance(layer, keras.layers.RNN) for layer in layers):
        positions = max(
            np.size(leaf) // (len(leaf) * (1 if _is_index(leaf) else leaf.shape[-1]))
            for leaf in map(np.asarray, flatten(sample.x))
        )
    weights = sum(math.prod(it.shape) for it in model.trainable_variables)
    return bool(batch_size * positions * weights <= _LIGHT)


def _is_index(leaf: Any) -> bool:
    return bool(leaf.dtype.kind != "f" or leaf.ndim < 2)


def packed(batch: Batch) -> Any:
    """Return a batch as the tuple that a training step takes."""
    return keras.utils.pack_x_y_sample_weight(*batch.parts)


def _any_rows(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return tf.TensorSpec([None, *array.shape[1:]], array.dtype)
