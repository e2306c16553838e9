"""Reduce the points of a curve without a visible difference."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...core.trace import Floats

#: More points would not be visible on a screen.
MOST_POINTS = 400


def rounded(values: Floats) -> list[float]:
    """Round to five significant digits, which is more than a screen shows."""
    # all at once: formatting one by one took most of the time of a page
    text = " ".join(["%.5g"] * len(values)) % tuple(values.tolist())
    return [*map(float, text.split())]


def thinned(
    curve: Floats, *, most: int = MOST_POINTS, always: Iterable[int] = ()
) -> NDArray[np.intp]:
    """Return the points of a curve to draw.

    These are the ends, the smallest and the largest value of each stretch, the first
    value of a stretch that is not finite, and the requested points.

    Args:
        curve: Values of shape ``(steps,)``.
        most: Most points to keep; a curve with no more points is kept whole.
        always: Indices to keep in any case; those outside the curve are ignored.

    Returns:
        Indices in ascending order, at most ``most`` plus those in ``always``.
    """
    steps = len(curve)
    if steps <= most:
        return np.arange(steps)
    kept = {0, steps - 1, *(it for it in always if 0 <= it < steps)}
    for stretch in np.array_split(np.arange(steps), max(1, (most - 2) // 3)):
        values = curve[stretch]
        finite = np.isfinite(values)
        if not finite.all():
            kept.add(int(stretch[np.argmin(finite)]))
        if finite.any():
            kept.add(int(stretch[np.argmin(np.where(finite, values, np.inf))]))
            kept.add(int(stretch[np.argmax(np.where(finite, values, -np.inf))]))
    return np.asarray(sorted(kept))


def columns_of(table: Floats, most: int) -> tuple[list[int], Floats]:
    """Reduce a table of steps to fewer columns, each the largest value of its stretch.

    Args:
        table: Values of shape ``(steps, variables)``; values that are not finite stay
            so.
        most: Most columns.

    Returns:
        The first step of each column, counted from 1, and the values of shape
        ``(columns, variables)``.
    """
    steps = len(table)
    edges = np.unique(np.linspace(0, steps, min(most, steps) + 1).astype(int))[:-1]
    if not len(edges):
        return [], table
    return [int(it) + 1 for it in edges], np.maximum.reduceat(table, edges, axis=0)
