"""Whether some values are worse than others by more than chance: ranks, exactly.

The one-sided test of Mann and Whitney (1947): no distribution is assumed of the
values, and none has to be, at the price of several values on either side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

__all__ = ["chance_of_worse"]


def chance_of_worse(
    before: Sequence[float],
    now: Sequence[float],
    is_worse: Callable[[float, float], bool],
) -> float:
    """How likely values as bad as these are where nothing has changed.

    Args:
        before: At least one value.
        now: Likewise.
        is_worse: Whether a value of now is worse than one of before, by more than
            what is not worth telling; what is not worse counts for the unchanged.

    Returns:
        A probability. The smallest that so many values can show is one in
        `math.comb(len(before) + len(now), len(now))`.
    """
    exceptions = sum(not is_worse(new, old) for new in now for old in before)
    return _share_of_orders(len(before), len(now), exceptions)


def _share_of_orders(before: int, now: int, most: int) -> float:
    """The share of all orders of the values with at most so many exceptions."""
    few = sum(_orders(before, now, count) for count in range(most + 1))
    return few / math.comb(before + now, now)


@cache
def _orders(before: int, now: int, exceptions: int) -> int:
    """Orders of the values with exactly so many exceptions.

    Taking away the last value, which is one of before or one of now, leads to the
    counts of fewer values.
    """
    if exceptions < 0:
        return 0
    if before == 0 or now == 0:
        return int(exceptions == 0)
    return _orders(before, now - 1, exceptions - before) + _orders(
        before - 1, now, exceptions
    )
