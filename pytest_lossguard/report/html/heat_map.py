"""Gradient norms over steps and variables, as plotly's plain data and layout."""

from __future__ import annotations

import math
from typing import Any

from .figures import RED, Figure, plain

__all__ = ["gradients_figure"]

#: Longest variable name beside the map.
_LONGEST = 22
#: Most numbers beside the scale of colors.
_MOST_TICKS = 8


def gradients_figure(details: dict[str, Any]) -> Figure | None:
    """Gradient norm of each variable over the steps, colors on a log scale; None
    where there are no variables.
    """
    table = details["variables"]
    if not table["names"] or not table["x"]:
        return None
    rows = len(table["names"])
    layout = {
        "height": 84 + 24 * rows,
        "margin": {"l": 10, "r": 12, "t": 36, "b": 44},
        "xaxis": {"title": {"text": "step"}, "showgrid": False},
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "showgrid": False,
            "zeroline": False,
            "tickvals": list(range(rows)),
            "ticktext": _short(table["names"]),
            "ticksuffix": " ",
        },
    }
    return {"data": [_map(table), *_broken(table)], "layout": layout}


def _map(table: dict[str, Any]) -> dict[str, Any]:
    """Cells as powers of ten; a norm of 0 lies one below the smallest."""
    norms = [it for row in table["norms"] for it in row]
    known = [math.log10(it) for it in norms if it > 0 and math.isfinite(it)]
    zero = math.floor(min(known, default=0)) - 1
    has_zero = 0 in norms
    low = zero if has_zero else zero + 1
    high = max(math.ceil(max(known, default=0)), low + 1)
    ticks = list(range(low, high + 1, math.ceil((high - low) / _MOST_TICKS)))
    return {
        "type": "heatmap",
        "x": table["x"],
        "y": list(range(len(table["names"]))),
        "z": [[_cell(it, zero) for it in row] for row in table["norms"]],
        "zmin": low,
        "zmax": high,
        "colorscale": "Viridis",
        "ygap": 1,
        "hovertemplate": "%{y}<br>step %{x}: 10^%{z:.2f}<extra></extra>",
        "colorbar": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yanchor": "bottom",
            "len": 1,
            "thickness": 10,
            "tickvals": ticks,
            "ticktext": [
                "0" if has_zero and it == zero else f"1e{it}" if it else "1"
                for it in ticks
            ],
        },
    }


def _cell(norm: float, zero: int) -> float | None:
    if norm < 0 or not math.isfinite(norm):
        return None
    return float(f"{math.log10(norm):.3f}") if norm > 0 else float(zero)


def _broken(table: dict[str, Any]) -> list[dict[str, Any]]:
    """Marks where a norm is not finite."""
    places = [
        (step, row)
        for row, norms in enumerate(table["norms"])
        for step, norm in zip(table["x"], norms, strict=True)
        if not math.isfinite(norm)
    ]
    if not places:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "not finite",
            "x": [step for step, _ in places],
            "y": [row for _, row in places],
            "marker": {"symbol": "x", "color": RED, "size": 7},
            "hovertemplate": "%{y}<br>step %{x}: not finite<extra></extra>",
            "showlegend": False,
        }
    ]


def _short(names: list[str]) -> list[str]:
    """Names without the folders that all of them share, and not too long."""
    folders = [it.split("/")[:-1] for it in names]
    shared = 0
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        shared += 1
    rest = ["/".join(it.split("/")[shared:]) for it in names]
    return [
        plain(it if len(it) <= _LONGEST else f"…{it[1 - _LONGEST :]}") for it in rest
    ]
