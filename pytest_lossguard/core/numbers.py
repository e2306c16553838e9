"""Formatting of numbers and names for people."""

from __future__ import annotations

import math
from collections.abc import Iterable


def number(value: float | None) -> str:
    """Format a number for people: three digits, no ``+0``."""
    if value is None:
        return "unknown"
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value == int(value) and abs(value) < 10_000:
        return str(int(value))
    return f"{value:.3g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def percent(value: float) -> str:
    """Format a share: ``"12%"``, ``"0.3%"``, ``"under 0.01%"``."""
    if not 0 < abs(value) < 0.01:
        return f"{value:.0%}"
    return f"{100 * value:.1g}%" if abs(value) >= 0.0001 else "under 0.01%"


def percent_and_limit(value: float, limit: float) -> tuple[str, str]:
    """Format a share and its limit, with as many digits as tell them apart."""
    shown = percent(value), percent(limit)
    for digits in 1, 2:
        if value == limit or shown[0] != shown[1]:
            break
        shown = f"{value:.{digits}%}", f"{limit:.{digits}%}"
    return shown


def format_seconds(seconds: float) -> str:
    """Format a duration as ``"3.2 s"``, ``"2 min 5 s"``, ``"1 h 3 min"``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"


def format_names(names: Iterable[str], most: int) -> str:
    """Return the first names, and how many more there are: ``"a, b and 3 more"``."""
    every = list(names)
    more = len(every) - most
    return ", ".join(every[:most]) + (f" and {more} more" if more > 0 else "")
