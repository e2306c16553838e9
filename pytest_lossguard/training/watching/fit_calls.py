"""The ``fit`` calls inside a watched block: what each was given, and its epochs."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ...core.coded_labels import Agreement
from ...core.data_facts import DataFacts
from ...core.errors import StopTraining
from ...core.trace import Validation
from ..backend.batch import Batch
from ..backend.data import (
    ArrayData,
    Fitted,
    as_arrays,
    held_out_arrays,
    is_dataset,
    joined,
)
from ..backend.dataset_facts import facts_of_dataset
from ..backend.frameworks import is_of_keras, keras, tf
from ..backend.patches import Call
from ..backend.private_api import end_epoch, learning_rate_of
from ..backend.reread import rows_once_more
from ..backend.tensors import is_variable, value_of
from ..backend.user_frames import clear_framework_frames
from ..record.feeds import Feed, Feeds
from ..record.recorder import Recorder
from ..record.recording import Recording
from ..record.shuffled_predictions import ShuffledPredictions
from ..score.coded_labels import agreement_of_model
from ..score.data_facts import with_what_came_again
from ..score.held_out_loss import HeldOutLoss, penalty_of_weights
from ..score.shuffled_graph import shuffled_graph
from ..score.shuffled_state import shuffled_state

#: Identities of a model and its optimizer.
_Key = tuple[int, int]


class FitCalls:
    """The ``fit`` calls of a block, and what other calls tell about their data.

    Attributes:
        fitted: Arrays that were trained on, by the identities of model and optimizer.
        given: Each model with what its last call was given, by the model's identity.
        epochs_asked: The ``epochs`` given with arrays, by the model's identity.
        feeds: The data that trainings were fed.
        frozen: Names of models with nothing to train, each with the method called.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.fitted: dict[_Key, Fitted] = {}
        self.given: dict[int, tuple[Any, Any]] = {}
        self.epochs_asked: dict[int, int] = {}
        self.feeds = Feeds()
        self.frozen: dict[str, str] = {}
        self._calls: Counter[int] = Counter()
        self._held_out: dict[_Key, Any] = {}
        self._validation: dict[int, list[tuple[int, float]]] = {}
        self._epochs: Counter[int] = Counter()
        self._agreements: dict[int, Agreement | None] = {}
        self._resets: Counter[int] = Counter()
        self._predictions = ShuffledPredictions()

    def clear(self) -> None:
        """Forget all calls."""
        for known in (
            self.fitted,
            self.given,
            self.epochs_asked,
            self.feeds,
            self.frozen,
            self._calls,
            self._held_out,
            self._validation,
            self._epochs,
            self._agreements,
            self._resets,
            self._predictions,
        ):
            known.clear()

    def data_of(self, recording: Recording) -> Fitted | None:
        """Return the data that ``fit`` was given for a recording, or None.

        Data given with the same optimizer come first, because a recompiled model
        starts a new training; a custom training step may keep its optimizer elsewhere.
        """
        model = id(recording.model)
        same = (it for key, it in self.fitted.items() if key[0] == model)
        return self.fitted.get(_key(recording)) or next(same, None)

    def is_one_call(self, recording: Recording) -> bool:
        """Whether ``fit`` was called once for the model of a recording."""
        return self._calls[id(recording.model)] == 1

    def steps_per_epoch(self, recording: Recording) -> int | None:
        """Return the updates of an epoch; None if ``fit`` did not train."""
        epochs = 0 if recording.restarts else self._epochs[id(recording.optimizer)]
        recording.collect()
        return max(1, recording.steps // epochs) if epochs else None

    def validation_of(self, recording: Recording) -> Validation | None:
        """Return the held-out losses at the ends of epochs; None if there are none."""
        points = self._validation.get(id(recording.optimizer))
        if not points or recording.restarts:
            return None
        steps, losses = zip(*points, strict=True)
        return Validation(step=steps, loss=losses)

    def held_out_of(self, recording: Recording) -> ArrayData | None:
        """Return the validation rows, or some of them if they are a dataset."""
        return self._held_out_rows(_key(recording))

    def _held_out_rows(self, key: _Key) -> ArrayData | None:
        rows = self._held_out.get(key)
        return rows_once_more(rows) if is_dataset(rows) else rows

    def agreement_of(self, recording: Recording) -> Agreement | None:
        """Return how the predicted classes agree with the labels, if that was asked."""
        return self._agreements.get(id(recording.optimizer))

    def fed(self, recording: Recording) -> DataFacts:
        """Return the facts about how the rows of a recording were fed."""
        key, taped = _key(recording), recording.taped
        feed = self.feeds.only(key)
        recording.collect()
        batches = [*taped.batches, *taped.late]
        given = None if feed is None else feed.given
        epochs = 0 if feed is None else len(feed.ended)
        fed = replace(
            facts_of_dataset(given, recording.model, epochs),
            repeated=self.feeds.repeated(key, batches, recording.steps),
            unseen=None if feed is None else feed.unseen(taped.batches),
            shuffled_inputs=self._predictions.fed(key),
            shuffled_graph=shuffled_graph(self.fitted.get(key), recording.model),
            shuffled_state=shuffled_state(
                recording, self.fitted.get(key, given), self._resets
            ),
        )
        return with_what_came_again(fed, batches)

    # Hooks

    def on_fit(self, call: Call, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Hook on `Model.fit`: note the data, the epochs and the validation losses."""
        __tracebackhide__ = True
        if not self._recorder.enabled:
            return call(model, *args, **kwargs)
        arguments = inspect.signature(call).bind(model, *args, **kwargs)
        arguments.apply_defaults()
        given = arguments.arguments
        feed = self._add(model, given)
        scored = self._add_held_out(model, given)
        callbacks = given["callbacks"]
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            held_out = HeldOutLoss(model, scored) if given.get("class_weight") else None
            note = self._epoch_end(model, held_out, feed, int(given.get("epochs") or 1))
            given["callbacks"] = [*_as_list(callbacks), note]
        with (
            self._training_all_of(model, "fit"),
            self._recorder.makers.in_fit(),
            self._recorder.weights.in_fit(model, given),
        ):
            try:
                return call(*arguments.args, **arguments.kwargs)
            except StopTraining as stop:
                end_epoch(stop)
                clear_framework_frames(stop)
                raise

    def _add(self, model: Any, given: Mapping[str, Any]) -> Feed:
        """Note the rows that a call is given to train on."""
        data, key = as_arrays(given), (id(model), id(model.optimizer))
        self._calls[id(model)] += 1
        if data is not None and key in self.fitted:
            self.fitted[key].again(data)
        elif data is not None:
            self.fitted[key] = Fitted.by(data)
            self.epochs_asked[id(model)] = int(given.get("epochs") or 1)
            self._recorder.tapes.has_arrays(model)
        if data is not None:
            self.fitted[key].shuffles = bool(given.get("shuffle"))
        self.given[id(model)] = model, given["x"] if data is None else self.fitted[key]
        self._predictions.trained_on(key, given)
        return self.feeds.add(key, Feed.of(given, None if data is None else len(data)))

    def _add_held_out(self, model: Any, given: Mapping[str, Any]) -> ArrayData | None:
        """Note the held-out rows of a call; return them if they are arrays."""
        arrays = held_out_arrays(given)
        rows = given.get("validation_data") if arrays is None else arrays
        if arrays is not None or is_dataset(rows):
            self._held_out[id(model), id(model.optimizer)] = rows
        return arrays

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
        with self._recorder.untracked.in_fit(model):
            yield
        frozen = frozen and not model.trainable_variables
        if frozen and is_of_keras(model.train_step) and self._recorder.enabled:
            self.frozen.setdefault(model.name, by)

    def on_predict(
        self, call: Call, model: Any, x: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Hook on `Model.predict`: its outputs may be inputs of another model."""
        __tracebackhide__ = True
        found = call(model, x, *args, **kwargs)
        if self._recorder.enabled:
            self._predictions.predicted(x, found)
        return found

    def on_reset(self, call: Call, layer: Any) -> Any:
        """Hook on ``reset_state`` of a recurrent layer: count it."""
        __tracebackhide__ = True
        if self._recorder.enabled:
            self._resets[id(layer)] += 1
        return call(layer)

    def on_iter(self, call: Call, dataset: Any) -> Any:
        """Hook on ``iter(dataset)``: a loop may make a new iterator at each step."""
        __tracebackhide__ = True
        if self._recorder.enabled and tf.executing_eagerly():
            self.feeds.begun(dataset)
        return call(dataset)

    # Epochs

    def _epoch_end(
        self, model: Any, held_out: HeldOutLoss | None, feed: Feed, epochs: int
    ) -> Any:
        """Return a callback that notes each epoch and its held-out loss."""
        asked: list[list[Any]] = []

        def begin(*_: Any) -> None:
            if is_of_keras(model.train_step):
                asked[:] = model.trainable_variables, model.non_trainable_variables

        def note(epoch: int, logs: dict[str, Any] | None = None) -> None:
            key = id(model.optimizer)
            self._epochs[key] += 1
            loss = (logs or {}).get("val_loss")
            trained = (
                it for it in self._recorder.trained if it.optimizer is model.optimizer
            )
            recording = next(trained, None)
            if recording is None:
                return
            recording.collect()
            if asked:
                recording.check_trained(*asked)
            feed.ended.append(recording.steps)
            rate = learning_rate_of(recording.optimizer)
            if is_variable(rate):
                recording.rates.append((recording.steps, float(value_of(rate))))
            feed.stopped = bool(model.stop_training)
            if loss is None:
                return
            is_last = model.stop_training or epoch + 1 >= epochs
            if is_last and not loss <= (logs or {}).get("loss", loss):
                with self._recorder.paused():
                    self._agreements[key] = self._agree(model, recording)
            elif is_last:
                self._agreements.pop(key, None)
            with self._recorder.paused():
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

    def _agree(self, model: Any, recording: Recording) -> Agreement | None:
        """Compare the predicted classes with the labels of training and held-out rows.

        At the end of the last epoch: a callback may restore earlier weights after it.
        """
        key = id(model), id(model.optimizer)
        fitted = self.fitted.get(key)
        trained = joined(recording.taped.batches) if fitted is None else fitted.last
        rows = None if trained is None else self._held_out_rows(key)
        if trained is None or rows is None:
            return None
        self._held_out[key] = rows  # a dataset is not read another time
        return agreement_of_model(model, trained, rows.probe())


def rows_of_fit(given: Any) -> Batch | None:
    """Return some rows that a ``fit`` call was given, with labels and weights."""
    if isinstance(given, Fitted):
        return given.first
    rows = rows_once_more(given) if is_dataset(given) else None
    return None if rows is None else rows.probe()


def _key(recording: Recording) -> _Key:
    return id(recording.model), id(recording.optimizer)


def _as_list(callbacks: Any) -> list[Any]:
    if callbacks is None:
        return []
    return list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
