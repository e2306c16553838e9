"""Reruns a training with one or several changes."""

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

from ...core.change import Change, ChangeName, ModelFacts, RerunRequest
from ...core.errors import CannotChange, LossguardError, first_line
from ...core.trace import Trace
from ...experiments.changes import acts_on, kind_of
from ..backend.data import ArrayData, FirstRows, kept_arrays, rows_for_reruns
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
from .optimizer_changes import LENGTH_CHANGES, set_learning_rate
from .reinitialize import redraw_weights

#: Most bytes of kept models, one per seed.
_MOST_KEPT = 1 << 26
#: What each change of the weights does to a model in place, given a seed.
WEIGHT_CHANGES: dict[ChangeName, Callable[[Any, Change, int], None]] = {
    "learning_rate": lambda model, change, _: set_learning_rate(
        model, float(change.value or 1.0)
    ),
    "reinitialize": lambda model, _, seed: reinitialize(model, seed),
}


class Rerun:
    """Reruns one training, each time with one or several changes.

    No user object stays changed: the weights of a model given as an object are
    restored, and a factory is called again with the same seed.

    Args:
        loops: Runs the trainings, and keeps the traced loops.
        model_or_factory: As given to ``lossguard.fit``.
        task: The data and the length of the training.
        start: First state of a model given as an object; by default its current state.
        is_complete: Whether ``task`` has all rows of the training. On some of them, a
            rerun may memorize rows that the training saw only once.
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
        """The task on arrays, with its length as a number of steps, so that the length
        does not depend on the number of rows.
        """
        task = self._given
        if task.arrays is None:
            rows, batch_size, are_all = self._read
            if rows is None:
                raise CannotChange("the dataset yields nothing on a second pass")
            if not are_all and may_be_sorted(rows, batch_size):
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

    @cached_property
    def _read(self) -> FirstRows:
        return rows_for_reruns(self._given.dataset)

    @property
    def is_complete(self) -> bool:
        """Whether reruns have all rows of the training."""
        from_arrays = self._given.arrays is not None
        return self._is_complete and (from_arrays or self._read.are_all)

    @property
    def rows(self) -> int:
        """Number of rows of the data."""
        arrays = self._task.arrays
        return 0 if arrays is None else len(arrays)

    @cached_property
    def data(self) -> str:
        """Checksum of inputs and targets, 12 hex digits."""
        arrays, found = self._arrays(self._task), hashlib.sha256()
        for leaf in flatten((arrays.x, arrays.y)):
            array = np.asarray(leaf)
            text = array.dtype.kind == "O"  # tobytes would give memory addresses
            found.update(repr(array.tolist()).encode() if text else array.tobytes())
        return found.hexdigest()[:12]

    @cached_property
    def facts(self) -> ModelFacts:
        """Facts of the model; see `ModelFacts`."""
        with self._isolated():
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
        """Train from the same first state on the same batches, except for the changes.

        Args:
            changes: Changes of the training; none to repeat it.
            seed: Seed of the rerun; by default that of the training.
            held_out: Share of the rows that are held out and scored during training.
            redrawn: Whether to redraw the weights of a model given as an object under
                the seed, except those that were learned or set; see `redraw_weights`.

        Raises:
            CannotChange: The model or the data do not allow the changes.
        """
        with self._isolated():
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
        """Run several reruns, concurrently where that gives the same numbers.

        Args:
            requests: The reruns.
            begin: Called before each rerun; None to call nothing.

        Returns:
            For each request, in order, its trace, or the error that a call would raise.
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

        with self._isolated():
            done = map(_outcome, self._loops.train_all(jobs()))
            return [
                refused[it] if it in refused else next(done)
                for it in range(len(requests))
            ]

    def _in_one_unit(self, request: RerunRequest) -> Trace:
        """Run a rerun with another loss or other targets, and add a loss that compares
        it with the original training in one unit.

        If its predictions can be mapped back, that is their loss on the original task
        (`Trace.as_before`). If the task itself is changed, it is the loss of the
        original training on the changed task (`Trace.unchanged_there`).
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
        first = [it for it in request.changes if kind_of(it).of_inputs]
        if first and task.arrays is not None:
            model = self._built(task.arrays, task.seed)
            task = replace(task, arrays=integers_as_floats(task.arrays, model))
        for change in first:  # before rows are held out, to change those too
            task = _changed_task(task, change)
        if held_out:
            task = _kept_back(task, held_out)
        for change in request.changes:
            if change not in first:
                task = _changed_task(task, change)
        is_object = isinstance(self._model_or_factory, keras.Model)
        return self._made(task, request.changes, request.redrawn and is_object)

    @contextmanager
    def _isolated(self) -> Iterator[None]:
        """Start a block from the first state without warnings; restore state and seeds.

        Errors of user code are raised as `CannotChange`: a failed rerun must not fail
        the test.
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
        """Return the model built under a seed. Some models are kept, because reruns
        restore them, and building a model costs more than training it.
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
                WEIGHT_CHANGES[change.kind](model, change, task.seed)

        return PreparedRun(
            model=model,
            task=task,
            probe=arrays.probe(),
            owned=owned,
            prepare=prepare if in_place or redrawn else None,
            only_in_graph=True,
        )


def _shorter(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the changes that shorten the training."""
    return tuple(
        it for it in changes if it.kind == "more_steps" and float(it.value or 2) < 1
    )


def _as_ours(error: Exception) -> LossguardError:
    """Return the error of a failed rerun as a `LossguardError`."""
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
    """Return the changed program, built; call it with seeds set, because new state such
    as the seed of a dropout layer is random.
    """
    model, arrays = changed_program(model, arrays, change)
    build(model, arrays.probe())
    return model, arrays


def _needs_a_clone(model: Any, change: Change) -> bool:
    return change.kind == "learning_rate" and follows_schedule(model)


def _changed_task(task: TrainingSpec, change: Change) -> TrainingSpec:
    """Return the task with a change of its data, its length or its gradients; changes
    of the program or the weights do not affect it.
    """
    if acts_on(change) == "length":
        return LENGTH_CHANGES[change.kind](task, change)
    if acts_on(change) != "data" or task.arrays is None:
        return task
    arrays = changed_data(task.arrays, change, task.seed)
    return replace(task, arrays=arrays, batch_size=arrays.batch_size)


def _kept_back(task: TrainingSpec, share: float) -> TrainingSpec:
    """Hold out a share of the rows, chosen at random, as validation data."""
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
