"""Whether pairs of values got worse by more than chance: signed ranks, exactly.

The one-sided signed-rank test of Wilcoxon (1945). Each pair has the same seed, so the
same weights and batches; of the values nothing is assumed but that, where nothing has
changed, either one of a pair could be the worse.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["chance_of_worse"]


def chance_of_worse(worsening: Sequence[float]) -> float:
    """How likely differences as bad as these are where nothing has changed.

    Args:
        worsening: By how much each pair got worse; 0 and less for not at all.

    Returns:
        A probability, at least ``0.5 ** len(worsening)``.
    """
    values = np.asarray(worsening, dtype=np.float64)
    doubled = _doubled_ranks(np.abs(values))
    against = int(doubled[values <= 0].sum())
    return _share_up_to(doubled, against)


def _doubled_ranks(sizes: np.ndarray) -> np.ndarray:
    """Ranks from 1, those of equal sizes their mean; doubled to be whole."""
    below = (sizes[:, None] > sizes[None, :]).sum(axis=1)
    equal = (sizes[:, None] == sizes[None, :]).sum(axis=1)
    return np.asarray(2 * below + equal + 1, dtype=np.int64)


def _share_up_to(doubled: np.ndarray, most: int) -> float:
    """The share of all choices of signs whose ranks against add up to no more."""
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] += ways[: len(ways) - rank].copy()
    return float(ways[: most + 1].sum() / 2.0 ** len(doubled))
