"""A small curve, as points of an SVG polyline."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ..sparkline import is_logarithmic

WIDTH, HEIGHT = 100, 24
_MOST_POINTS = 48


def small_curve(
    values: Sequence[float], level: float | None = None
) -> dict[str, object]:
    """Return the points of a curve in a box of `WIDTH` by `HEIGHT`.

    Args:
        values: Losses; the line is interrupted where they are not finite.
        level: A loss drawn as a horizontal line; None for no line.

    Returns:
        ``lines``, each the ``points`` of a polyline; ``level``, the height of the
        horizontal line or None; ``broken``, whether a value is not finite.
    """
    curve = np.asarray(values, np.float64)
    finite = np.isfinite(curve)
    levels = [] if level is None or not np.isfinite(level) else [level]
    if not finite.any():
        return {"lines": [], "level": None, "broken": bool(len(curve))}
    shown = np.asarray([*curve[finite], *levels])
    if is_logarithmic(shown):
        curve = np.log10(np.where(finite, curve, 1.0))
        shown, levels = np.log10(shown), [float(np.log10(it)) for it in levels]
    # Halved before the subtraction, because the span of the largest floats overflows.
    low, high = shown.min() / 2, shown.max() / 2
    span = (high - low) or 1.0
    # The largest value of each stretch, so that a spike of one step is visible.
    starts = _stretch_starts(len(curve))
    tops = np.asarray([*np.maximum.reduceat(curve, starts), *levels])
    heights = HEIGHT - 2 - (HEIGHT - 4) * ((tops / 2 - low) / span)
    y = [round(it, 1) for it in heights.tolist()]
    x = np.round(WIDTH * np.arange(len(starts)) / max(1, len(starts) - 1), 1).tolist()
    whole = np.logical_and.reduceat(finite, starts).tolist()
    parts = groupby(zip(x, y, whole, strict=False), key=itemgetter(2))
    return {
        "lines": [_points([*it]) for is_whole, it in parts if is_whole],
        "level": y[-1] if levels else None,
        "broken": not finite.all(),
    }


def _stretch_starts(count: int) -> NDArray[np.intp]:
    """Return the start of each of at most `_MOST_POINTS` stretches, the longer ones
    first.
    """
    stretches = min(_MOST_POINTS, count)
    each, longer = divmod(count, stretches)
    index = np.arange(stretches)
    return index * each + np.minimum(index, longer)


def _points(points: list[tuple[float, float, bool]]) -> str:
    numbers = [it for x, y, _ in points for it in (x, y)]
    return " ".join(["%g,%g"] * len(points)) % tuple(numbers)
