"""A short training as one loop inside the graph, traced once and reused.

The loop calls the model's own ``train_step``, so custom steps, metrics,
penalties, dropout and batch statistics keep their meaning. Whatever the
training changes is put back afterwards.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..errors import UsageError, first_line
from ..trace import Probe, Trace, Validation
from .data import ArrayData
from .frameworks import keras, tf
from .observe import observed
from .probes import Scorer, as_tensors, evenly_spaced
from .recorder import Recorder
from .recording import Batch, Recording
from .replicas import unreduced
from .state import Snapshot, every_variable, live_statistics, set_seed
from .task import Task, batch_order
from .tensors import (
    as_traced_on_one_thread,
    call_traced,
    flatten,
    graph_function,
    graph_function_of_rows,
    is_composite,
    map_structure,
    raw,
)
from .traces import Scores, could_not_score, make_trace

__all__ = ["NotInGraph", "Program", "is_light"]

#: Held-out losses are taken at most this often, from at most so many rows.
_MOST_VALIDATIONS, _MOST_VALIDATION_ROWS = 50, 2048
#: Steps between two readings of the ring buffer.
_STEPS_PER_CALL = 4096
#: Where a step is heavy, no more rows are scored than this share of those that are
#: trained on, but so many: scoring twice takes at most some 5 % of the training.
_SCORED, _FEWEST_SCORED = 0.1, 128
_NO_LIMIT = 2**31 - 1
#: Products per step up to which handing operations to other threads costs more
#: than it gains (our measurement on two cores: .53 to .86 of the time below 1.0e6,
#: 1.61 at 2.2e6; convolutions always lose, 2.3 to 2.8 times the time; of a
#: recurrent layer the products of one position count, .72 of the time).
_LIGHT = 1_000_000


class NotInGraph(Exception):
    """The training cannot run as a graph loop; the message says why."""


class Program:
    """One compiled model and the traced loop that trains it.

    Args:
        model: A compiled Keras model.
        sample: Some rows of its data: builds the model, gives the signature.
        task: The first training that it shall run.
        fresh: Whether optimizer and metrics had no state before they were built.
        owned: Whether nobody else holds the model, so that it may be left changed.

    Raises:
        NotInGraph: Its training step cannot be traced, or is no single update.
    """

    def __init__(
        self, model: Any, sample: Batch, task: Task, *, fresh: bool, owned: bool
    ) -> None:
        self.model, self.owned = model, owned
        self._pristine = None
        if fresh:
            self._pristine = Snapshot(
                [*model.optimizer.variables, *model.metrics_variables]
            )
        self._light = is_light(model, sample, task.batch_size)
        self._make_loop(sample, task)
        if self._light and _calls_functions(self._loop.graph):
            self._light = False
            self._make_loop(sample, task)
        self._scorer = self._make_scorer()

    @property
    def recording(self) -> Recording:
        """What the last run left."""
        return self._recorder.recordings[0]

    @property
    def variables(self) -> list[Any]:
        """Every variable that a run may change."""
        return self._variables

    @property
    def starts_fresh(self) -> bool:
        """Whether it knows the state of an optimizer that has made no update."""
        return self._pristine is not None

    def load(self, model: Any, fresh: bool) -> None:
        """Start from the state of another model of the same structure.

        Args:
            model: The other model.
            fresh: Whether its optimizer and metrics have no state yet.
        """
        taken = (lambda it: it.variables) if fresh else every_variable
        for mine, theirs in zip(taken(self.model), taken(model), strict=True):
            raw(mine).assign(raw(theirs))
        if fresh and self._pristine is not None:
            self._pristine.restore()

    def run(
        self,
        task: Task,
        probe: Batch,
        finish: Callable[[Any], None] | None = None,
    ) -> Trace:
        """Train, and leave every variable as it was.

        Args:
            task: What to train on.
            probe: Rows to score before and after.
            finish: Called with the trained model.
        """
        with self._executing():
            return self._run(task, probe, finish)

    def _run(
        self, task: Task, probe: Batch, finish: Callable[[Any], None] | None
    ) -> Trace:
        notes: tuple[str, ...] = ()
        self.recording.reset()
        if not self._light and task.arrays is not None:
            trained_on = task.array_steps() * _rows_per_step(task)
            probe = _fewer(probe, max(_FEWEST_SCORED, int(_SCORED * trained_on)))
        scored = _Scored(self._scorer, probe, _rows_per_step(task))
        validation: list[tuple[int, float]] = []
        if self._draws:
            set_seed(task.seed)
        start = Snapshot(self._variables)
        try:
            scored.before = scored.probe()
            if task.arrays is not None:
                self._train_on_arrays(task, validation, scored.ceiling(task.growth))
            else:
                self._train_on_dataset(task, validation)
            if finish is not None:
                finish(self.model)
            scored.after = scored.probe()
        except BaseException:
            self.recording.empty_buffer()
            raise
        finally:
            start.restore()
        if task.growth is not None and self.recording.steps < task.array_steps():
            notes = (f"ended at step {self.recording.steps}, its fate sealed",)
        return make_trace(
            self.recording,
            source="fit",
            scores=scored.scores(),
            seen=task.arrays if task.arrays is not None else probe,
            batch_size=_rows_per_step(task),
            seed=task.seed,
            validation=_frozen(validation, self._held_out_constant(task)),
            steps_per_epoch=task.steps_per_epoch,
            notes=notes,
        )

    # Tracing

    def _make_loop(self, sample: Batch, task: Task) -> None:
        """Trace the loop, for one thread where its step is light."""
        self._recorder = Recorder(
            stops=False,
            keeps_data=False,
            most_rows=_STEPS_PER_CALL,
            branches=not self._light,
        )
        self._executing = as_traced_on_one_thread if self._light else nullcontext
        if task.dataset is None:
            data = map_structure(_any_rows, _packed(sample))
            rows, of_step = (tf.TensorSpec(it, tf.int32) for it in ([None], [None, 1]))
            bounds, limits = (tf.TensorSpec([2], it) for it in (tf.int32, tf.float64))
            signature = [data, rows, of_step, of_step, bounds, limits]
            self._loop = graph_function(self._on_arrays, input_signature=signature)
        else:
            data = tf.data.IteratorSpec(task.dataset.element_spec)
            signature = [data, tf.TensorSpec([], tf.int32)]
            self._loop = graph_function(self._on_batches, input_signature=signature)
        with self._executing():
            self._trace_loop()

    def _trace_loop(self) -> None:
        try:
            with observed(self._recorder), unreduced():
                self._loop = self._loop.get_concrete_function()
        except Exception as error:
            raise NotInGraph(
                f"its train_step cannot be traced ({type(error).__name__}:"
                f" {first_line(error)})"
            ) from error
        graph = self._loop.graph
        self._draws = _has_stateful_random(graph)
        recordings = self._recorder.recordings
        if len(recordings) != 1 or recordings[0].buffer is None:
            raise NotInGraph(
                f"its train_step makes {len(recordings)} optimizer updates, not one"
            )
        own = self._recorder.own_variables()
        found = [*every_variable(self.model), *graph.variables]
        unique = {id(raw(it)): raw(it) for it in found}
        self._variables = [it for key, it in unique.items() if key not in own]

    def _make_scorer(self) -> Scorer | None:
        evidence = self.recording.taped.evidence
        if evidence is None:
            return None
        return Scorer(evidence, None, graph_function_of_rows)

    def _step(self, batch: Any) -> tuple[Any, Any]:
        """One update: whether all is finite so far, and its data loss."""
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
            # The first step's own loss is a yardstick too.
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
            # Past the last batch nothing of the step may run, not even a counter.
            ready = tf.nest.flatten(batch, expand_composites=True)
            with tf.control_dependencies(ready):
                return step + 1, self._step(batch)[0]

        _, good = tf.while_loop(
            lambda step, good: tf.logical_and(step < steps, good), body, (0, True)
        )
        return good, self._rows()

    @property
    def _steps_per_call(self) -> int:
        """As many as the ring buffer holds."""
        buffer = self.recording.buffer
        assert buffer is not None
        return min(_STEPS_PER_CALL, buffer.capacity)

    def _rows(self) -> Any:
        """What the loop wrote, in the graph."""
        recordings = self._recorder.recordings
        buffer = recordings[0].buffer if recordings else None
        return tf.zeros([0]) if buffer is None else buffer.take()

    # Running

    def _train_on_arrays(
        self, task: Task, validation: list[tuple[int, float]], ceiling: float
    ) -> None:
        arrays, steps = task.arrays, task.array_steps()
        assert arrays is not None
        assert task.steps_per_epoch is not None
        order = _order(len(arrays), task.batch_size, steps, task.shuffle, task.seed)
        limits = tf.constant([task.growth or 0.0, ceiling], tf.float64)
        parts = (arrays.x, arrays.y, arrays.sample_weight)
        data = map_structure(tf.convert_to_tensor, _packed(Batch(*parts)))
        chunk = self._steps_per_call
        if task.validation is not None:
            epochs = -(-steps // task.steps_per_epoch)
            chunk = task.steps_per_epoch * max(1, epochs // _MOST_VALIDATIONS)
            chunk = min(chunk, self._steps_per_call)
        good, done = True, 0
        while good and done < steps:
            upto = min(steps, done + chunk)
            bounds = tf.constant([done, upto])
            good, rows = call_traced(self._loop, data, order, bounds, limits)
            self.recording.add(rows.numpy())
            done = upto
            self._validate(task, validation)

    def _train_on_dataset(
        self, task: Task, validation: list[tuple[int, float]]
    ) -> None:
        """Pass after pass over the dataset until the length is reached."""
        wanted = task.steps if task.steps is not None else _NO_LIMIT
        passes = task.epochs if task.epochs is not None else _NO_LIMIT
        done, good = 0, True
        while good and done < wanted and passes > 0:
            fresh, good = self._one_pass(task.dataset, wanted - done)
            if fresh == 0 and good:
                raise UsageError(_ended_early(done, task))
            done, passes = done + fresh, passes - 1
            self._validate(task, validation)

    def _one_pass(self, dataset: Any, most: int) -> tuple[int, bool]:
        iterator = iter(dataset)
        before = self.recording.steps
        good = True
        try:
            while good and most > 0:
                chunk = min(most, self._steps_per_call)
                good, rows = call_traced(self._loop, iterator, tf.constant(chunk))
                self.recording.add(rows.numpy())
                most -= chunk
        except tf.errors.OutOfRangeError:
            self.recording.collect()
            self.recording.empty_buffer()
        return self.recording.steps - before, bool(good)

    def _validate(self, task: Task, points: list[tuple[int, float]]) -> None:
        if task.validation is None or self._scorer is None:
            return
        held_out = self._scorer.probe(_held_out(task.validation))
        points.append((self.recording.steps, held_out.loss))

    def _held_out_constant(self, task: Task) -> float | None:
        if task.validation is None or self._scorer is None:
            return None
        found = self._scorer.constant(_held_out(task.validation))
        return None if found is None else found[0]


@functools.lru_cache(maxsize=8)
def _order(rows: int, batch_size: int, steps: int, shuffle: bool, seed: int) -> Any:
    """`batch_order` as tensors."""
    order = batch_order(rows, batch_size, steps, shuffle=shuffle, seed=seed)
    return tuple(map(tf.constant, order))


def _held_out(data: ArrayData) -> Batch:
    chosen = evenly_spaced(len(data), _MOST_VALIDATION_ROWS)
    return as_tensors(data.rows(chosen))


class _Scored:
    """The probe of one run, failing softly: then the curve is the evidence."""

    def __init__(self, scorer: Scorer | None, probe: Batch, rows: int | None) -> None:
        self._scorer = scorer
        self._failure: str | None = None
        self._probe = as_tensors(probe)
        self.before: Probe | None = None
        self.after: Probe | None = None
        if scorer is not None:
            scorer.rows_per_step = rows

    def probe(self) -> Probe | None:
        """Score the model as it is; None if it cannot be scored."""
        if self._scorer is not None and self._failure is None:
            try:
                return self._scorer.probe(self._probe)
            except Exception as error:
                self._failure = could_not_score(error)
        return None

    def ceiling(self, growth: float | None) -> float:
        """The data loss from which on a training is lost: ``growth`` times the
        larger of both yardsticks; infinite where one is not known.
        """
        if growth is None or self.before is None or self._scorer is None:
            return np.inf
        constant = self._scorer.constant(self._probe)
        if constant is None:
            return np.inf
        largest = max(self.before.loss, self.before.reported, constant[0])
        return growth * largest if largest > 0 else np.inf

    def scores(self) -> Scores:
        """Both probes, the best constant and what a perfect prediction costs."""
        if self.after is None or self._scorer is None:
            return Scores(failure=self._failure)
        return Scores.of(self._scorer, self._probe, self.before, self.after)


def _ended_early(done: int, task: Task) -> str:
    if done == 0:
        return "lossguard.fit got an empty dataset: it yields no batch"
    wanted = f"{task.steps} steps" if task.steps else f"{task.epochs} epochs"
    return (
        f"the dataset ended after {done} steps and yields nothing on a second pass,"
        f" and {wanted} were asked for: add .repeat(), or ask for steps={done}"
    )


def _frozen(
    points: list[tuple[int, float]], constant: float | None
) -> Validation | None:
    if not points:
        return None
    steps, losses = zip(*points, strict=True)
    return Validation(step=steps, loss=losses, constant=constant)


_STATEFUL_RANDOM = ("RandomUniform", "RandomStandardNormal", "TruncatedNormal")


def _has_stateful_random(graph: Any) -> bool:
    """Whether raw `tf.random` takes part: only a full seeding resets it."""
    definition = graph.as_graph_def()
    nodes = [*definition.node]
    for function in definition.library.function:
        nodes.extend(function.node_def)
    return any(node.op.startswith(_STATEFUL_RANDOM) for node in nodes)


def _calls_functions(graph: Any) -> bool:
    """Whether a loop calls a `tf.function` of the project's own.

    The single-threaded executor may wait for ever for what such a function holds, or
    refuses it: "does not support switch op".
    """
    known = graph.as_graph_def()
    nodes = [known.node, *(it.node_def for it in known.library.function)]
    return any("PartitionedCall" in node.op for some in nodes for node in some)


def is_light(model: Any, sample: Batch, batch_size: int) -> bool:
    """Whether a step is so small that one thread runs it faster than several."""
    layers = model._flatten_layers()
    if any(hasattr(layer, "kernel_size") for layer in layers):
        return False
    if hasattr(model.optimizer, "inner_optimizer"):
        return False  # the single-threaded executor never ends what scales the loss
    if any(map(is_composite, flatten(sample.x))):
        return False
    positions = 1  # what a recurrent layer does at a time
    if not any(isinstance(layer, keras.layers.RNN) for layer in layers):
        positions = max(
            np.size(leaf) // (len(leaf) * (1 if _is_index(leaf) else leaf.shape[-1]))
            for leaf in map(np.asarray, flatten(sample.x))
        )
    weights = sum(math.prod(it.shape) for it in model.trainable_variables)
    return bool(batch_size * positions * weights <= _LIGHT)


def _is_index(leaf: Any) -> bool:
    return bool(leaf.dtype.kind != "f" or leaf.ndim < 2)


def _packed(batch: Batch) -> Any:
    return keras.utils.pack_x_y_sample_weight(batch.x, batch.y, batch.sample_weight)


def _any_rows(leaf: Any) -> Any:
    array = np.asarray(leaf)
    return tf.TensorSpec([None, *array.shape[1:]], array.dtype)


def _fewer(batch: Batch, most: int) -> Batch:
    """At most so many rows of a batch of arrays, spread over all of them."""
    if len(batch) <= most:
        return batch
    chosen = evenly_spaced(len(batch), most)
    parts = (batch.x, batch.y, batch.sample_weight)
    return Batch(
        *(
            map_structure(lambda it: None if it is None else it[chosen], part)
            for part in parts
        )
    )


def _rows_per_step(task: Task) -> int:
    rows = task.batch_size if task.arrays is None else len(task.arrays)
    return min(task.batch_size, rows)
