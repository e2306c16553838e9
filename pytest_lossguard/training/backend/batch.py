"""Some rows as arrays, and which of many rows to take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .frameworks import tf
from .tensors import flatten

__all__ = [
    "ENOUGH_BATCHES",
    "ENOUGH_ROWS",
    "PROBE_ROWS",
    "Batch",
    "probe_rows",
]

#: Data kept for the probe where no whole arrays were given.
ENOUGH_ROWS, ENOUGH_BATCHES = 512, 16
#: Rows of the probe: enough that the mean loss of it is known to a few percent.
#: Of large rows fewer are taken, to score them costs as much as training on them.
PROBE_ROWS, _FEWEST_PROBE_ROWS, _MOST_PROBE_VALUES = 512, 128, 1 << 17


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs, targets and weights of some rows, as nested NumPy arrays; ragged and
    sparse tensors stay what they are.
    """

    x: Any
    y: Any
    sample_weight: Any = None

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """All three, in order."""
        return self.x, self.y, self.sample_weight

    @property
    def size(self) -> int:
        """Numbers in the inputs; of ragged and sparse ones those that there are."""
        leaves = tf.nest.flatten(self.x, expand_composites=True)
        return sum(int(np.prod(it.shape)) for it in leaves if it is not None)

    def __len__(self) -> int:
        leaves = flatten(self.x) or flatten(self.y)
        return int(leaves[0].shape[0]) if leaves and len(leaves[0].shape) else 0


def probe_rows(x: Any) -> int:
    """How many rows of such inputs to score."""
    values = sum(np.size(leaf) // max(1, len(leaf)) for leaf in flatten(x))
    rows = _MOST_PROBE_VALUES // max(1, values)
    return int(min(max(rows, _FEWEST_PROBE_ROWS), PROBE_ROWS))
