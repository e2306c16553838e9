"""The specification of a training: data, length and options, checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.errors import UsageError
from ...core.given import MOST, shown
from ...core.trace import ClassOrder
from ..backend.batch import Batch
from ..backend.data import ArrayData, checked_arrays, first_rows, is_dataset
from ..backend.frameworks import tf
from ..backend.tensors import flatten

#: Called with a model before or after its training.
Hook = Callable[[Any], None] | None

#: Most rows in all steps of a training, because row numbers are int32.
_MOST_ROWS = 2**31 - 1
_DEFAULT_STEPS, _DEFAULT_BATCH_SIZE = 100, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec:
    """The data and the length of a training.

    Attributes:
        arrays: The data; None if a dataset is given.
        dataset: A `tf.data.Dataset` of batches; None if arrays are given.
        steps: Number of updates; None if ``epochs`` is given instead.
        epochs: Number of passes over the data; None if ``steps`` is given instead.
        batch_size: Rows per step; for a dataset, the size of its first batch.
        shuffle: Whether arrays are shuffled again in each epoch.
        validation: Held-out rows; None if there are none.
        seed: Seed of the shuffling.
        class_order: Class order of a dataset that may be sorted by class, else None.
        growth: The training ends at a step whose loss is this many times both reference
            losses, since it cannot recover; None to run all steps.
        plain_gradients: Place of a function whose custom gradient is to be replaced by
            automatic differentiation; empty for none.
    """

    arrays: ArrayData | None = None
    dataset: Any = None
    steps: int | None = None
    epochs: int | None = None
    batch_size: int = 32
    shuffle: bool = True
    validation: ArrayData | None = None
    seed: int = 0
    class_order: ClassOrder | None = None
    growth: float | None = None
    plain_gradients: str = ""

    @property
    def steps_per_epoch(self) -> int | None:
        """Number of batches in the arrays; None for a dataset."""
        if self.arrays is None:
            return None
        return -(-len(self.arrays) // self.batch_size)

    def array_steps(self) -> int:
        """Return the number of updates of a training on arrays."""
        if self.steps is not None:
            return self.steps
        return (self.epochs or 1) * (self.steps_per_epoch or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRun:
    """A model and the training to run with it.

    Attributes:
        model: A compiled Keras model.
        task: The data and the length of the training.
        probe: Rows to score before and after the training.
        owned: Whether no user code refers to the model, so that it may stay changed.
        prepare: Called with the model before the training; its changes to variables
            are undone.
        finish: Called with the trained model.
        only_in_graph: Whether to raise `CannotChange` if the model can only be trained
            by ``model.fit``.
    """

    model: Any
    task: TrainingSpec
    probe: Batch
    owned: bool
    prepare: Hook = None
    finish: Hook = None
    only_in_graph: bool = False


def make_spec(
    x: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    validation_data: Any = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool = True,
    seed: int = 0,
    growth: float | None = None,
) -> TrainingSpec:
    """Check the arguments of `Lossguard.fit` and return them as a specification.

    Raises:
        UsageError: The model cannot be trained on the data as given.
    """
    size = batch_size or _DEFAULT_BATCH_SIZE
    task = TrainingSpec(
        steps=_DEFAULT_STEPS if steps is None and epochs is None else steps,
        epochs=epochs,
        batch_size=size,
        shuffle=shuffle,
        validation=_validation(validation_data, size),
        seed=seed,
        growth=growth,
    )
    if not is_dataset(x):
        task = replace(task, arrays=checked_arrays(x, y, sample_weight, size))
        _check_length(task, task.steps_per_epoch or 1)
        return task
    if y is not None or sample_weight is not None:
        raise UsageError(
            "x is a tf.data.Dataset, but y or sample_weight is given too: a dataset"
            " yields them itself, as (x, y) or (x, y, sample_weight)"
        )
    if steps is None and epochs is not None:
        batches = int(x.cardinality())
        if batches == tf.data.INFINITE_CARDINALITY:
            raise UsageError(
                f"lossguard.fit was asked for epochs={epochs} of a dataset that never"
                " ends: ask for steps, or leave .repeat() out"
            )
        _check_length(task, max(batches, 1))
    return replace(task, dataset=x)


def _check_length(task: TrainingSpec, per_epoch: int) -> None:
    """Reject a training that is too long to be recorded.

    Raises:
        UsageError: There are too many updates, or too many rows in all of them.
    """
    updates = task.steps or (task.epochs or 1) * per_epoch
    if updates > MOST:
        raise UsageError(
            f"epochs={task.epochs} of {per_epoch:,} batches are {updates:,} updates:"
            f" lossguard.fit runs at most {MOST:,}, ask for fewer"
        )
    rows = 0 if task.arrays is None else min(task.batch_size, len(task.arrays))
    if updates * rows > _MOST_ROWS:
        raise UsageError(
            f"{updates:,} updates of {rows:,} rows each see {updates * rows:,} rows:"
            f" lossguard.fit counts to {_MOST_ROWS:,}, ask for fewer steps"
        )


def _validation(given: Any, batch_size: int) -> ArrayData | None:
    if given is None:
        return None
    if is_dataset(given):
        rows = first_rows(given, of="validation_data").rows
        if rows is None:
            raise UsageError("validation_data is an empty dataset: it yields no batch")
        parts = rows.x, rows.y, rows.sample_weight
    elif isinstance(given, tuple) and len(given) in (2, 3):
        parts = given if len(given) == 3 else (*given, None)
    else:
        raise UsageError(
            f"validation_data={shown(given)}: validation_data must be a tuple (x, y) or"
            " (x, y, sample_weight), or a dataset of these"
        )
    data = checked_arrays(*parts, batch_size, of=" of validation_data")
    for name, part in (("x", data.x), ("y", data.y)):
        for leaf in flatten(part):
            if np.asarray(leaf).dtype.kind == "f" and not np.isfinite(leaf).any():
                raise UsageError(
                    f"{name} of validation_data holds no finite number: give rows that"
                    " can be scored, or leave validation_data out"
                )
    return data


def batch_order(
    rows: int, batch_size: int, steps: int, *, shuffle: bool, seed: int
) -> tuple[Any, Any, Any]:
    """Choose the rows of each step.

    Returns:
        Three int32 arrays: row numbers, epoch after epoch; for each step, the index in
        these of its first row; and for each step, its number of rows. The latter two
        have the shape ``(steps, 1)``. The last batch of an epoch is shorter if the
        batch size does not divide ``rows``.
    """
    per_epoch = -(-rows // batch_size)
    epoch, within = np.divmod(np.arange(steps), per_epoch)
    starts = epoch * rows + within * batch_size
    sizes = np.minimum(batch_size, rows - within * batch_size)
    generator = np.random.default_rng(seed)
    order = [
        generator.permutation(rows) if shuffle else np.arange(rows)
        for _ in range(int(epoch[-1]) + 1)
    ]
    return (
        np.concatenate(order).astype(np.int32),
        starts.astype(np.int32)[:, None],
        sizes.astype(np.int32)[:, None],
    )
