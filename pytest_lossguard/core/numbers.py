"""Numbers as people read them."""

from __future__ import annotations

import math

__all__ = ["number"]


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
