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

from ...core.errors import StopTraining
from ..backend.frameworks import tf
from ..backend.patches import Call
from ..backend.private_api import TRAINABLE_VARIABLES, is_taping
from ..backend.tensors import (
    current_graph,
    flatten,
    is_variable,
    stacked,
    variable_key,
)
from ..backend.user_frames import taken_at, user_frames
from .asked_variables import Asked
from .call_log import CallLog, GradientCall
from .custom_gradients import CustomGradients
from .followed_labels import are_followed
from .given_weights import GivenWeights
from .gradient_counts import GradientCounts
from .gradient_sums import GradientSums
from .layer_modes import LayerModes, training_of
from .loss_columns import data_loss_of, has_no_loss_object
from .loss_scaling import is_scaled, unscaled
from .moving_target import Makers
from .norms import after_reads, half_square_sums, plan_norms
from .optimizer_variables import build_outside
from .recording import Recording, TapeRecord
from .replicas import Replica, current_replica
from .restarts import join_restarted, may_be_restarted
from .ring_buffer import RingBuffer
from .running_sums import RunningSums
from .step_arguments import StepArguments
from .tapes import Tapes
from .threads import is_part_of, is_replica
from .traced_draws import TracedDraws
from .untracked import Untracked


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
        self.tapes = Tapes(keeps_data=keeps_data)
        self._calls = CallLog()

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

    def forget(self) -> None:
        """Forget all recordings, and everything that could lead to one."""
        for known in (
            self.recordings,
            self.tapes,
            self._calls,
            self._inner,
            self.asked,
            self.makers,
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
        return found + self.tapes.slots

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
            self.tapes.eager_rows.predicted(flatten(outputs))
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
            taken, in_xla = self._calls.take(target), self.xla_depth > 0
            self._look_at_step(tape, taken, frozenset(map(variable_key, variables)))
            taped = self.tapes.remember(tape, taken, variables, in_xla=in_xla)
            if has_no_loss_object(taped.lead):
                self._apart.update(map(variable_key, moving))
            if taped.scaler is not None:
                taped.scaled = frozenset(map(id, flatten(gradients)))
            self.gradients.add(taped, current_graph())
            self.sums.taken(flatten(gradients))
            self.running_sums.take(tf.nest.flatten(sources), tf.nest.flatten(gradients))
        return gradients

    def _look_at_step(
        self, tape: Any, taken: GradientCall, keys: frozenset[int]
    ) -> None:
        """Note what a step does beside its loss and its data."""
        graph = current_graph()
        self.makers.take(taken.models, taken.target, keys)
        self.weights.take(taken.leaves)
        if not tf.distribute.has_strategy():  # whose variables have copies
            self.untracked.take(tape, taken.models_in(graph), keys, graph)
            self.arguments.take(graph, taken.models, keys)

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
            lead = self.tapes.lead(recording, replica)
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
        self.tapes.pull()
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

    def _recording(
        self, optimizer: Any, variables: Sequence[Any], replica: Replica
    ) -> Recording:
        keys = [variable_key(it) for it in variables]
        for recording in self.recordings:
            if recording.optimizer is optimizer and keys == [
                variable_key(it) for it in recording.variables
            ]:
                return recording
        taped = self.tapes.of(variables, replica) or TapeRecord()
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
            recording.save_start()
            if may_be_restarted(self.recordings, keys):
                with tf.init_scope():
                    self._join_restarted()
            for earlier in self.recordings:
                earlier.keep_end(keys)
        self.recordings.append(recording)
        return recording

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
