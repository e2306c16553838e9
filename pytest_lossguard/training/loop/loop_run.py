"""Runs a traced loop once, and restores all variables that the run changes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.coded_labels import Agreement
from ...core.data_facts import DataFacts
from ...core.errors import UsageError
from ...core.rows import evenly_spaced
from ...core.trace import ClassOrder, HeldOut, Probe, Trace, Validation
from ..backend.batch import Batch
from ..backend.data import ArrayData
from ..backend.dataset_facts import facts_of_dataset
from ..backend.frameworks import tf
from ..backend.snapshot import Snapshot, set_seed
from ..backend.tensors import map_structure
from ..score.coded_labels import agreement_by
from ..score.row_order import near_and_others, order_of_arrays
from ..score.scorer import Scorer, as_tensors
from ..score.scores import Scores, could_not_score, with_costs
from ..score.trace_builder import beside, make_trace
from .spec import TrainingSpec, batch_order
from .traced_loop import TracedLoop, packed

#: Most held-out losses of a training, and most held-out rows that are scored.
_MOST_VALIDATIONS, _MOST_VALIDATION_ROWS = 50, 2048
#: If steps are heavy, at most this share of the training rows is scored, but at least
#: ``_FEWEST_SCORED``: scoring twice then takes at most some 5 % of the training.
_SCORED, _FEWEST_SCORED = 0.1, 128
_NO_LIMIT = 2**31 - 1


class LoopRun:
    """One training by a traced loop.

    Args:
        program: The traced loop and its model.
        task: The data and the length of the training.
        probe: Rows to score before and after the training.
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
        self._passes = 0
        self._held_out_rows: HeldOut | None = None
        self._instead: Mapping[int, Any] | None = None

    def alone(self, finish: Callable[[Any], None] | None = None) -> Trace:
        """Train the program's model, and restore every variable.

        Args:
            finish: Called with the trained model; None to call nothing.
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
        """Whether the run may be concurrent with others of the same program: it trains
        on arrays, and everything is traced.
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
        """Train copies of the model's variables, concurrently with other runs.

        Args:
            start: First values of the program's ``variables``, in their order.
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
        """Score the model, train it, and score it again."""
        task, scored = self._task, self._scored
        scored.before = scored.probe()
        if task.arrays is not None:
            self._train_on_arrays(scored.ceiling(task.growth))
        else:
            self._train_on_dataset()
        if finish is not None:
            finish(self._program.model)
        scored.after = scored.probe()
        self._held_out_rows = self._compare_held_out()
        if self._held_out_rows is not None:
            found = self._agreement()
            self._held_out_rows = replace(self._held_out_rows, agreement=found)

    def _compare_held_out(self) -> HeldOut | None:
        """Compare held-out with training rows, with losses of some held-out rows; in
        concurrent runs these are left out if scoring them would trace a function.
        """
        held_out, scored = self._task.validation, self._scored
        there = beside(held_out, *self._trained_on())
        halves = [as_tensors(it) for it in near_and_others(held_out, there)]
        if self._instead is not None and not all(map(scored.knows, halves)):
            return there
        costs = [scored.loss(it) for it in halves]
        return with_costs(there, tuple(it for it in costs if it is not None))

    def _agreement(self) -> Agreement | None:
        """Compare predictions with labels if held-out rows cost more than training
        rows; in concurrent runs only if that traces no function.
        """
        held_out, after = self._task.validation, self._scored.after
        if held_out is None or after is None or not self._validation:
            return None
        if not self._validation[-1][1] > after.loss:
            return None
        rows = held_out.probe()
        alone = self._instead is None
        return self._scored.agreement(self._probe, rows, alone=alone)

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
            fed=self._fed(),
            counted=self._counted,
        )

    def _fed(self) -> DataFacts:
        """Return the facts that the structure of the dataset tells."""
        model = self._program.model
        return facts_of_dataset(self._task.dataset, model, self._passes)

    def _trained_on(self) -> tuple[ArrayData | Batch, float]:
        """Return the training rows or a sample of them, and the share that they are."""
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
        """Iterate over the dataset until the requested steps or epochs are done."""
        task = self._task
        wanted = task.steps if task.steps is not None else _NO_LIMIT
        passes = task.epochs if task.epochs is not None else _NO_LIMIT
        done, good = 0, True
        while good and done < wanted and passes > 0:
            fresh, good = self._one_pass(task.dataset, wanted - done)
            if fresh == 0 and good:
                raise UsageError(_ended_early(done, task))
            done, passes = done + fresh, passes - 1
            self._passes += 1
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
    """Return the result of `batch_order` as tensors."""
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
    """Scores of one run; if the model cannot be scored, only the loss curve is left."""

    def __init__(self, scorer: Scorer | None, probe: Batch, rows: int) -> None:
        self._scorer = None if scorer is None else scorer.anew(rows)
        self._failure: str | None = None
        self._probe = as_tensors(probe)
        self.before: Probe | None = None
        self.after: Probe | None = None

    def read_from(self, instead: Mapping[int, Any]) -> None:
        """Score copies instead of the model's variables; see `VariableCopies`."""
        if self._scorer is not None:
            self._scorer.instead = instead

    def knows(self, batch: Batch) -> bool:
        """Whether rows of these shapes were scored before."""
        return self._scorer is not None and self._scorer.knows(batch)

    @property
    def is_traced(self) -> bool:
        """Whether a probe of these shapes was scored before."""
        return self.knows(self._probe)

    def probe(self) -> Probe | None:
        """Score the model with its current weights; None if it cannot be scored."""
        if self._scorer is not None and self._failure is None:
            try:
                return self._scorer.probe(self._probe)
            except Exception as error:
                self._failure = could_not_score(error, self._scorer.model)
        return None

    def loss(self, batch: Batch) -> float | None:
        """Return the loss on other rows with the current weights, if known."""
        return None if self._scorer is None else self._scorer.probe(batch).loss

    def agreement(
        self, trained: Batch, held_out: Batch, *, alone: bool
    ) -> Agreement | None:
        """Compare predictions with the labels of both batches of arrays.

        Args:
            trained: Some training rows.
            held_out: Some held-out rows.
            alone: Whether a function may be traced.
        """
        scorer = self._scorer
        if scorer is None:
            return None
        if not alone and not all(
            scorer.can_predict(as_tensors(it)) for it in (trained, held_out)
        ):
            return None

        def predict(batch: Batch) -> Any:
            return scorer.predictions(as_tensors(batch))

        return agreement_by(predict, scorer.loss, trained, held_out)

    def constant(self, batch: Batch) -> float | None:
        """Return the loss of the best constant prediction on other rows, if known."""
        found = None if self._scorer is None else self._scorer.constant(batch)
        return None if found is None else found[0]

    def ceiling(self, growth: float | None) -> float:
        """Return the data loss above which a training cannot recover: ``growth`` times
        the larger reference loss (of the first weights, and of the best constant
        prediction); infinity if one of these is unknown or neither is positive.
        """
        if growth is None or self.before is None or self._scorer is None:
            return np.inf
        constant = self._scorer.constant(self._probe)
        if constant is None:
            return np.inf
        largest = max(self.before.loss, self.before.reported, constant[0])
        return growth * largest if largest > 0 else np.inf

    def scores(self) -> Scores:
        """Return both probes, and the losses of constant and perfect predictions."""
        if self.after is None or self._scorer is None:
            return Scores(failure=self._failure)
        return Scores.of(self._scorer, self._probe, self.before, self.after)


def _ended_early(done: int, task: TrainingSpec) -> str:
    if done == 0:
        return "lossguard.fit got an empty dataset: it yields no batch"
    wanted = f"{task.steps} steps" if task.steps else f"{task.epochs} epochs"
    return (
        f"the dataset ended after {done} steps and yields nothing on a second pass, but"
        f" {wanted} were asked for: add .repeat(), or ask for steps={done}"
    )


def _fewer(batch: Batch, most: int) -> Batch:
    """Return at most ``most`` evenly spaced rows of a batch of arrays."""
    if len(batch) <= most:
        return batch
    chosen = evenly_spaced(len(batch), most)

    def take(leaf: Any) -> Any:
        return None if leaf is None else leaf[chosen]

    return Batch(*(map_structure(take, part) for part in batch.parts))


def _rows_per_step(task: TrainingSpec) -> int:
    rows = task.batch_size if task.arrays is None else len(task.arrays)
    return min(task.batch_size, rows)
