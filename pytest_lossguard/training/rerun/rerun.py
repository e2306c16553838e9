"""The same training once more, with one thing changed."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ...core.change import Change, ModelFacts, RerunRequest
from ...core.errors import CannotChange, LossguardError, first_line
from ...core.trace import Trace
from ...experiments.changes import acts_on
from ..backend.data import ArrayData, first_rows, kept_arrays
from ..backend.frameworks import keras
from ..backend.snapshot import Snapshot, preserved_seeds, seeded_call
from ..backend.tensors import flatten
from ..loop.loop_trainer import LoopTrainer
from ..loop.models import build
from ..loop.spec import PreparedRun, TrainingSpec
from ..record.custom_gradients import derived_gradients
from ..score.row_order import is_sorted, may_be_sorted, order_of_arrays, spread_rows
from .data_changes import changed_data, integers_as_floats
from .mapped_back import MeasuredOtherwise, easier, measures_otherwise
from .model_changes import changed_program, reinitialize
from .model_facts import follows_schedule, model_facts
from .optimizer_changes import set_learning_rate
from .reinitialize import redraw_weights

__all__ = ["Rerun"]

#: Rows of a dataset that are kept to run it again.
_MOST_ROWS = 4096
#: Models, one a seed, are kept up to so many bytes.
_MOST_KEPT = 1 << 26
#: Changes of each input by itself.
_OF_THE_INPUTS = frozenset(
    {"standardize_inputs", "scale_inputs", "clip_inputs", "fill_missing"}
)


class Rerun:
    """One training that can be run again, each time with one change or several.

    Nothing of the user's is changed: models given as objects get their weights
    back, others are built anew by their factory from the same seed.

    Args:
        loops: Has the traced programs.
        model_or_factory: As given to ``lossguard.fit``.
        task: What was trained on.
        start: The state that a model given as an object started from; default the
            one it has.
        is_complete: Whether all rows that were trained on are there. With some of them
            a re-run learns by heart what the training saw once.
    """

    def __init__(
        self,
        loops: LoopTrainer,
        model_or_factory: Any,
        task: TrainingSpec,
        start: Snapshot | None = None,
        *,
        is_complete: bool = True,
    ) -> None:
        self._is_complete = is_complete
        self._loops = loops
        self._model_or_factory = model_or_factory
        self._start = start
        self._given = task
        self._models: dict[int, Any] = {}

    @cached_property
    def _task(self) -> TrainingSpec:
        """On arrays, for as many updates whatever becomes of the rows."""
        task = self._given
        if task.arrays is None:
            rows, batch_size = first_rows(task.dataset, _MOST_ROWS)
            if rows is None:
                raise CannotChange("the dataset yields nothing on a second pass")
            if len(rows) >= _MOST_ROWS and may_be_sorted(rows, batch_size):
                rows, _ = spread_rows(task.dataset)
            arrays = kept_arrays(rows, batch_size)
            task = replace(
                task,
                arrays=arrays,
                dataset=None,
                batch_size=batch_size,
                shuffle=not is_sorted(order_of_arrays(arrays)),
            )
        return replace(task, steps=task.array_steps(), epochs=None, growth=None)

    @property
    def is_complete(self) -> bool:
        """Whether all rows that were trained on are there."""
        from_arrays = self._given.arrays is not None
        return self._is_complete and (from_arrays or self.rows < _MOST_ROWS)

    @property
    def rows(self) -> int:
        """Rows of the data."""
        arrays = self._task.arrays
        return 0 if arrays is None else len(arrays)

    @cached_property
    def data(self) -> str:
        """A checksum of inputs and targets."""
        arrays, found = self._arrays(self._task), hashlib.sha256()
        for leaf in flatten((arrays.x, arrays.y)):
            array = np.asarray(leaf)
            text = array.dtype.kind == "O"  # of which the bytes are addresses
            found.update(repr(array.tolist()).encode() if text else array.tobytes())
        return found.hexdigest()[:12]

    @cached_property
    def facts(self) -> ModelFacts:
        """What the program is made of."""
        with self._undisturbed():
            arrays = self._arrays(self._task)
            model = self._built(arrays, self._task.seed)
            return model_facts(model, arrays)

    def __call__(
        self,
        *changes: Change,
        seed: int | None = None,
        held_out: float = 0.0,
        redrawn: bool = False,
    ) -> Trace:
        """Train from the same start on the same batches, but for the changes.

        Args:
            changes: What to do otherwise; none repeats the training.
            seed: Train from this seed instead.
            held_out: Share of the rows that are kept back, and scored now and then.
            redrawn: Draw the weights of a model given as an object under the seed,
                but for those that were learned or set; see `redraw_weights`.

        Raises:
            CannotChange: The model or the data do not allow it.
        """
        with self._undisturbed():
            request = RerunRequest(changes=changes, seed=seed, redrawn=redrawn)
            if held_out or not measures_otherwise(changes):
                job = self._job(request, held_out)
                with derived_gradients(job.task.plain_gradients):
                    return self._loops.train(job)
            return self._in_one_unit(request)

    def several(
        self,
        requests: Sequence[RerunRequest],
        begin: Callable[[], None] | None = None,
    ) -> list[Trace | LossguardError]:
        """Several re-runs, beside each other where that gives the same numbers.

        Args:
            requests: What is asked for.
            begin: Called before each.

        Returns:
            For each, in order, its trace, or the error that a call would raise.
        """
        refused: dict[int, LossguardError] = {}

        def jobs() -> Iterator[PreparedRun]:
            for index, request in enumerate(requests):
                if begin is not None:
                    begin()
                try:
                    job = self._job(request)
                except Exception as error:
                    refused[index] = _as_ours(error)
                else:
                    yield job

        with self._undisturbed():
            done = map(_outcome, self._loops.train_all(jobs()))
            return [
                refused[it] if it in refused else next(done)
                for it in range(len(requests))
            ]

    def _in_one_unit(self, request: RerunRequest) -> Trace:
        """A re-run by another loss or on other targets, with what holds it against the
        training as it is in one unit: its predictions read as before or, where the task
        itself is another, those of the training as it is on the new task.
        """
        job, there = self._job(request), easier(request.changes)
        before, after = self._arrays(self._task), self._arrays(job.task)
        size = min(self._task.batch_size, len(before))
        model = self._built(before, job.task.seed)
        if not there:
            measured = MeasuredOtherwise(model, before, after, request.changes, size)
            trace = self._loops.train(replace(job, finish=measured.score))
            return replace(trace, same_measure=False, as_before=measured.loss)
        trace = replace(self._loops.train(job), same_measure=False)
        if len(there) < sum(measures_otherwise([it]) for it in request.changes):
            return trace
        for change in there:
            before = changed_data(before, change, job.task.seed)
        measured = MeasuredOtherwise(model, before, before, (), size)
        as_it_is = self._job(replace(request, changes=_shorter(request.changes)))
        self._loops.train(replace(as_it_is, finish=measured.score))
        return replace(trace, unchanged_there=measured.loss)

    def _job(self, request: RerunRequest, held_out: float = 0.0) -> PreparedRun:
        task = self._task
        task = task if request.seed is None else replace(task, seed=request.seed)
        first = [it for it in request.changes if it.kind in _OF_THE_INPUTS]
        if first and task.arrays is not None:
            model = self._built(task.arrays, task.seed)
            task = replace(task, arrays=integers_as_floats(task.arrays, model))
        for change in first:  # of the rows that are kept back too
            task = _changed_task(task, change)
        if held_out:
            task = _kept_back(task, held_out)
        for change in request.changes:
            if change not in first:
                task = _changed_task(task, change)
        is_object = isinstance(self._model_or_factory, keras.Model)
        return self._made(task, request.changes, request.redrawn and is_object)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """From the first state, with seeds put back and without warnings; whatever the
        project's own code raises when it runs once more is no error of the test.
        """
        start = nullcontext() if self._start is None else self._start.in_force()
        try:
            with preserved_seeds(), start, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except LossguardError:
            raise
        except Exception as error:
            raise _as_ours(error) from error

    def _arrays(self, task: TrainingSpec) -> ArrayData:
        if task.arrays is None:
            raise CannotChange("its data were not seen")
        return task.arrays

    def _built(self, arrays: ArrayData, seed: int) -> Any:
        """The model under a seed. Some are kept: a re-run leaves them as they were,
        and to build one costs more than to train it.
        """
        if seed not in self._models:
            model = self._loops.model(self._model_or_factory, arrays.probe(), seed)
            build(model, arrays.probe())
            most = max(1, _MOST_KEPT // max(1, 4 * model.count_params()))
            while len(self._models) >= most:
                del self._models[next(iter(self._models))]
            self._models[seed] = model
        return self._models[seed]

    def _made(
        self, task: TrainingSpec, changes: tuple[Change, ...], redrawn: bool
    ) -> PreparedRun:
        arrays = self._arrays(task)
        model = self._built(arrays, task.seed)
        owned = False
        in_place = [it for it in changes if acts_on(it) == "weights"]
        for change in changes:
            if acts_on(change) == "program" or (
                change in in_place and _needs_a_clone(model, change)
            ):
                make = partial(_changed_and_built, model, arrays, change)
                model, arrays = seeded_call(task.seed, make)
                owned = True
                in_place = [it for it in in_place if it is not change]
        task = replace(task, arrays=arrays)

        def prepare(model: Any) -> None:
            if redrawn:
                redraw_weights(model, task.seed)
            for change in in_place:
                if change.kind == "learning_rate":
                    set_learning_rate(model, float(change.value or 1.0))
                else:
                    reinitialize(model, task.seed)

        return PreparedRun(
            model=model,
            task=task,
            probe=arrays.probe(),
            owned=owned,
            prepare=prepare if in_place or redrawn else None,
            only_in_graph=True,
        )


def _shorter(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """What only saves time."""
    return tuple(
        it for it in changes if it.kind == "more_steps" and float(it.value or 2) < 1
    )


def _as_ours(error: Exception) -> LossguardError:
    """Why a re-run failed, as one of our errors."""
    if isinstance(error, LossguardError):
        return error
    why = first_line(error)[:100]
    return CannotChange(
        f"run again it raised {type(error).__name__}{f': {why}' if why else ''}"
    )


def _outcome(done: Future[Trace]) -> Trace | LossguardError:
    error = done.exception()
    if error is None:
        return done.result()
    if not isinstance(error, Exception):
        raise error
    return _as_ours(error)


def _changed_and_built(
    model: Any, arrays: ArrayData, change: Change
) -> tuple[Any, ArrayData]:
    """What is new in it, as the seed of a dropout, is drawn."""
    model, arrays = changed_program(model, arrays, change)
    build(model, arrays.probe())
    return model, arrays


def _needs_a_clone(model: Any, change: Change) -> bool:
    return change.kind == "learning_rate" and follows_schedule(model)


def _changed_task(task: TrainingSpec, change: Change) -> TrainingSpec:
    """The task with a change of its data or its length."""
    if change.kind == "more_steps":
        return replace(task, steps=int(task.array_steps() * float(change.value or 2)))
    if change.kind == "plain_gradients":
        return replace(task, plain_gradients=str(change.value))
    if acts_on(change) not in ("data", "length") or task.arrays is None:
        return task
    arrays = changed_data(task.arrays, change, task.seed)
    return replace(task, arrays=arrays, batch_size=arrays.batch_size)


def _kept_back(task: TrainingSpec, share: float) -> TrainingSpec:
    """Train on some of the rows, score the others now and then."""
    arrays = task.arrays
    assert arrays is not None
    order = np.random.default_rng(task.seed).permutation(len(arrays))
    kept = max(1, int(len(arrays) * share))
    rest = order[kept:] if task.shuffle else np.sort(order[kept:])
    back, train = arrays.rows(order[:kept]), arrays.rows(rest)
    if not len(train):
        raise CannotChange("no row would be left")
    return replace(
        task,
        arrays=ArrayData(train.x, train.y, train.sample_weight, task.batch_size),
        validation=ArrayData(back.x, back.y, back.sample_weight, task.batch_size),
    )
