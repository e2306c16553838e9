"""Watches every training inside a block of code and turns each into a trace."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Any

from ...core.collapse import Spread
from ...core.errors import CannotChange
from ...core.findings import Finding
from ...core.step_facts import IgnoredArgument
from ...core.trace import Trace
from ...judge.updates import nothing_trainable
from ..backend.data import Fitted, is_dataset
from ..backend.frameworks import keras, tf
from ..backend.patches import Call, observed, observed_draws, owner_of, replaced
from ..backend.private_api import (
    CUSTOM_GRADIENT_CALLS,
    ConcreteFunction,
    ResourceVariable,
    custom_gradients,
)
from ..backend.snapshot import preserved_seeds
from ..backend.tensors import variable_key
from ..record.adversarial import is_adversarial
from ..record.moving_target import learns_from_a_moving_model
from ..record.recorder import Recorder
from ..record.recording import Recording
from ..score.collapse import spreads_of_nets
from ..score.ignored_arguments import ignored_arguments
from ..score.trace_builder import batch_size_of, watched_trace
from ..score.uncounted import NOT_ASKED, Counted, counted_in_calls, counted_in_fit
from .compiled_functions import CompiledFunctions
from .fit_calls import FitCalls, rows_of_fit
from .unrecorded import Unrecorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything known about one watched training.

    Attributes:
        recording: The recorded steps.
        fitted: The whole training data; None if they were not given as arrays.
        seed: Seed in force during the training; None if there was none.
        batch_size: Rows per step; None if unknown.
        epochs: The ``epochs`` given to ``fit``; None if ``fit`` did not train.
        stopped: Whether the training was stopped before its last step.
        contested: Whether another training works against this one, as in a GAN.
        unread: Dataset given to ``fit`` some rows of which no epoch reached, else None.
    """

    recording: Recording
    fitted: Fitted | None
    seed: int | None
    batch_size: int | None
    epochs: int | None
    stopped: bool
    contested: bool
    unread: Any = None


