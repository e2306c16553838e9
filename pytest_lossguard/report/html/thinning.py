"""Fewer points of a curve that look the same."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...core.trace import Floats

__all__ = ["MOST_POINTS", "columns_of", "rounded", "thinned"]

#: More points than a screen has columns for show nothing more.
MOST_POINTS = 400


def rounded(values: Floats) -> list[float]:
    """Five digits of each, which is more than a screen shows."""
    # all at once: one by one this took most of the time of a page
    text = " ".join(["%.5g"] * len(values)) % tuple(values.tolist())
    return [*map(float, text.split())]


def thinned(
    curve: Floats, *, most: int = MOST_POINTS, always: Iterable[int] = ()
) -> NDArray[np.intp]:
    """Which points of a curve to draw.

    The ends, the smallest and the largest of each stretch, the first that is not
    finite in a stretch, and those asked for.

    Args:
        curve: Shape ``(steps,)``.
        most: Points wanted; a curve that is no longer is kept whole.
        always: Indices that stay; those outside the curve are ignored.

    Returns:
        Indices in order, at most ``most`` and those asked for.
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
    """A table of steps in fewer columns, each the largest of its stretch.

    Args:
        table: Shape ``(steps, variables)``; what is not finite stays so.
        most: Columns wanted.

    Returns:
        The first step of each column, counted from 1, and its values, of shape
        ``(columns, variables)``.
    """
    steps = len(table)
    edges = np.unique(np.linspace(0, steps, min(most, steps) + 1).astype(int))[:-1]
    if not len(edges):
        return [], table
    return [int(it) + 1 for it in edges], np.maximum.reduceat(table, edges, axis=0)
