"""What a training in the graph is asked to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import UsageError
from .data import ArrayData, checked_arrays, first_rows, is_dataset
from .frameworks import tf
from .recording import Batch

__all__ = ["Hook", "Job", "Task", "batch_order", "make_task"]

#: Called with a model: before it trains, or when it has.
Hook = Callable[[Any], None] | None

_DEFAULT_STEPS, _DEFAULT_BATCH_SIZE = 100, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to train on, and for how long.

    Attributes:
        arrays: The data, None where a dataset is given.
        dataset: A `tf.data.Dataset` of batches, None where arrays are given.
        steps: Updates to make, None where ``epochs`` counts.
        epochs: Passes over the data, None where ``steps`` counts.
        batch_size: Rows per step; of a dataset those of its first batch.
        shuffle: Whether arrays are shuffled anew each epoch.
        validation: Held-out rows.
        seed: Of the shuffling.
        growth: Where given, the training ends at a step whose loss is so many
            times above both yardsticks: its fate is sealed.
    """

    arrays: ArrayData | None = None
    dataset: Any = None
    steps: int | None = None
    epochs: int | None = None
    batch_size: int = 32
    shuffle: bool = True
    validation: ArrayData | None = None
    seed: int = 0
    growth: float | None = None

    @property
    def steps_per_epoch(self) -> int | None:
        """Known for arrays."""
        if self.arrays is None:
            return None
        return -(-len(self.arrays) // self.batch_size)

    def array_steps(self) -> int:
        """Updates on arrays."""
        if self.steps is not None:
            return self.steps
        return (self.epochs or 1) * (self.steps_per_epoch or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A task for a model.

    Attributes:
        model: A compiled Keras model.
        task: What to train on.
        probe: Rows to score before and after.
        owned: Whether nobody else holds the model.
        prepare: Called with the model before it trains; what it changes is put back.
        finish: Called with the trained model.
        only_in_graph: Whether a model that would have to be trained by Keras is
            refused.
    """

    model: Any
    task: Task
    probe: Batch
    owned: bool
    prepare: Hook = None
    finish: Hook = None
    only_in_graph: bool = False


def make_task(
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
) -> Task:
    """The task of `Lossguard.fit`'s arguments, checked.

    Raises:
        UsageError: The data cannot be trained on as given.
    """
    size = batch_size or _DEFAULT_BATCH_SIZE
    task = Task(
        steps=_DEFAULT_STEPS if steps is None and epochs is None else steps,
        epochs=epochs,
        batch_size=size,
        shuffle=shuffle,
        validation=_validation(validation_data, size),
        seed=seed,
        growth=growth,
    )
    if not is_dataset(x):
        return replace(task, arrays=checked_arrays(x, y, sample_weight, size))
    if y is not None or sample_weight is not None:
        raise UsageError(
            "lossguard.fit got a tf.data.Dataset and y or sample_weight beside it: a"
            " dataset yields them itself, as (x, y) or (x, y, sample_weight)"
        )
    if steps is None and epochs is not None and _never_ends(x):
        raise UsageError(
            f"lossguard.fit was asked for epochs={epochs} of a dataset that never"
            " ends: ask for steps, or leave .repeat() out"
        )
    return replace(task, dataset=x)


def _never_ends(dataset: Any) -> bool:
    return bool(dataset.cardinality() == tf.data.INFINITE_CARDINALITY)


def _validation(given: Any, batch_size: int) -> ArrayData | None:
    if given is None:
        return None
    if is_dataset(given):
        rows, _ = first_rows(given)
        if rows is None:
            raise UsageError("validation_data is an empty dataset: it yields no batch")
        return checked_arrays(rows.x, rows.y, rows.sample_weight, batch_size)
    if not isinstance(given, tuple) or len(given) not in (2, 3):
        raise UsageError(
            "validation_data must be (x, y), (x, y, sample_weight) or a dataset; got"
            f" {type(given).__name__}"
        )
    weight = given[2] if len(given) == 3 else None
    return checked_arrays(given[0], given[1], weight, batch_size)


def batch_order(
    rows: int, batch_size: int, steps: int, *, shuffle: bool, seed: int
) -> tuple[Any, Any, Any]:
    """Which rows each step trains on.

    Returns:
        ``order``, row numbers epoch after epoch, and for each step where its
        rows begin in it and how many they are, of shape ``(steps, 1)``, all
        int32. The last batch of an epoch is shorter where the rows do not divide.
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
