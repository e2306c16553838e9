"""A curve in small, as points of an SVG polyline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..sparkline import is_logarithmic

__all__ = ["HEIGHT", "WIDTH", "small_curve"]

WIDTH, HEIGHT = 100, 24
_MOST_POINTS = 48


def small_curve(
    values: Sequence[float], level: float | None = None
) -> dict[str, object]:
    """Where the points of a curve lie in a box of `WIDTH` by `HEIGHT`.

    Args:
        values: Losses; what is not finite ends the line.
        level: Drawn as a straight line beside it, where given.

    Returns:
        ``lines``, each the ``points`` of a polyline; ``level``, its height or None;
        ``broken``, whether a value was not finite.
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
    # Halved before it is subtracted: the span of the largest floats is no float.
    low, high = shown.min() / 2, shown.max() / 2
    span = (high - low) or 1.0

    def height(value: float) -> float:
        return round(float(HEIGHT - 2 - (HEIGHT - 4) * ((value / 2 - low) / span)), 1)

    # The largest of each stretch: a blow-up of one step must show.
    columns = [it.max() for it in np.array_split(curve, min(_MOST_POINTS, len(curve)))]
    whole = [it.all() for it in np.array_split(finite, min(_MOST_POINTS, len(curve)))]
    lines: list[list[str]] = [[]]
    for column, value in enumerate(columns):
        if not whole[column]:
            lines.append([])
            continue
        x = round(WIDTH * column / max(1, len(columns) - 1), 1)
        lines[-1].append(f"{x:g},{height(value):g}")
    return {
        "lines": [" ".join(it) for it in lines if it],
        "level": height(levels[0]) if levels else None,
        "broken": not finite.all(),
    }
