"""A loss curve in one line of text."""

from __future__ import annotations

import numpy as np

from ..trace import Floats

__all__ = ["heights", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_ASCII = "_.-=+*#@"
#: Curves that span more than this factor are drawn on a logarithmic scale.
_LOG_FROM = 50.0


def heights(curve: Floats, width: int) -> tuple[Floats, bool]:
    """What a curve looks like in a few columns, the largest value of each deciding.

    Args:
        curve: Losses, shape ``(steps,)``.
        width: Most columns to use.

    Returns:
        Heights from 0 to 1, shape ``(columns,)``, NaN where a value of the column is
        not finite; and whether their scale is logarithmic.
    """
    parts = np.array_split(curve, min(width, len(curve)) or 1)
    columns = np.asarray([np.max(it) if len(it) else np.nan for it in parts])
    columns = np.where(np.isfinite(columns), columns, np.nan)
    if np.isnan(columns).all():
        return columns, False
    low, high = np.nanmin(columns), np.nanmax(columns)
    logarithmic = bool(0 < low < high / _LOG_FROM)
    if logarithmic:
        columns = np.log(columns)
    else:  # the span of the largest floats is no float
        columns = columns / (max(abs(low), abs(high)) or 1.0)
    low = np.nanmin(columns)
    span = (np.nanmax(columns) - low) or 1.0
    return (columns - low) / span, logarithmic


def sparkline(
    curve: Floats, *, width: int = 40, ascii_only: bool = False
) -> tuple[str, bool]:
    """Draw a curve, the largest value of each column deciding its height.

    Args:
        curve: Losses, shape ``(steps,)``; NaN and infinities become ``!``.
        width: Most characters to use.
        ascii_only: For terminals that cannot show block characters.

    Returns:
        The line, and whether its scale is logarithmic.
    """
    if not len(curve):
        return "", False
    columns, logarithmic = heights(curve, width)
    marks = _ASCII if ascii_only else _BLOCKS
    line = "".join(
        "!" if np.isnan(height) else marks[round(height * (len(marks) - 1))]
        for height in columns
    )
    return line, logarithmic
