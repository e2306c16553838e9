"""Watches every training inside a block of code and turns each into a trace."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Any

from ..core.coded_labels import Agreement
from ..core.collapse import Spread
from ..core.data_facts import DataFacts
from ..core.errors import CannotChange, StopTraining
from ..core.findings import Finding
from ..core.step_facts import IgnoredArgument
from ..core.trace import Trace, Validation
from ..judge.step import never_applied, nothing_trainable
from .backend.batch import Batch
from .backend.concrete_functions import (
    function_name,
    step_counters,
    takes_gradients,
    variables_of,
)
from .backend.data import (
    ArrayData,
    Fitted,
    as_arrays,
    held_out_arrays,
    is_dataset,
    joined,
)
from .backend.dataset_facts import facts_of_dataset
from .backend.frameworks import is_of_keras, keras, tf
from .backend.patches import Call, observed, observed_draws, owner_of, replaced
from .backend.private_api import (
    CUSTOM_GRADIENT_CALLS,
    JIT_COMPILE,
    ConcreteFunction,
    ResourceVariable,
    custom_gradients,
    end_epoch,
    learning_rate_of,
)
from .backend.reread import rows_once_more
from .backend.snapshot import preserved_seeds
from .backend.tensors import is_variable, value_of, variable_key
from .backend.user_frames import clear_framework_frames, taken_at
from .record.adversarial import is_adversarial
from .record.feeds import Feed, Feeds
from .record.function_clones import FunctionClones
from .record.moving_target import learns_from_a_moving_model
from .record.recorder import Recorder, reached
from .record.recording import Recording
from .record.shuffled_predictions import ShuffledPredictions
from .score.coded_labels import agreement_of_model
from .score.collapse import spreads_of_nets
from .score.data_facts import with_what_came_again
from .score.held_out_loss import HeldOutLoss, penalty_of_weights
from .score.ignored_arguments import ignored_arguments
from .score.shuffled_graph import shuffled_graph
from .score.shuffled_state import shuffled_state
from .score.trace_builder import batch_size_of, watched_trace
from .score.uncounted import NOT_ASKED, Counted, counted_in_calls, counted_in_fit

__all__ = ["Seen", "Watch", "watching"]

#: Why a compiled step may never apply the gradients that it computes.
_IN_TRACES = (
    "; in a tf.function an `if` on a Python number or attribute is evaluated only once,"
    " during tracing: count in a tf.Variable, for example to apply every fourth step"
)


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
    """

    def __init__(self, recorder: Recorder, seed: int | None) -> None:
        self.recorder = recorder
        self._unseen: list[str] = []
        self._frozen: dict[str, str] = {}
        self._compiled: dict[int, Any] = {}
        self._seed = seed
        self._fitted: dict[tuple[int, int], Fitted] = {}
        self._held_out: dict[tuple[int, int], Any] = {}
        self._fits: dict[int, int] = {}
        self._asked: dict[int, int] = {}
        self._fit_by: dict[int, tuple[Any, Any]] = {}
        self._validation: dict[int, list[tuple[int, float]]] = {}
        self._epochs: dict[int, int] = {}
        self._resets: Counter[int] = Counter()
        self._agreements: dict[int, Agreement | None] = {}
        self._traces: dict[int, Trace] = {}
        self._clones = FunctionClones()
        self._feeds = Feeds()
        self._predictions = ShuffledPredictions()
        self.recorder.traces_in_vain = self._clones.made_variables

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Record nothing inside the block."""
        with self.recorder.paused():
            yield

    def forget(self) -> None:
        """Discard everything seen so far.

        Traced functions are discarded too: those still in use are traced again, and
        models that are no longer in use can be freed.
        """
        self.recorder.forget()
        for known in (
            self._unseen,
            self._frozen,
            self._compiled,
            self._fitted,
            self._held_out,
            self._fits,
            self._asked,
            self._fit_by,
            self._validation,
            self._epochs,
            self._resets,
            self._agreements,
            self._traces,
            self._clones,
            self._feeds,
            self._predictions,
        ):
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
        frozen = (nothing_trainable(name, by) for name, by in self._frozen.items())
        unseen = self.recorder.asked.found(self.recorder.recorded())
        return [*unseen, *([] if unseen else self._never_applied()), *frozen]

    def _never_applied(self) -> Iterator[Finding]:
        """Yield findings for gradients that are taken repeatedly and never applied.

        Only if another training of the block made an update.
        """
        if self.recorder.trained:
            for taped in self.recorder.never_applied():
                yield from never_applied(taped.asked, taped.where)

    @property
    def unseen(self) -> list[str]:
        """Sentences about trainings that ran but could not be recorded."""
        if not self.recorder.lost_updates:
            return self._unseen
        return [
            *self._unseen,
            "updates under a tf.distribute strategy that traces one step for all"
            " replicas could not be recorded: train without it in this test, or under"
            " a MirroredStrategy",
        ]

    def seen(self, recording: Recording) -> Seen:
        """Return all that is needed to rerun one of the trainings.

        Raises:
            CannotChange: The training was forgotten, together with its data.
        """
        known = zip(self.recordings, self.traces(), strict=True)
        trace = next((trace for it, trace in known if it is recording), None)
        if trace is None:
            raise CannotChange("its data are gone: another example of the search ran")
        feed = self._feeds.only((id(recording.model), id(recording.optimizer)))
        unseen = None if trace.data_facts is None else trace.data_facts.unseen
        return Seen(
            unread=None if feed is None or unseen is None else feed.given,
            recording=recording,
            fitted=self._data_of(recording),
            seed=self._seed,
            batch_size=trace.batch_size,
            epochs=self._asked.get(id(recording.model)),
            stopped=trace.stopped is not None,
            contested=trace.contested,
        )

    def why_nothing_trained(self) -> str:
        """Explain in one sentence why a test made no optimizer update."""
        nothing = "the test is marked converges and trained nothing"
        taken = self.recorder.gradients.total
        in_graphs = self.recorder.gradients.in_graphs
        unseen = self.recorder.asked.found(self.recorder.recorded())
        if unseen:
            return f"{nothing} that was recorded: {unseen[0].message}"
        if self.recorder.recordings and not taken:
            return (
                f"{nothing}: a training step was compiled, but none of its runs reached"
                " the optimizer's update"
            )
        if taken or in_graphs:
            times = "once" if taken <= 1 else f"{taken} times"
            return (
                f"{nothing}: gradients were computed {times} and never applied; apply"
                " them, as keras.optimizers.SGD(rate).apply(gradients, variables)"
                f"{_IN_TRACES if in_graphs else ''}"
            )
        return (
            f"{nothing}: no optimizer update was seen in it or in the set-up of its"
            " fixtures; call model.fit, lossguard.fit or your own training in one of"
            " them (a training at import or in another process is not seen), or remove"
            " the marker"
        )

    def _trace(self, recording: Recording) -> Trace:
        key = id(recording.optimizer)
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
            data=self._data_of(recording),
            is_one_call=self._fits.get(id(recording.model)) == 1,
            validation=None if recording.restarts else self._validation_of(key),
            held_out=self._held_out_of((id(recording.model), key)),
            steps_per_epoch=self._steps_per_epoch(recording, key),
            fed=self._fed(recording),
            weights_left_out=left_out,
            counted=self._counted(recording) if alone else NOT_ASKED,
        )
        trace = replace(trace, spreads=self._spreads(recording, trace))
        ignored = self._ignored(recording)
        if ignored and trace.step is not None:
            trace = replace(trace, step=replace(trace.step, ignored=ignored))
        if trace.held_out is not None:
            agreed = self._agreements.get(key)
            trace = replace(trace, held_out=replace(trace.held_out, agreement=agreed))
        return (
            trace if self.recorder.stop_on_nonfinite else replace(trace, stopped=None)
        )

    def _counted(self, recording: Recording) -> Counted:
        """Check whether labels that must not count change the update of a step."""
        trained = set(map(variable_key, recording.variables))
        for model, given in self._fit_by.values():
            if trained.issubset(map(variable_key, model.variables)):
                fitted = given if isinstance(given, Fitted) else None
                return counted_in_fit(
                    model,
                    partial(self._rows_of_fit, given),
                    recording.variables,
                    trained=recording.steps * (batch_size_of(recording, fitted) or 1),
                    start=recording.start,
                )
        return counted_in_calls(recording, [*self.recorder.makers.steps.values()])

    def _ignored(self, recording: Recording) -> tuple[IgnoredArgument, ...]:
        """Return the arguments that the step of a training does not use."""
        of_fit = self._fit_by.get(id(recording.called_model))
        return ignored_arguments(
            recording,
            self.recorder.arguments,
            self.recorder.makers.steps.values(),
            lambda: None if of_fit is None else self._rows_of_fit(of_fit[1]),
        )

    def _rows_of_fit(self, given: Any) -> Batch | None:
        """Return some rows that a ``fit`` call was given, with labels and weights."""
        if isinstance(given, Fitted):
            return given.first
        rows = rows_once_more(given) if is_dataset(given) else None
        return None if rows is None else rows.probe()

    def _spreads(self, recording: Recording, trace: Trace) -> tuple[Spread, ...]:
        """Return the spreads of a training's nets; none if others moved them since."""
        if trace.moving_target or recording.end_state is not None:
            return ()
        by = (
            it for key, it in self._fitted.items() if key[1] == id(recording.optimizer)
        )
        fitted = self._data_of(recording) or next(by, None)
        return spreads_of_nets(
            recording,
            self.recorder.net_inputs,
            [self.recorder.makers.arguments, fitted and fitted.data.x],
            contested=trace.contested,
        )

    def _fed(self, recording: Recording) -> DataFacts:
        """Return the facts about how the rows of a recording were fed."""
        key = id(recording.model), id(recording.optimizer)
        feed, taped = self._feeds.only(key), recording.taped
        recording.collect()
        batches = [*taped.batches, *taped.late]
        given = None if feed is None else feed.given
        epochs = 0 if feed is None else len(feed.ended)
        fed = replace(
            facts_of_dataset(given, recording.model, epochs),
            repeated=self._feeds.repeated(key, batches, recording.steps),
            unseen=None if feed is None else feed.unseen(taped.batches),
            shuffled_inputs=self._predictions.fed(key),
            shuffled_graph=shuffled_graph(self._fitted.get(key), recording.model),
            shuffled_state=shuffled_state(
                recording, self._fitted.get(key, given), self._resets
            ),
        )
        return with_what_came_again(fed, batches)

    def _data_of(self, recording: Recording) -> Fitted | None:
        """Return the data that ``fit`` was given for a recording, or None.

        Data given with the same optimizer come first, because a recompiled model
        starts a new training; a custom training step may keep its optimizer elsewhere.
        """
        model = id(recording.model)
        same = (it for key, it in self._fitted.items() if key[0] == model)
        return self._fitted.get((model, id(recording.optimizer))) or next(same, None)

    def _steps_per_epoch(self, recording: Recording, key: int) -> int | None:
        epochs = None if recording.restarts else self._epochs.get(key)
        recording.collect()
        steps = recording.steps
        return max(1, steps // epochs) if epochs else None

    def _validation_of(self, key: int) -> Validation | None:
        points = self._validation.get(key)
        if not points:
            return None
        steps, losses = zip(*points, strict=True)
        return Validation(step=steps, loss=losses)

    def _held_out_of(self, key: tuple[int, int]) -> ArrayData | None:
        """Return the validation rows, or some of them if they are a dataset."""
        rows = self._held_out.get(key)
        return rows_once_more(rows) if is_dataset(rows) else rows

    # Hooks in addition to those of the recorder

    def on_fit(self, call: Call, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Hook on `Model.fit`: note the data, the epochs and the validation losses."""
        __tracebackhide__ = True
        if not self.recorder.enabled:
            return call(model, *args, **kwargs)
        arguments = inspect.signature(call).bind(model, *args, **kwargs)
        arguments.apply_defaults()
        data, key = as_arrays(arguments.arguments), (id(model), id(model.optimizer))
        self._fits[id(model)] = self._fits.get(id(model), 0) + 1
        if data is not None and key in self._fitted:
            self._fitted[key].again(data)
        elif data is not None:
            self._fitted[key] = Fitted.by(data)
            self._asked[id(model)] = int(arguments.arguments.get("epochs") or 1)
            self.recorder.has_arrays(model)
        if data is not None:
            self._fitted[key].shuffles = bool(arguments.arguments.get("shuffle"))
        given = self._fitted.get(key) if data is not None else arguments.arguments["x"]
        self._fit_by[id(model)] = model, given
        feed = Feed.of(arguments.arguments, None if data is None else len(data))
        feed = self._feeds.add(key, feed)
        self._predictions.trained_on(key, arguments.arguments)
        scored = held_out_arrays(arguments.arguments)
        rows = arguments.arguments.get("validation_data") if scored is None else scored
        if scored is not None or is_dataset(rows):
            self._held_out[key] = rows
        given = arguments.arguments["callbacks"]
        if not isinstance(given, keras.callbacks.CallbackList):
            held_out = None
            if arguments.arguments.get("class_weight"):
                held_out = HeldOutLoss(model, scored)
            epochs = int(arguments.arguments.get("epochs") or 1)
            note = self._epoch_end(model, held_out, feed, epochs)
            callbacks = [*_as_list(given), note]
            arguments.arguments["callbacks"] = callbacks
        with (
            self._training_all_of(model, "fit"),
            self.recorder.makers.in_fit(),
            self.recorder.weights.in_fit(model, arguments.arguments),
        ):
            try:
                return call(*arguments.args, **arguments.kwargs)
            except StopTraining as stop:
                end_epoch(stop)
                clear_framework_frames(stop)
                raise

    def on_predict(
        self, call: Call, model: Any, x: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on `Model.predict`: its outputs may be inputs of another model."""
        __tracebackhide__ = True
        found = call(model, x, *args, **kwargs)
        if self.recorder.enabled:
            self._predictions.predicted(x, found)
        return found

    def on_train_on_batch(
        self, call: Call, model: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on `Model.train_on_batch`: note a model that has nothing to train."""
        __tracebackhide__ = True
        with self._training_all_of(model, "train_on_batch"):
            return call(model, *args, **kwargs)

    @contextmanager
    def _training_all_of(self, model: Any, by: str) -> Iterator[None]:
        """Note a model with nothing to train that Keras trains by its own step."""
        frozen = not (model.built and model.trainable_variables)
        with self.recorder.untracked.in_fit(model):
            yield
        frozen = frozen and not model.trainable_variables
        if frozen and is_of_keras(model.train_step) and self.recorder.enabled:
            self._frozen.setdefault(model.name, by)

    def on_reset(self, call: Call, layer: Any) -> Any:
        """Hook on ``reset_state`` of a recurrent layer: count it."""
        __tracebackhide__ = True
        if self.recorder.enabled:
            self._resets[id(layer)] += 1
        return call(layer)

    def on_giving(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Hook on ``set_weights``, ``load_weights``, ``restore``: not a training."""
        __tracebackhide__ = True
        with self.recorder.asked.giving(self.recorder.recorded):
            return call(*args, **kwargs)

    def on_tape_opened(self, call: Call, tape: Any) -> Any:
        """Hook on entering a `tf.GradientTape`: observe the eager operations in it."""
        __tracebackhide__ = True
        opened = call(tape)
        if self.recorder.enabled and tf.executing_eagerly():
            self.recorder.eager_rows.opened()
        return opened

    def on_tape_closed(self, call: Call, tape: Any, *why: Any) -> Any:
        """Hook on leaving a `tf.GradientTape`."""
        __tracebackhide__ = True
        if tf.executing_eagerly():
            self.recorder.eager_rows.closed()
        return call(tape, *why)

    def on_iter(self, call: Call, dataset: Any) -> Any:
        """Hook on ``iter(dataset)``: a loop may make a new iterator at each step."""
        __tracebackhide__ = True
        if self.recorder.enabled and tf.executing_eagerly():
            self._feeds.begun(dataset)
        return call(dataset)

    def on_gradients(
        self, call: Call, ys: Any, xs: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on `tf.gradients`, which takes gradients without a tape."""
        __tracebackhide__ = True
        found = call(ys, xs, *args, **kwargs)
        if self.recorder.enabled:
            self.recorder.asked.add(reached(xs, found), taken_at)
        return found

    def on_v1_update(
        self, call: Call, optimizer: Any, pairs: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on ``apply_gradients`` of a TensorFlow 1 optimizer."""
        __tracebackhide__ = True
        pairs = list(pairs)
        if self.recorder.enabled:
            moved = [it for slope, it in pairs if slope is not None]
            self.recorder.asked.add(moved, taken_at)
        return call(optimizer, pairs, *args, **kwargs)

    def on_session(
        self, call: Call, session: Any, fetches: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on `tf.compat.v1.Session.run`: note if it runs a training operation."""
        __tracebackhide__ = True
        training = session.graph.get_collection(tf.compat.v1.GraphKeys.TRAIN_OP)
        fetched = {id(it) for it in tf.nest.flatten(fetches)}
        if self.recorder.enabled and fetched.intersection(map(id, training)):
            self._note(
                "a tf.compat.v1.Session ran a training operation, and lossguard sees"
                " what runs in TensorFlow 2 only: train eagerly or in a tf.function,"
                " by a Keras 3 optimizer"
            )
        return call(session, fetches, *args, **kwargs)

    def _agree(self, model: Any, recording: Recording) -> Agreement | None:
        """Compare the predicted classes with the labels of training and held-out rows.

        At the end of the last epoch: a callback may restore earlier weights after it.
        """
        key = id(model), id(model.optimizer)
        fitted = self._fitted.get(key)
        trained = joined(recording.taped.batches) if fitted is None else fitted.last
        rows = None if trained is None else self._held_out_of(key)
        if trained is None or rows is None:
            return None
        self._held_out[key] = rows  # a dataset is not read another time
        return agreement_of_model(model, trained, rows.probe())

    def _epoch_end(
        self, model: Any, held_out: HeldOutLoss | None, feed: Feed, epochs: int
    ) -> Any:
        asked: list[list[Any]] = []

        def begin(*_: Any) -> None:
            if is_of_keras(model.train_step):
                asked[:] = model.trainable_variables, model.non_trainable_variables

        def note(epoch: int, logs: dict[str, Any] | None = None) -> None:
            key = id(model.optimizer)
            self._epochs[key] = self._epochs.get(key, 0) + 1
            loss = (logs or {}).get("val_loss")
            recording = next(
                (it for it in self.recordings if it.optimizer is model.optimizer), None
            )
            if recording is not None:
                recording.collect()
                if asked:
                    recording.check_trained(*asked)
                feed.ended.append(recording.steps)
                rate = learning_rate_of(recording.optimizer)
                if is_variable(rate):
                    recording.rates.append((recording.steps, float(value_of(rate))))
                feed.stopped = bool(model.stop_training)
            if loss is None or recording is None:
                return
            is_last = model.stop_training or epoch + 1 >= epochs
            if is_last and not loss <= (logs or {}).get("loss", loss):
                with self.paused():
                    self._agreements[key] = self._agree(model, recording)
            elif is_last:
                self._agreements.pop(key, None)
            with self.paused():
                loss = (
                    float(loss) - penalty_of_weights(model)
                    if held_out is None
                    else held_out.loss(recording)
                )
            recording.collect()
            if loss is not None:
                points = self._validation.setdefault(key, [])
                points.append((recording.steps, loss))

        return keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=note)

    def on_function(self, call: Call, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Hook on calling a ``tf.function``: run a copy; see `FunctionClones`."""
        __tracebackhide__ = True
        if not self.recorder.enabled or self._clones.leaves_alone(function):
            return call(function, *args, **kwargs)
        with self._tracing(function):
            if not tf.executing_eagerly():
                return call(self._clones.of(function), *args, **kwargs)
            with self.recorder.running(function, (args, kwargs)):
                result = self._clones.call(call, function, args, kwargs)
        self.recorder.after_call()
        return result

    def on_get_concrete(
        self, call: Call, function: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on ``get_concrete_function``: return one that is recorded."""
        __tracebackhide__ = True
        if not self.recorder.enabled or self._clones.leaves_alone(function):
            return call(function, *args, **kwargs)
        draws = self.recorder.draws.tracing()
        gradients = self.recorder.gradients.tracing()
        with self._tracing(function), gradients as keep, draws as keep_draws:
            concrete = call(self._clones.of(function), *args, **kwargs)
        keep(concrete)
        keep_draws(concrete)
        self._clones.keep(concrete)
        return concrete

    def on_concrete(self, call: Call, function: Any, *args: Any, **kwargs: Any) -> Any:
        """Hook on calling a concrete function.

        A function traced before the block is noticed only by the variables that it
        changes.
        """
        __tracebackhide__ = True
        if not self.recorder.enabled:
            return call(function, *args, **kwargs)
        outermost = tf.executing_eagerly()
        if function in self._clones:
            with self.recorder.running(function, (args, kwargs)):
                result = call(function, *args, **kwargs)
            if outermost:
                self.recorder.after_call()
            return result
        counters = step_counters(function)
        if outermost and not counters:
            self._ask(function)
        before = [it.numpy() for it in counters] if outermost else None
        result = call(function, *args, **kwargs)
        moved = not outermost or before != [it.numpy() for it in counters]
        if counters and moved:
            self._note_unseen(function, counters)
        return result

    def _ask(self, function: Any) -> None:
        """Note the variables of a previously compiled function that takes gradients."""
        if id(function) not in self._compiled:
            self._compiled[id(function)] = function
            if takes_gradients(function):
                name = function_name(function)
                variables = variables_of(function)
                self.recorder.asked.add(variables, lambda: f"{taken_at()} in {name}")

    def _note_unseen(self, function: Any, counters: list[Any]) -> None:
        names = ", ".join(sorted({it.name.partition(":")[0] for it in counters}))
        sentence = (
            f"{function_name(function)} trains, but was compiled to a concrete"
            f" function before the test began, so its steps could not be seen"
            f" (its counter {names} moved): compile it inside the test"
        )
        self._note(sentence)

    def _note(self, sentence: str) -> None:
        if sentence not in self._unseen:
            self._unseen.append(sentence)

    @contextmanager
    def _tracing(self, function: Any) -> Iterator[None]:
        """Inform the recorder of a function that may be traced inside the block."""
        compiled = bool(getattr(function, JIT_COMPILE, False))
        self.recorder.xla_depth += compiled
        try:
            with self._clones.called(function):
                yield
        finally:
            self.recorder.xla_depth -= compiled


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
    function = type(tf.function(_nothing, autograph=False))
    with ExitStack() as patches:
        put = patches.enter_context
        put(observed(watch.recorder))
        put(observed_draws(watch.recorder.on_draw))
        for owner, name, hook in (
            (keras.Model, "fit", watch.on_fit),
            (keras.Model, "predict", watch.on_predict),
            (keras.Model, "train_on_batch", watch.on_train_on_batch),
            (keras.layers.RNN, "reset_state", watch.on_reset),
            (keras.Model, "set_weights", watch.on_giving),
            (keras.Model, "load_weights", watch.on_giving),
            (tf.train.Checkpoint, "restore", watch.on_giving),
            (tf.train.Checkpoint, "read", watch.on_giving),
            (tf.compat.v1.train.Optimizer, "apply_gradients", watch.on_v1_update),
            (tf.compat.v1.Session, "run", watch.on_session),
        ):
            put(replaced(owner_of(owner, name), name, hook))
        put(replaced(tf.GradientTape, "__enter__", watch.on_tape_opened))
        put(replaced(tf.GradientTape, "__exit__", watch.on_tape_closed))
        put(replaced(owner_of(tf.data.Dataset, "__iter__"), "__iter__", watch.on_iter))
        put(replaced(tf, "gradients", watch.on_gradients))
        for name, instead in (
            ("assign_add", recorder.on_add),
            ("assign", recorder.on_write),
            ("assign_sub", recorder.on_write),
        ):
            put(replaced(owner_of(ResourceVariable, name), name, instead))
        for name in CUSTOM_GRADIENT_CALLS:
            put(replaced(custom_gradients, name, recorder.on_custom_gradient))
        put(replaced(function, "__call__", watch.on_function))
        put(replaced(function, "get_concrete_function", watch.on_get_concrete))
        put(
            replaced(
                owner_of(ConcreteFunction, "__call__"), "__call__", watch.on_concrete
            )
        )
        put(closing(recorder))
        yield watch


def _nothing() -> None:
    """Do nothing; used only to get the type of a ``tf.function``."""
    return


def _as_list(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
