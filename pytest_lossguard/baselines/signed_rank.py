"""The exact one-sided signed-rank test of Wilcoxon (1945), for pairs that got worse.

Both values of a pair have the same seed, and so the same weights and batches. The only
assumption is that, if nothing has changed, either value of a pair is equally likely to
be the worse one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def chance_of_worse(worsening: Sequence[float]) -> float:
    """Return the probability of differences at least as bad as these by chance.

    Args:
        worsening: By how much each pair got worse; 0 or less if it did not.

    Returns:
        The p-value of the test, at least ``0.5 ** len(worsening)``.
    """
    values = np.asarray(worsening, dtype=np.float64)
    doubled = _doubled_ranks(np.abs(values))
    against = int(doubled[values <= 0].sum())
    return _share_up_to(doubled, against)


def _doubled_ranks(sizes: np.ndarray) -> np.ndarray:
    """Return ranks from 1, doubled to be integers; equal sizes have their mean rank."""
    below = (sizes[:, None] > sizes[None, :]).sum(axis=1)
    equal = (sizes[:, None] == sizes[None, :]).sum(axis=1)
    return np.asarray(2 * below + equal + 1, dtype=np.int64)


def _share_up_to(doubled: np.ndarray, most: int) -> float:
    """Return the share of all assignments of signs whose negative ranks add up to at
    most ``most``.
    """
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] += ways[: len(ways) - rank].copy()
    return float(ways[: most + 1].sum() / 2.0 ** len(doubled))
