"""Zeros between other ids in sequences in which 0 is masked as padding."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data_facts import MaskedTokens
from .rows import evenly_spaced

#: Most rows that are examined.
_MOST_ROWS = 512


def masked_tokens(layer: str, inputs: NDArray[Any], ids: int) -> MaskedTokens | None:
    """Count the zeros inside the rows of token ids.

    Args:
        layer: Name of the layer that reads the ids.
        inputs: Token ids of shape ``(rows, positions)``.
        ids: Number of ids of the layer, with 0.

    Returns:
        The counts; None if ``inputs`` are not ids below ``ids``, or all are 0.
    """
    if inputs.ndim != 2 or inputs.dtype.kind not in "fiu":
        return None
    some = inputs[evenly_spaced(len(inputs), _MOST_ROWS)]
    some = some[(some != 0).any(axis=1)]
    if not len(some) or not np.isfinite(some).all() or (some % 1).any():
        return None
    if some.min() < 0 or some.max() >= ids:
        return None
    other = some != 0
    inside = np.logical_or.accumulate(other, axis=1)
    inside &= np.logical_or.accumulate(other[:, ::-1], axis=1)[:, ::-1]
    zeros = inside & ~other
    begun = (zeros[:, 1:] & other[:, :-1]).sum(axis=1)
    counts = np.bincount(some[other].astype(np.int64), minlength=ids)[1:]
    used = counts[counts > 0]
    return MaskedTokens(
        layer=layer,
        rows=len(some),
        broken=int((begun > 1).sum()),
        run=float(zeros.sum() / max(1, begun.sum())),
        share=float(zeros.sum() / inside.sum()),
        usual=float(np.median(used) / inside.sum()),
        ids=ids,
        missing=int((counts == 0).sum()),
        lacks_last=bool(counts[-1] == 0),
    )
