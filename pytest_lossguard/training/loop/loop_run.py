"""Runs of a traced program, after which all that they changed is as it was."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ...core.rows import evenly_spaced
from ...core.trace import ClassOrder, HeldOut, Probe, Trace, Validation
from ..backend.batch import Batch
from ..backend.data import ArrayData
from ..backend.frameworks import tf
from ..backend.snapshot import Snapshot, set_seed
from ..backend.tensors import map_structure
from ..score.row_order import near_and_others, order_of_arrays
from ..score.scorer import Scorer, as_tensors
from ..score.trace_builder import (
    Scores,
    beside,
    could_not_score,
    make_trace,
    with_costs,
)
from .spec import TrainingSpec, batch_order
from .traced_loop import TracedLoop, packed

__all__ = ["LoopRun"]

#: Held-out losses are taken at most this often, from at most so many rows.
_MOST_VALIDATIONS, _MOST_VALIDATION_ROWS = 50, 2048
#: Where a step is heavy, no more rows are scored than this share of those that are
#: trained on, but so many: scoring twice takes at most some 5 % of the training.
_SCORED, _FEWEST_SCORED = 0.1, 128
_NO_LIMIT = 2**31 - 1


class LoopRun:
    """One training of a program.

    Args:
        program: The loop, as it was traced.
        task: What to train on.
        probe: Rows to score before and after.
    """

    def __init__(self, program: TracedLoop, task: TrainingSpec, probe: Batch) -> None:
        if not program.is_light and task.arrays is not None:
            trained_on = task.array_steps() * _rows_per_step(task)
            probe = _fewer(probe, max(_FEWEST_SCORED, int(_SCORED * trained_on)))
        self._program, self._task, self._probe = program, task, probe
        self._scored = _Scored(program.scorer, probe, _rows_per_step(task))
        self._recording = program.recording
        steps = task.array_steps() if task.arrays is not None else task.steps or 1
        self._counted = program.counted(probe, steps * task.batch_size)
        self._validation: list[tuple[int, float]] = []
        self._held_out_rows: HeldOut | None = None
        self._instead: Mapping[int, Any] | None = None

    def alone(self, finish: Callable[[Any], None] | None = None) -> Trace:
        """Train the program's model, and leave every variable as it was.

        Args:
            finish: Called with the trained model.
        """
        program = self._program
        with program.executing():
            self._recording.reset()
            if program.draws:
                set_seed(self._task.seed)
            start = Snapshot(program.variables)
            try:
                self._train(finish)
            except BaseException:
                self._recording.empty_buffer()
                raise
            finally:
                start.restore()
            return self._trace()

    @property
    def can_go_beside(self) -> bool:
        """Whether it may run while other runs of its program do: on arrays, with
        nothing left that must be traced.
        """
        task = self._task
        return (
            task.arrays is not None
            and self._program.can_run_beside_itself
            and self._scored.is_traced
            and (
                task.validation is None
                or self._scored.knows(_held_out(task.validation))
            )
        )

    def beside(self, start: Sequence[Any]) -> Trace:
        """Train on variables apart from the model's, beside other runs.

        Args:
            start: The first values of the program's ``variables``.
        """
        program = self._program
        with program.lane() as lane, program.executing():
            lane.start_from(start)
            self._recording = program.recording.another()
            self._instead = lane.instead
            self._scored.read_from(lane.instead)
            self._train()
            return self._trace()

    def _train(self, finish: Callable[[Any], None] | None = None) -> None:
        """Score, train, score."""
        task, scored = self._task, self._scored
        scored.before = scored.probe()
        if task.arrays is not None:
            self._train_on_arrays(scored.ceiling(task.growth))
        else:
            self._train_on_dataset()
        if finish is not None:
            finish(self._program.model)
        scored.after = scored.probe()
        self._held_out_rows = self._beside_trained_rows()

    def _beside_trained_rows(self) -> HeldOut | None:
        """What distinguishes the held-out rows, with what some of them cost; beside
        other runs nothing new may be traced.
        """
        held_out, scored = self._task.validation, self._scored
        there = beside(held_out, *self._trained_on())
        halves = [as_tensors(it) for it in near_and_others(held_out, there)]
        if self._instead is not None and not all(map(scored.knows, halves)):
            return there
        costs = [scored.loss(it) for it in halves]
        return with_costs(there, tuple(it for it in costs if it is not None))

    def _trace(self) -> Trace:
        task, steps = self._task, self._recording.steps
        notes: tuple[str, ...] = ()
        if task.growth is not None and steps < task.array_steps():
            notes = (
                f"stopped early at step {steps}: the loss was too high to recover",
            )
        return make_trace(
            self._recording,
            source="fit",
            scores=self._scored.scores(),
            seen=task.arrays if task.arrays is not None else self._probe,
            batch_size=_rows_per_step(task),
            seed=task.seed,
            validation=self._held_out_losses(),
            held_out=self._held_out_rows,
            class_order=_order_of_classes(task),
            steps_per_epoch=task.steps_per_epoch,
            shuffled=task.arrays is not None and task.shuffle,
            notes=notes,
            counted=self._counted,
        )

    def _trained_on(self) -> tuple[ArrayData | Batch, float]:
        """The rows that are trained on, or some of them and which share they are."""
        task = self._task
        if task.arrays is not None:
            return task.arrays, 1.0
        batches = int(task.dataset.cardinality())
        rows = max(batches, 0) * task.batch_size
        return self._probe, len(self._probe) / rows if rows else 1.0

    def _train_on_arrays(self, ceiling: float) -> None:
        task = self._task
        arrays, steps = task.arrays, task.array_steps()
        assert arrays is not None
        assert task.steps_per_epoch is not None
        order = _order(len(arrays), task.batch_size, steps, task.shuffle, task.seed)
        limits = tf.constant([task.growth or 0.0, ceiling], tf.float64)
        parts = (arrays.x, arrays.y, arrays.sample_weight)
        data = map_structure(tf.convert_to_tensor, packed(Batch(*parts)))
        chunk = self._program.steps_per_call
        if task.validation is not None:
            epochs = -(-steps // task.steps_per_epoch)
            chunk = task.steps_per_epoch * max(1, epochs // _MOST_VALIDATIONS)
            chunk = min(chunk, self._program.steps_per_call)
        good, done = True, 0
        while good and done < steps:
            upto = min(steps, done + chunk)
            bounds = tf.constant([done, upto])
            good, rows = self._program.loop(
                data, order, bounds, limits, instead=self._instead
            )
            self._recording.add(rows.numpy())
            done = upto
            self._validate()

    def _train_on_dataset(self) -> None:
        """Pass after pass over the dataset until the length is reached."""
        task = self._task
        wanted = task.steps if task.steps is not None else _NO_LIMIT
        passes = task.epochs if task.epochs is not None else _NO_LIMIT
        done, good = 0, True
        while good and done < wanted and passes > 0:
            fresh, good = self._one_pass(task.dataset, wanted - done)
            if fresh == 0 and good:
                raise UsageError(_ended_early(done, task))
            done, passes = done + fresh, passes - 1
            self._validate()

    def _one_pass(self, dataset: Any, most: int) -> tuple[int, bool]:
        iterator = iter(dataset)
        before = self._recording.steps
        good = True
        try:
            while good and most > 0:
                chunk = min(most, self._program.steps_per_call)
                good, rows = self._program.loop(iterator, tf.constant(chunk))
                self._recording.add(rows.numpy())
                most -= chunk
        except tf.errors.OutOfRangeError:
            self._recording.collect()
            self._recording.empty_buffer()
        return self._recording.steps - before, bool(good)

    def _validate(self) -> None:
        if self._task.validation is None:
            return
        loss = self._scored.loss(_held_out(self._task.validation))
        if loss is not None:
            self._validation.append((self._recording.steps, loss))

    def _held_out_losses(self) -> Validation | None:
        if not self._validation or self._task.validation is None:
            return None
        steps, losses = zip(*self._validation, strict=True)
        constant = self._scored.constant(_held_out(self._task.validation))
        return Validation(step=steps, loss=losses, constant=constant)


@functools.lru_cache(maxsize=8)
def _order(rows: int, batch_size: int, steps: int, shuffle: bool, seed: int) -> Any:
    """`batch_order` as tensors."""
    order = batch_order(rows, batch_size, steps, shuffle=shuffle, seed=seed)
    return tuple(map(tf.constant, order))


def _order_of_classes(task: TrainingSpec) -> ClassOrder | None:
    if task.arrays is None or task.shuffle:
        return task.class_order
    return order_of_arrays(task.arrays)


def _held_out(data: ArrayData) -> Batch:
    chosen = evenly_spaced(len(data), _MOST_VALIDATION_ROWS)
    return as_tensors(data.rows(chosen))


class _Scored:
    """The probe of one run, failing softly: then the curve is the evidence."""

    def __init__(self, scorer: Scorer | None, probe: Batch, rows: int) -> None:
        self._scorer = None if scorer is None else scorer.anew(rows)
        self._failure: str | None = None
        self._probe = as_tensors(probe)
        self.before: Probe | None = None
        self.after: Probe | None = None

    def read_from(self, instead: Mapping[int, Any]) -> None:
        """Score other variables than the model's; see `Lane`."""
        if self._scorer is not None:
            self._scorer.instead = instead

    def knows(self, batch: Batch) -> bool:
        """Whether such rows were scored before."""
        return self._scorer is not None and self._scorer.knows(batch)

    @property
    def is_traced(self) -> bool:
        """Whether a probe like this was scored before."""
        return self.knows(self._probe)

    def probe(self) -> Probe | None:
        """Score the model as it is; None if it cannot be scored."""
        if self._scorer is not None and self._failure is None:
            try:
                return self._scorer.probe(self._probe)
            except Exception as error:
                self._failure = could_not_score(error, self._scorer.model)
        return None

    def loss(self, batch: Batch) -> float | None:
        """Of the model as it is, on other rows."""
        return None if self._scorer is None else self._scorer.probe(batch).loss

    def constant(self, batch: Batch) -> float | None:
        """What the best constant costs on other rows."""
        found = None if self._scorer is None else self._scorer.constant(batch)
        return None if found is None else found[0]

    def ceiling(self, growth: float | None) -> float:
        """The data loss from which on a training is lost: ``growth`` times the
        larger of both reference losses; infinite where one is not known.
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


def _ended_early(done: int, task: TrainingSpec) -> str:
    if done == 0:
        return "lossguard.fit got an empty dataset: it yields no batch"
    wanted = f"{task.steps} steps" if task.steps else f"{task.epochs} epochs"
    return (
        f"the dataset ended after {done} steps and yields nothing on a second pass,"
        f" and {wanted} were asked for: add .repeat(), or ask for steps={done}"
    )


def _fewer(batch: Batch, most: int) -> Batch:
    """At most so many rows of a batch of arrays, spread over all of them."""
    if len(batch) <= most:
        return batch
    chosen = evenly_spaced(len(batch), most)

    def take(leaf: Any) -> Any:
        return None if leaf is None else leaf[chosen]

    return Batch(*(map_structure(take, part) for part in batch.parts))


def _rows_per_step(task: TrainingSpec) -> int:
    rows = task.batch_size if task.arrays is None else len(task.arrays)
    return min(task.batch_size, rows)