class Watch:
    """The trainings seen inside a `watching` block.

    Attributes:
        recorder: Recorder that holds one recording per training.
        fits: The ``fit`` calls.
        functions: The compiled functions that were called.
        unrecorded: Trainings that the recorder could not see.
    """

    def __init__(self, recorder: Recorder, seed: int | None) -> None:
        self.recorder = recorder
        self.fits = FitCalls(recorder)
        self.unrecorded = Unrecorded(recorder)
        self.functions = CompiledFunctions(recorder, self.unrecorded.note)
        self._seed = seed
        self._traces: dict[int, Trace] = {}

    def paused(self) -> AbstractContextManager[None]:
        """Record nothing inside the block."""
        return self.recorder.paused()

    def forget(self) -> None:
        """Discard everything seen so far.

        Traced functions are discarded too: those still in use are traced again, and
        models that are no longer in use can be freed.
        """
        self.recorder.forget()
        for known in (self.fits, self.unrecorded, self.functions, self._traces):
            known.clear()

    def traces(self) -> list[Trace]:
        """Return one trace per training seen so far, in order."""
        with self.paused(), preserved_seeds():
            trained = self.recordings
            for recording in trained:
                if id(recording) not in self._traces:
                    self._traces[id(recording)] = self._trace(recording)
        return [self._traces[id(it)] for it in trained]

    def with_draws_of(self, data: Any, trace: Trace) -> Trace:
        """Return a trace with the random numbers that functions of datasets drew once.

        Args:
            data: The data that ``lossguard.fit`` was given.
            trace: The trace of its training.
        """
        if trace.step is None or not is_dataset(data):
            return trace
        drawn = (it for it in self.recorder.draws.found() if it.in_dataset)
        draws = (*trace.step.traced_draws, *drawn)
        return replace(trace, step=replace(trace.step, traced_draws=draws))

    @property
    def recordings(self) -> list[Recording]:
        """The trainings seen so far."""
        return self.recorder.trained

    def missed(self) -> list[Finding]:
        """Return findings for trainings that were not recorded or could not train."""
        frozen = (nothing_trainable(name, by) for name, by in self.fits.frozen.items())
        return [*self.unrecorded.findings(), *frozen]

    @property
    def unseen(self) -> list[str]:
        """Sentences about trainings that ran but could not be recorded."""
        return self.unrecorded.sentences

    def why_nothing_trained(self) -> str:
        """Explain in one sentence why a test made no optimizer update."""
        return self.unrecorded.why_nothing_trained()

    def seen(self, recording: Recording) -> Seen:
        """Return all that is needed to rerun one of the trainings.

        Raises:
            CannotChange: The training was forgotten, together with its data.
        """
        known = zip(self.recordings, self.traces(), strict=True)
        trace = next((trace for it, trace in known if it is recording), None)
        if trace is None:
            raise CannotChange("its data are gone: another example of the search ran")
        feed = self.fits.feeds.only((id(recording.model), id(recording.optimizer)))
        unseen = None if trace.data_facts is None else trace.data_facts.unseen
        return Seen(
            unread=None if feed is None or unseen is None else feed.given,
            recording=recording,
            fitted=self.fits.data_of(recording),
            seed=self._seed,
            batch_size=trace.batch_size,
            epochs=self.fits.epochs_asked.get(id(recording.model)),
            stopped=trace.stopped is not None,
            contested=trace.contested,
        )

    def _trace(self, recording: Recording) -> Trace:
        contested = is_adversarial(recording, self.recordings)
        moving_target = learns_from_a_moving_model(
            recording, self.recorder.makers, self.recordings
        )
        left_out = self.recorder.weights.left_out(recording.variables)
        alone = not (contested or moving_target)
        trace = watched_trace(
            recording,
            contested=contested,
            moving_target=moving_target,
            seed=self._seed,
            data=self.fits.data_of(recording),
            is_one_call=self.fits.is_one_call(recording),
            validation=self.fits.validation_of(recording),
            held_out=self.fits.held_out_of(recording),
            steps_per_epoch=self.fits.steps_per_epoch(recording),
            fed=self.fits.fed(recording),
            weights_left_out=left_out,
            counted=self._counted(recording) if alone else NOT_ASKED,
        )
        trace = replace(trace, spreads=self._spreads(recording, trace))
        ignored = self._ignored(recording)
        if ignored and trace.step is not None:
            trace = replace(trace, step=replace(trace.step, ignored=ignored))
        if trace.held_out is not None:
            agreed = self.fits.agreement_of(recording)
            trace = replace(trace, held_out=replace(trace.held_out, agreement=agreed))
        return (
            trace if self.recorder.stop_on_nonfinite else replace(trace, stopped=None)
        )

    def _counted(self, recording: Recording) -> Counted:
        """Check whether labels that must not count change the update of a step."""
        trained = set(map(variable_key, recording.variables))
        for model, given in self.fits.given.values():
            if trained.issubset(map(variable_key, model.variables)):
                fitted = given if isinstance(given, Fitted) else None
                return counted_in_fit(
                    model,
                    partial(rows_of_fit, given),
                    recording.variables,
                    trained=recording.steps * (batch_size_of(recording, fitted) or 1),
                    start=recording.start,
                )
        return counted_in_calls(recording, [*self.recorder.makers.steps.values()])

    def _ignored(self, recording: Recording) -> tuple[IgnoredArgument, ...]:
        """Return the arguments that the step of a training does not use."""
        of_fit = self.fits.given.get(id(recording.called_model))
        return ignored_arguments(
            recording,
            self.recorder.arguments,
            self.recorder.makers.steps.values(),
            lambda: None if of_fit is None else rows_of_fit(of_fit[1]),
        )

    def _spreads(self, recording: Recording, trace: Trace) -> tuple[Spread, ...]:
        """Return the spreads of a training's nets; none if others moved them since."""
        if trace.moving_target or recording.end_state is not None:
            return ()
        by = (
            it
            for key, it in self.fits.fitted.items()
            if key[1] == id(recording.optimizer)
        )
        fitted = self.fits.data_of(recording) or next(by, None)
        return spreads_of_nets(
            recording,
            self.recorder.tapes.net_inputs,
            [self.recorder.makers.arguments, fitted and fitted.data.x],
            contested=trace.contested,
        )

    # Hooks in addition to those of the recorder

    def on_tape_opened(self, call: Call, tape: Any) -> Any:
        """Hook on entering a `tf.GradientTape`: observe the eager operations in it."""
        __tracebackhide__ = True
        opened = call(tape)
        if self.recorder.enabled and tf.executing_eagerly():
            self.recorder.tapes.eager_rows.opened()
        return opened

    def on_tape_closed(self, call: Call, tape: Any, *why: Any) -> Any:
        """Hook on leaving a `tf.GradientTape`."""
        __tracebackhide__ = True
        if tf.executing_eagerly():
            self.recorder.tapes.eager_rows.closed()
        return call(tape, *why)


