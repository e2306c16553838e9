"""Batches of rows as arrays, and how many rows a probe takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .frameworks import tf
from .tensors import flatten

#: Rows, and batches, kept for the probe when no whole arrays were given.
ENOUGH_ROWS, ENOUGH_BATCHES = 512, 16
#: Rows of the probe: enough to know its mean loss to a few percent. Fewer are taken
#: if rows are large, because scoring a row costs as much as training on it.
PROBE_ROWS, _FEWEST_PROBE_ROWS, _MOST_PROBE_VALUES = 512, 128, 1 << 17


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs, targets and sample weights of some rows.

    They are nested structures of NumPy arrays; ragged and sparse tensors are kept as
    tensors.

    Attributes:
        x: Inputs.
        y: Targets, or None.
        sample_weight: Sample weights, or None.
    """

    x: Any
    y: Any
    sample_weight: Any = None

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """``x``, ``y`` and ``sample_weight``, in this order."""
        return self.x, self.y, self.sample_weight

    @property
    def size(self) -> int:
        """Number of values in the inputs; only stored ones of ragged or sparse ones."""
        leaves = tf.nest.flatten(self.x, expand_composites=True)
        return sum(int(np.prod(it.shape)) for it in leaves if it is not None)

    def __len__(self) -> int:
        leaves = flatten(self.x) or flatten(self.y)
        return int(leaves[0].shape[0]) if leaves and len(leaves[0].shape) else 0


def probe_rows(x: Any) -> int:
    """Return how many rows to score of inputs of the size of ``x``."""
    values = sum(np.size(leaf) // max(1, len(leaf)) for leaf in flatten(x))
    rows = _MOST_PROBE_VALUES // max(1, values)
    return int(min(max(rows, _FEWEST_PROBE_ROWS), PROBE_ROWS))
