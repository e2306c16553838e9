"""A loss curve in one line of text."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..core.trace import Floats

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#@"
#: Curves that span more than this factor are drawn on a logarithmic scale.
_LOG_FROM = 50.0


def is_logarithmic(values: Iterable[float]) -> bool:
    """Whether these values are easier to read on a logarithmic scale."""
    known = np.fromiter(values, np.float64)
    finite = known[np.isfinite(known)]
    return len(finite) > 0 and bool(0 < finite.min() < finite.max() / _LOG_FROM)


def sparkline(
    curve: Floats,
    *,
    width: int = 40,
    ascii_only: bool = False,
    among: Floats | None = None,
) -> tuple[str, bool]:
    """Draw a curve in one line; each character shows the largest value of its stretch.

    Args:
        curve: Losses of shape ``(steps,)``; NaN and infinities become ``!``.
        width: Most characters of the line.
        ascii_only: Whether to avoid block characters, which some terminals cannot show.
        among: Values that set the range of the scale, as those of several curves;
            default: those of ``curve``.

    Returns:
        The line, and whether its scale is logarithmic.
    """
    if not len(curve):
        return "", False
    columns = [
        float(np.max(it)) for it in np.array_split(curve, min(width, len(curve)))
    ]
    heights = np.asarray(columns)
    finite = np.isfinite(heights)
    if not finite.any():
        return "!" * len(heights), False
    spanned = heights[finite] if among is None else among[np.isfinite(among)]
    low, high = spanned.min(), spanned.max()
    logarithmic = is_logarithmic(spanned)
    if logarithmic:
        heights[finite] = np.log(heights[finite])
        low, high = np.log(low), np.log(high)
    else:  # scaled first, because the span of the largest floats overflows
        size = max(abs(low), abs(high)) or 1.0
        heights[finite] /= size
        low, high = low / size, high / size
    marks = _ASCII if ascii_only else _BLOCKS
    span = (high - low) or 1.0
    return "".join(
        marks[round((height - low) / span * (len(marks) - 1))] if is_finite else "!"
        for height, is_finite in zip(heights, finite, strict=True)
    ), logarithmic