@contextmanager
def watching(
    *,
    seed: int | None = None,
    stop_on_nonfinite: bool = True,
    only_here: bool = False,
    ignoring: Collection[FrameType] = (),
) -> Iterator[Watch]:
    """Watch every training inside the block.

    Args:
        seed: Seed in force, stored in the traces; None if there is none.
        stop_on_nonfinite: Whether a non-finite loss ends the block by `StopTraining`.
        only_here: Whether to record only what the current thread trains.
        ignoring: Calls of other threads that were running before; trainings inside
            them are not recorded.

    Yields:
        The watch. Its traces are complete once the block has ended.
    """
    recorder = Recorder(
        stop_on_nonfinite=stop_on_nonfinite, only_here=only_here, ignoring=ignoring
    )
    watch = Watch(recorder, seed)
    function = type(tf.function(lambda: None, autograph=False))
    with ExitStack() as patches:
        put = patches.enter_context
        put(observed(watch.recorder))
        put(observed_draws(watch.recorder.on_draw))
        for owner, name, hook in (
            (keras.Model, "fit", watch.fits.on_fit),
            (keras.Model, "predict", watch.fits.on_predict),
            (keras.Model, "train_on_batch", watch.fits.on_train_on_batch),
            (keras.layers.RNN, "reset_state", watch.fits.on_reset),
            (keras.Model, "set_weights", watch.unrecorded.on_giving),
            (keras.Model, "load_weights", watch.unrecorded.on_giving),
            (tf.train.Checkpoint, "restore", watch.unrecorded.on_giving),
            (tf.train.Checkpoint, "read", watch.unrecorded.on_giving),
            (
                tf.compat.v1.train.Optimizer,
                "apply_gradients",
                watch.unrecorded.on_v1_update,
            ),
            (tf.compat.v1.Session, "run", watch.unrecorded.on_session),
        ):
            put(replaced(owner_of(owner, name), name, hook))
        put(replaced(tf.GradientTape, "__enter__", watch.on_tape_opened))
        put(replaced(tf.GradientTape, "__exit__", watch.on_tape_closed))
        put(
            replaced(
                owner_of(tf.data.Dataset, "__iter__"), "__iter__", watch.fits.on_iter
            )
        )
        put(replaced(tf, "gradients", watch.unrecorded.on_gradients))
        for name, instead in (
            ("assign_add", recorder.on_add),
            ("assign", recorder.on_write),
            ("assign_sub", recorder.on_write),
        ):
            put(replaced(owner_of(ResourceVariable, name), name, instead))
        for name in CUSTOM_GRADIENT_CALLS:
            put(replaced(custom_gradients, name, recorder.on_custom_gradient))
        put(replaced(function, "__call__", watch.functions.on_function))
        put(
            replaced(function, "get_concrete_function", watch.functions.on_get_concrete)
        )
        put(
            replaced(
                owner_of(ConcreteFunction, "__call__"),
                "__call__",
                watch.functions.on_concrete,
            )
        )
        put(closing(recorder))
        yield watch
