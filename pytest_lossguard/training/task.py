"""What a training in the graph is asked to do."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data import ArrayData

__all__ = ["Task", "batch_order"]


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


@functools.lru_cache(maxsize=8)
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
