"""The corruptions that a search ran, as plotly's plain ``data`` and ``layout``."""

from __future__ import annotations

import math
from typing import Any

from ...core.findings import number
from .figures import BLUE, GRAY, RED, Figure, plain

__all__ = ["search_figure"]

#: Shares of a limit are shown between these.
_LEAST, _MOST = 1e-3, 1e3
_ROW = 150


def search_figure(search: dict[str, Any]) -> Figure | None:
    """One panel for each keyword: its values, and how near each came to failing.

    Args:
        search: What `Search.details` gives.

    Returns:
        None where no corruption was known.
    """
    panels = [it for it in search["axes"] if _points(search, it["keyword"])]
    if not panels:
        return None
    gap = 78 / (_ROW * len(panels))
    share = (1 - gap * (len(panels) - 1)) / len(panels)
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "height": 90 + _ROW * len(panels),
        "hovermode": "closest",
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "yref": "container",
            "y": 1,
            "yanchor": "top",
        },
        "margin": {"l": 62, "r": 12, "t": 64, "b": 50},
        "shapes": [],
        "annotations": [],
    }
    for index, axis in enumerate(panels):
        top = 1 - index * (share + gap)
        suffix = "" if index == 0 else str(index + 1)
        points = _points(search, axis["keyword"])
        levels = _levels(axis["levels"], points)
        data += _panel(points, levels, suffix, show_names=index == 0)
        layout["xaxis" + suffix] = {
            "anchor": "y" + suffix,
            "tickvals": list(range(len(levels))),
            "ticktext": [_label(it, levels) for it in levels],
            "range": [-0.6, len(levels) - 0.4],
            "zeroline": False,
        }
        layout["yaxis" + suffix] = {
            "anchor": "x" + suffix,
            "domain": [max(0.0, top - share), top],
            "type": "log",
            "range": [math.log10(_LEAST) - 0.3, math.log10(_MOST) + 0.3],
            "tickvals": [1e-3, 1e-2, 0.1, 1, 10, 100, 1e3],
            "ticktext": ["≤.001", ".01", ".1", "1", "10", "100", "≥1000"],
        }
        layout["shapes"].append(_limit(suffix))
        layout["annotations"].append(_title(axis, top))
    return {"data": data, "layout": layout}


def _points(search: dict[str, Any], keyword: str) -> list[dict[str, Any]]:
    """One per case and part of it that belongs to a keyword."""
    return [
        {"part": part, "case": case, "is_alone": len(case["parts"]) == 1}
        for case in search["cases"]
        for part in case["parts"]
        if part["keyword"] == keyword
    ]


def _levels(
    asked: list[dict[str, Any]], points: list[dict[str, Any]]
) -> list[tuple[str, Any]]:
    """What was asked and what was tried, by family and from the smallest on."""
    parts = [*asked, *(it["part"] for it in points)]
    known = {it["level"]: it["value"] for it in parts}
    families = list(dict.fromkeys(_family(it) for it in known))

    def place(level: tuple[str, Any]) -> tuple[int, float, str]:
        name, value = level
        return families.index(_family(name)), value if value is not None else 0.0, name

    return sorted(known.items(), key=place)


def _family(level: str) -> str:
    return level.partition("(")[0]


def _label(level: tuple[str, Any], levels: list[tuple[str, Any]]) -> str:
    name, value = level
    if len({_family(it) for it, _ in levels}) > 1:
        return plain(name)
    first, comma, rest = name.partition("(")[2].removesuffix(")").partition(", ")
    text = first if value is None else number(value)
    return plain(f"{text}{comma}{rest}" or name)


def _panel(
    points: list[dict[str, Any]],
    levels: list[tuple[str, Any]],
    suffix: str,
    *,
    show_names: bool,
) -> list[dict[str, Any]]:
    """Traces of what failed and what passed, alone and together with others."""
    names = [name for name, _ in levels]
    data = []
    for failed, color, symbol in ((False, BLUE, "circle"), (True, RED, "x")):
        for is_alone in (True, False):
            chosen = [
                it
                for it in points
                if it["case"]["failed"] == failed and it["is_alone"] == is_alone
            ]
            if not chosen and not (show_names and is_alone):
                continue
            text = "failed" if failed else "passed"
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": text if is_alone else f"{text}, with others",
                    "legendgroup": f"{text} {is_alone}",
                    "showlegend": show_names,
                    "x": [
                        names.index(it["part"]["level"]) + _aside(index)
                        for index, it in enumerate(chosen)
                    ],
                    "y": [_height(it["case"]) for it in chosen],
                    "text": [plain(it["case"]["corruption"]) for it in chosen],
                    "hovertemplate": "%{text}<extra></extra>",
                    "xaxis": "x" + suffix,
                    "yaxis": "y" + suffix,
                    "marker": {
                        "color": color,
                        "symbol": symbol if is_alone else f"{symbol}-open",
                        "size": 10 if failed else 8,
                        "opacity": 0.9 if is_alone else 0.55,
                    },
                }
            )
    return data


def _aside(index: int) -> float:
    """Points at the same value lie beside each other."""
    return float(f"{(index * 0.6180339887498949 % 1 - 0.5) * 0.5:.3f}")


def _height(case: dict[str, Any]) -> float:
    """Its nearness; what failed before it trained lies at the top."""
    near = case["nearness"]
    if case["failed"] and not near:
        near = _MOST
    return float(f"{min(max(near, _LEAST), _MOST):.4g}")


def _limit(suffix: str) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": f"x{suffix} domain",
        "yref": "y" + suffix,
        "x0": 0,
        "x1": 1,
        "y0": 1,
        "y1": 1,
        "line": {"color": GRAY, "width": 1.5, "dash": "dash"},
    }


def _title(axis: dict[str, Any], top: float) -> dict[str, Any]:
    return {
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": top,
        "xanchor": "left",
        "yanchor": "bottom",
        "text": plain(f"{axis['keyword']} {axis['told']}".strip()),
        "showarrow": False,
    }
