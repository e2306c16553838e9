"""Record every optimizer update, and what is needed to score the training again.

The recorder does not judge. It keeps one `Recording` per optimizer and set of
variables, whatever training loop calls them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from ...core.errors import StopTraining
from ..backend.frameworks import tf
from ..backend.patches import Call
from ..backend.private_api import TRAINABLE_VARIABLES, KerasVariable, is_taping
from ..backend.snapshot import Snapshot
from ..backend.tensors import (
    current_graph,
    flatten,
    is_variable,
    own_variable,
    stacked,
    value_of,
    variable_key,
    variable_path,
)
from ..backend.user_frames import taken_at, user_frames
from .activated_twice import activated_twice_in_graph
from .asked_variables import Asked
from .call_log import CallLog
from .custom_gradients import CustomGradients
from .eager_rows import EagerRows
from .followed_labels import are_followed, loss_that_follows
from .given_weights import GivenWeights
from .gradient_counts import GradientCounts, never_applied
from .gradient_sums import GradientSums
from .kept_batches import keep_batch, pull_batch
from .layer_modes import LayerModes, training_of
from .loss_columns import NOTHING, data_loss_of, has_no_loss_object, lead_of
from .loss_scaling import is_scaled, unscaled
from .mixed_rows import mixed_rows_in_graph
from .moving_target import Makers
from .net_inputs import NetInputs
from .norms import after_reads, half_square_sums, plan_norms
from .optimizer_variables import build_outside
from .recording import LEAD, ModelAndLoss, Recording, TapeRecord
from .replicas import Replica, current_replica
from .restarts import join_restarted, may_be_restarted
from .ring_buffer import RingBuffer
from .running_sums import RunningSums
from .scored_loss import model_and_loss_of
from .softmax_over_rows import softmax_over_rows_in_graph
from .step_arguments import StepArguments
from .threads import is_part_of, is_replica
from .traced_draws import TracedDraws
from .untracked import Untracked

__all__ = ["Recorder", "reached"]


class Recorder:
    """An `Observer` that records trainings; see `observed`.

    Args:
        stop_on_nonfinite: Whether a non-finite loss raises `StopTraining`.
        keeps_data: Whether to keep batches and initial weights for the probe
            (the traced loops of this package have them already).
        most_rows: Most rows that graph steps may write before they are read.
        branches: Whether the recording may add branches to the graph.
        only_here: Whether to record only what the current thread trains.
        ignoring: Calls already running; trainings inside them are not recorded.
    """

    def __init__(
        self,
        *,
        stop_on_nonfinite: bool = True,
        keeps_data: bool = True,
        most_rows: int = 8192,
        branches: bool = True,
        only_here: bool = False,
        ignoring: Collection[FrameType] = (),
    ) -> None:
        self.recordings: list[Recording] = []
        self.asked = Asked()
        self.makers = Makers()
        self.net_inputs = NetInputs()
        self.modes = LayerModes()
        self._apart: set[int] = set()
        self._paused = 0
        self._only_in = threading.get_ident() if only_here else None
        self._ignoring = ignoring
        self.gradients = GradientCounts()
        self.sums = GradientSums()
        self.custom_gradients = CustomGradients()
        self.draws = TracedDraws()
        self.untracked = Untracked(self.recorded)
        self.weights = GivenWeights()
        self.arguments = StepArguments()
        self.running_sums = RunningSums()
        self.xla_depth = 0
        self._lost: set[int] = set()
        self.traces_in_vain: Callable[[], bool] = lambda: False
        self._inner: set[int] = set()
        self.stop_on_nonfinite = stop_on_nonfinite
        self._keeps_data = keeps_data
        self._most_rows = most_rows
        self._branches = branches
        self._has_arrays: set[int] = set()
        self._taped: dict[tuple[tuple[int, int], ...], TapeRecord] = {}
        self._taped_by_variable: dict[tuple[int, int], TapeRecord] = {}
        self._calls = CallLog()
        self.eager_rows = EagerRows()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Record nothing inside the block."""
        self._paused += 1
        try:
            yield
        finally:
            self._paused -= 1

    @property
    def enabled(self) -> bool:
        """Whether to record what the current thread trains now."""
        if self._paused or is_part_of(self._ignoring):
            return False
        return self._only_in in (None, threading.get_ident()) or is_replica()

    def close(self) -> None:
        """Release the frames of other threads' calls."""
        self._ignoring = ()

    def has_arrays(self, model: Any) -> None:
        """Keep no batches of ``model``, whose whole training data are known."""
        self._has_arrays.add(id(model))

    def forget(self) -> None:
        """Forget all recordings, and everything that could lead to one."""
        for known in (
            self.recordings,
            self._has_arrays,
            self._taped,
            self._taped_by_variable,
            self._calls,
            self.eager_rows,
            self._inner,
            self.asked,
            self.makers,
            self.net_inputs,
            self.modes,
            self._apart,
            self.gradients,
            self.sums,
            self.custom_gradients,
            self.draws,
            self.untracked,
            self.weights,
            self.arguments,
            self.running_sums,
            self._lost,
        ):
            known.clear()

    @property
    def trained(self) -> list[Recording]:
        """The recordings of trainings that made an update.

        A step that was traced and then raised when it ran has made none.
        """
        self._join_restarted()
        return [it for it in self.recordings if it.steps]

    def _join_restarted(self) -> None:
        for recording in self.recordings:
            recording.collect()
        join_restarted(self.recordings)

    def never_applied(self) -> list[TapeRecord]:
        """Return tapes of Keras models' variables that no recorded training updates."""
        return [*never_applied(self._taped.values(), self.trained)]

    @property
    def lost_updates(self) -> bool:
        """Whether some updates could not be recorded."""
        return bool(self._lost)

    def recorded(self) -> set[int]:
        """Return keys of the variables of all recordings and of all lost updates."""
        known = (it.variables for it in self.recordings)
        return self._lost.union(variable_key(it) for them in known for it in them)

    def own_variables(self) -> list[Any]:
        """Return the variables that the recorder itself writes."""
        buffers = [it.buffer for it in self.recordings if it.buffer is not None]
        found = [variable for buffer in buffers for variable in buffer.variables]
        return found + [it.slot for it in self._taped.values() if it.slot is not None]

    # Methods of the observer

    def on_model(self, call: Call, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Remember the outermost model's inputs and outputs."""
        __tracebackhide__ = True
        with self._calls.outermost("model") as outermost:
            if outermost:
                with self.modes.under((model, args, kwargs)):
                    outputs = call(model, *args, **kwargs)
            else:
                outputs = call(model, *args, **kwargs)
        if outermost and args:
            taping = is_taping()
            self.eager_rows.predicted(flatten(outputs))
            self._calls.add(self._calls.models, (model, args[0], outputs, taping))
            if not taping and self.enabled:
                self._made(model, args[0])
        return outputs

    @contextmanager
    def running(self, function: Any, arguments: Any) -> Iterator[None]:
        """Count what the run of a compiled function does, as its trace showed."""
        makers = self.makers.running(function, arguments)
        draws = self.draws.running(function, lambda: self.traces_in_vain())
        with self.gradients.counting(function), makers, draws:
            yield

    def _made(self, model: Any, inputs: Any) -> None:
        """Note a model call without a tape, made now or at each run of the trace."""
        if current_graph() is None:
            self.makers.made(model, inputs)
        else:
            self.makers.traced(model)

    def on_layer(self, call: Call, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Remember the mode in which a layer was called."""
        __tracebackhide__ = True
        training = training_of(args, kwargs)
        if not self.modes.is_known(layer, training) and self.enabled:
            self.modes.add(layer, training)
        return call(layer, *args, **kwargs)

    def on_loss(self, call: Call, loss: Any, *args: Any, **kwargs: Any) -> Any:
        """Remember the outermost loss object's arguments and value."""
        __tracebackhide__ = True
        with self._calls.outermost("loss") as outermost:
            value = call(loss, *args, **kwargs)
        if outermost:
            names = ("y_true", "y_pred", "sample_weight")
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            labels = (given.get(name) for name in names)
            self._follow(loss, given, value)
            self._calls.add(self._calls.losses, (loss, *labels, value))
        return value

    def _follow(self, loss: Any, given: dict[str, Any], value: Any) -> None:
        """Remember a loss if gradients flow through its labels to the model."""
        if is_taping():
            labels, outputs = given.get("y_true"), given.get("y_pred")
            if are_followed(loss, labels, outputs, self._calls.models):
                self._calls.followed.append(value)

    def on_scale(self, call: Call, optimizer: Any, loss: Any) -> Any:
        """Remember the loss from before an optimizer scaled it."""
        __tracebackhide__ = True
        scaled = call(optimizer, loss)
        if scaled is not loss:
            self._calls.add(self._calls.scaled, (scaled, loss, optimizer))
        return scaled

    def on_gradient(
        self,
        call: Call,
        tape: Any,
        target: Any,
        sources: Any,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Remember the loss behind gradients with respect to variables."""
        __tracebackhide__ = True
        gradients = call(tape, target, sources, *args, **kwargs)
        variables = [leaf for leaf in flatten(sources) if is_variable(leaf)]
        if self.enabled and variables:
            self.asked.check_loose(self.recorded)
            moving = reached(sources, gradients)
            self.asked.add(moving, taken_at)
            taped = self._remember(tape, target, variables)
            if has_no_loss_object(taped.lead):
                self._apart.update(map(variable_key, moving))
            if taped.scaler is not None:
                taped.scaled = frozenset(map(id, flatten(gradients)))
            self.gradients.add(taped, current_graph())
            self.sums.taken(flatten(gradients))
            self.running_sums.take(tf.nest.flatten(sources), tf.nest.flatten(gradients))
        return gradients

    def on_custom_gradient(
        self, call: Call, function: Any, args: Any, kwargs: Any
    ) -> Any:
        """Remember a function with a custom gradient."""
        __tracebackhide__ = True
        if self.enabled and is_taping():
            self.custom_gradients.add(function, args, kwargs)
        return call(function, args, kwargs)

    def on_draw(self, name: str) -> None:
        """Remember a random number that is drawn while TensorFlow traces."""
        if self.enabled:
            self.draws.add(name)

    def on_add(self, call: Call, variable: Any, *args: Any, **kwargs: Any) -> Any:
        """Remember a value, perhaps a gradient, that is added to a variable."""
        __tracebackhide__ = True
        if self.enabled:
            self.sums.added(variable, args[0] if args else kwargs.get("delta"))
        return call(variable, *args, **kwargs)

    def on_write(self, call: Call, variable: Any, *args: Any, **kwargs: Any) -> Any:
        """Remember that a variable is written other than by adding to it."""
        __tracebackhide__ = True
        if self.enabled:
            self.sums.written(variable)
        return call(variable, *args, **kwargs)

    def on_apply(
        self,
        call: Call,
        optimizer: Any,
        grads: Any,
        trainable_variables: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Record the update: one row of loss and norms."""
        __tracebackhide__ = True
        with self._calls.outermost("apply") as outermost:
            if not outermost or not self.enabled or id(optimizer) in self._inner:
                return call(optimizer, grads, trainable_variables, *args, **kwargs)
            if hasattr(optimizer, "inner_optimizer"):
                self._inner.add(id(optimizer.inner_optimizer))
            grads = list(grads)
            if trainable_variables is None:
                variables = list(getattr(optimizer, TRAINABLE_VARIABLES))
            else:
                variables = trainable_variables = list(trainable_variables)
            replica = current_replica()
            if replica is None:
                self._lost.update(map(variable_key, variables))
                return call(optimizer, grads, trainable_variables, *args, **kwargs)
            recording = self._recording(optimizer, variables, replica)
            lead = self._lead(recording, replica)
            recording.sums = self.sums.applied(grads)
            if current_graph() is not None:
                self.draws.updated()
            recording.grows = self.running_sums.apply(variables, grads)
            recording.never_unscaled |= is_scaled(grads, optimizer, recording.taped)
            plain = replica.total(unscaled(grads, optimizer))
            xla = self.xla_depth > 0
            plans = [
                plan_norms(variable, gradient, xla=xla)
                for variable, gradient in zip(variables, plain, strict=True)
            ]
            before = [it.moved.of(it.value()) for it in plans]
            grads = after_reads(grads, plans, before)
            was_built = optimizer.built
            build_outside(optimizer, variables)
            result = call(optimizer, grads, trainable_variables, *args, **kwargs)
            if not was_built and self.traces_in_vain():
                return result  # another trace follows, which is the one that runs
            with self.paused():
                halves = half_square_sums(
                    plans, before, xla=xla, branches=self._branches
                )
            row = tf.concat([stacked(lead), halves], axis=0)
            weights = halves[len(plans) : 2 * len(plans)]
            # Once a loss or a weight is not finite, the training cannot recover.
            good = tf.math.is_finite(lead[1] + tf.reduce_sum(weights))
            recording.last_loss = data_loss_of(lead)
            if replica.index == 0:
                self._emit(recording, row, good)
            return result

    def after_call(self) -> None:
        """Read what graph steps wrote; call after each outermost function call.

        Raises:
            StopTraining: A loss or a weight was not finite.
        """
        self.asked.check_loose(self.recorded)
        for taped in self._taped.values():
            pull_batch(taped)
        for recording in self.recordings:
            if recording.buffer is None:
                continue
            unread, bad = recording.buffer.peek()
            if unread and unread != recording.unread:
                recording.ended = time.perf_counter()
                recording.asked_by_last = recording.taped.asked
            recording.unread = unread
            if unread > recording.buffer.capacity // 2:
                recording.collect()
            if bad and self.stop_on_nonfinite:
                raise StopTraining

    # Storage

    def _remember(self, tape: Any, target: Any, sources: list[Any]) -> TapeRecord:
        replica = current_replica() or Replica()
        keys = tuple((replica.index, variable_key(it)) for it in sources)
        taped = self._taped.get(keys)
        if taped is None:
            taped = self._taped[keys] = TapeRecord(
                keys=frozenset(key for _, key in keys),
                where=variable_path(sources[0]),
                is_of_model=all(isinstance(it, KerasVariable) for it in sources),
            )
        self._taped_by_variable.update(dict.fromkeys(keys, taped))
        graph = current_graph()
        taken = self._calls.take(target)
        self.makers.take(taken.models, target, taped.keys)
        self.weights.take(taken.leaves)
        losses = [it for it in taken.losses if _belongs(it[-1], graph)]
        losses = [it for it in losses if it[-1] is taken.leaves[0]] or losses
        calls = [it for it in taken.models if _belongs(it[2], graph)]
        if not tf.distribute.has_strategy():  # whose variables have copies
            self.untracked.take(tape, calls, taped.keys, graph)
            self.arguments.take(graph, taken.models, taped.keys)
        taped.follows = loss_that_follows(losses, taken.followed)
        taped.uses = taped.uses or _uses(tape, taken.models)
        taped.graph = graph
        taped.scaler = taken.scaler or taped.scaler
        taped.lead = lead_of(taken.leaves, [it[-1] for it in losses], replica.count)
        self._look_at_rows(taped, taken.leaves, taken.models)
        if graph is not None and self._keeps_data:
            self._write_slot(taped)
        found = model_and_loss_of(losses, calls)
        if isinstance(found, str):
            taped.unscored = found
            self.net_inputs.take(taken.models, target, taped.keys)
            if replica.index == 0 and self._keeps_data:
                self._keep_inputs(taped, calls)
            return taped
        if replica.index > 0:
            return taped
        taped.model_and_loss, batch = found
        if self._keeps_data and id(taped.model_and_loss.model) not in self._has_arrays:
            keep_batch(taped, batch, counts=True, in_xla=self.xla_depth > 0)
        return taped

    def _look_at_rows(
        self, taped: TapeRecord, leaves: list[Any], calls: list[Any]
    ) -> None:
        """Note operations by which the loss of a step mixes rows, or takes a softmax or
        sigmoid twice.
        """
        if taped.graph is None:
            taped.mixed_rows = taped.mixed_rows or self.eager_rows.behind(leaves)
            taped.twice = taped.twice or self.eager_rows.twice_behind(leaves)
            return
        taped.twice = activated_twice_in_graph(leaves)
        made = {id(leaf) for call in calls for leaf in flatten(call[2])}
        found = (
            look(it, made)
            for it in leaves
            if hasattr(it, "op")
            for look in (mixed_rows_in_graph, softmax_over_rows_in_graph)
        )
        taped.mixed_rows = next((it for it in found if it is not None), None)

    def _write_slot(self, taped: TapeRecord) -> None:
        """Store the loss in a variable, for an update in another graph."""
        if taped.slot is None:
            taped.slot = own_variable(np.zeros(LEAD))
        taped.slot.assign(stacked(taped.lead), read_value=False)

    def _keep_inputs(self, taped: TapeRecord, calls: list[Any]) -> None:
        """Keep the inputs of the first model that gradients are taken of."""
        for model, inputs, *_ in calls:
            if not taped.keys.isdisjoint(map(variable_key, model.variables)):
                called = taped.called = taped.called or TapeRecord()
                called.graph = taped.graph
                called.model_and_loss = ModelAndLoss(model, None)
                keep_batch(
                    *(called, (inputs, None, None)),
                    counts=False,
                    in_xla=self.xla_depth > 0,
                )
                return

    def _recording(
        self, optimizer: Any, variables: Sequence[Any], replica: Replica
    ) -> Recording:
        keys = [variable_key(it) for it in variables]
        for recording in self.recordings:
            if recording.optimizer is optimizer and keys == [
                variable_key(it) for it in recording.variables
            ]:
                return recording
        taped = self._taped_of(variables, replica) or TapeRecord()
        recording = Recording(
            optimizer=optimizer,
            variables=list(variables),
            taped=taped,
            frames=user_frames(),
            replicas=replica.count,
            modes=self.modes,
            never_reset=self.sums.never_reset,
            custom_gradients=self.custom_gradients,
            draws=self.draws,
            untracked=self.untracked.of,
            apart=self._apart,
        )
        if taped.model_and_loss is not None:
            recording.model = taped.model_and_loss.model
        if self._keeps_data:
            recording.start = _first_state(recording)
            if may_be_restarted(self.recordings, keys):
                with tf.init_scope():
                    self._join_restarted()
            for earlier in self.recordings:
                _keep_end(earlier, keys)
        self.recordings.append(recording)
        return recording

    def _taped_of(
        self, variables: Sequence[Any], replica: Replica
    ) -> TapeRecord | None:
        """Return the last tape of one of the variables, or None."""
        keys = ((replica.index, variable_key(it)) for it in variables)
        tapes = (self._taped_by_variable.get(key) for key in keys)
        return next((it for it in tapes if it is not None), None)

    def _lead(self, recording: Recording, replica: Replica) -> list[Any]:
        """Return what was seen of the current update, its loss and its data loss."""
        taped = self._taped_of(recording.variables, replica)
        if taped is None:
            return [NOTHING] * LEAD
        if replica.index == 0:
            recording.taped = taped
        if taped.graph is current_graph():
            seen, *losses = taped.lead
        elif taped.slot is None:
            return [NOTHING] * LEAD
        else:
            seen, *losses = tf.unstack(value_of(taped.slot))
        return [seen, *replica.total(losses)]

    def _emit(self, recording: Recording, row: Any, good: Any) -> None:
        if current_graph() is not None:
            if recording.buffer is None:
                recording.buffer = RingBuffer(recording.width, self._most_rows)
            recording.buffer.write(row, good if self.stop_on_nonfinite else None)
            recording.last_good = good
            return
        recording.collect()
        values = row.numpy()
        recording.add(values[None])
        recording.asked_by_last = recording.taped.asked
        if self.stop_on_nonfinite and not bool(good):
            raise StopTraining


def reached(sources: Any, gradients: Any) -> list[Any]:
    """Return the variables among the sources that a gradient reaches."""
    pairs = zip(tf.nest.flatten(sources), tf.nest.flatten(gradients), strict=True)
    return [it for it, slope in pairs if slope is not None and is_variable(it)]


def _belongs(value: Any, graph: Any) -> bool:
    """Whether the first leaf of a value was made in ``graph`` (None: eagerly)."""
    leaves = flatten(value)
    if not leaves or not tf.is_tensor(leaves[0]):
        return False
    eager = hasattr(leaves[0], "numpy")
    return eager if graph is None else not eager and leaves[0].graph is graph


def _uses(tape: Any, calls: list[Any]) -> frozenset[int]:
    """Return keys of the variables that a loss depends on.

    They were read under the tape, or belong to a model that was called.
    """
    models = (variable for call in calls for variable in call[0].variables)
    return frozenset(map(variable_key, (*models, *tape.watched_variables())))


def _keep_end(earlier: Recording, keys: Sequence[int]) -> None:
    """Save the weights of an earlier training before another one updates them."""
    if earlier.model is None:
        return
    weights = earlier.model.variables
    if not set(keys).isdisjoint(map(variable_key, weights)):
        with tf.init_scope():
            earlier.collect()
        if earlier.end_state is None:  # else another training changed them already
            earlier.end = earlier.steps, Snapshot(weights)


def _first_state(recording: Recording) -> Snapshot | None:
    """Save the weights before the first update, and the optimizer's scalars.

    Scalars are, for example, the learning rate. None if the variables have no values
    yet.
    """
    model_variables = recording.model.variables if recording.model is not None else ()
    numbers = (it for it in recording.optimizer.variables if not len(it.shape))
    try:
        start = Snapshot([*recording.variables, *model_variables, *numbers])
        return start if start.is_whole else None
    except (tf.errors.FailedPreconditionError, ValueError, AttributeError):
        return None
