"""Gradient norms over steps and variables, as a figure of kind ``"map"``."""

from __future__ import annotations

import math
from typing import Any

from .figures import Figure

#: Longest variable name next to the map.
_LONGEST = 22


def gradients_figure(details: dict[str, Any]) -> Figure | None:
    """Return the gradient norm of each variable over the steps, with colors on a log
    scale; None if there are no variables.

    Returns:
        ``x``, the first step of each column; ``names`` of the rows; ``z``, the norms of
        each row as powers of ten, None where there is no norm; ``low`` and ``high``,
        their range; ``zero``, the value that stands for a norm of 0, one below the
        smallest, or None; ``broken``, pairs of step and row where a norm is not finite.
    """
    table = details["variables"]
    if not table["names"] or not table["x"]:
        return None
    norms = [it for row in table["norms"] for it in row]
    known = [math.log10(it) for it in norms if it > 0 and math.isfinite(it)]
    zero = math.floor(min(known, default=0)) - 1
    low = zero if 0 in norms else zero + 1
    return {
        "kind": "map",
        "x": table["x"],
        "names": _short(table["names"]),
        "z": [[_cell(it, zero) for it in row] for row in table["norms"]],
        "low": low,
        "high": max(math.ceil(max(known, default=0)), low + 1),
        "zero": zero if 0 in norms else None,
        "broken": _broken(table),
    }


def _cell(norm: float, zero: int) -> float | None:
    if norm < 0 or not math.isfinite(norm):
        return None
    return float(f"{math.log10(norm):.3g}") if norm > 0 else float(zero)


def _broken(table: dict[str, Any]) -> list[list[int]]:
    return [
        [step, row]
        for row, norms in enumerate(table["norms"])
        for step, norm in zip(table["x"], norms, strict=True)
        if not math.isfinite(norm)
    ]


def _short(names: list[str]) -> list[str]:
    """Remove the folders that all names share, and shorten long names."""
    folders = [it.split("/")[:-1] for it in names]
    shared = 0
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        shared += 1
    rest = ["/".join(it.split("/")[shared:]) for it in names]
    return [it if len(it) <= _LONGEST else f"…{it[1 - _LONGEST :]}" for it in rest]
