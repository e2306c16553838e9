"""Numbers as people read them."""

from __future__ import annotations

import math

__all__ = ["format_seconds", "number"]


def number(value: float | None) -> str:
    """Print a number the way a person reads it: three digits, no ``+0``."""
    if value is None:
        return "unknown"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 10_000:
        return str(int(value))
    return f"{value:.3g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def format_seconds(seconds: float) -> str:
    """As ``"3.2 s"``, ``"2 min 5 s"``, ``"1 h 3 min"``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"
