"""Figures of a training, as plotly's plain ``data`` and ``layout``.

Nothing of plotly is needed to make them: the page draws them with plotly.js, a
notebook with the Python package. What has no color here takes that of its reader's
theme.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any

from ...core.findings import number
from .svg import is_logarithmic

__all__ = [
    "Figure",
    "experiments_figure",
    "plain",
    "training_figure",
]

Figure = dict[str, Any]

#: Told apart by every kind of sight, and on white as on black.
BLUE, ORANGE, RED, GREEN, GRAY = "#3b82f6", "#f59e0b", "#ef4444", "#10b981", "#8b95a5"
#: An axis needs room around the largest float that it shows.
_FARTHEST = 1e300
#: Curves of so few steps show their points.
_FEW = 30


def plain(text: str) -> str:
    """A text of the user's: plotly would take tags in it for its own."""
    return html.escape(text, quote=False)


def training_figure(details: dict[str, Any]) -> Figure:
    """The loss between its reference losses, and below it the gradient norm."""
    loss, norm = details["loss"], details["grad_norm"]
    held_out = details["held_out"]
    last = max(details["steps"], 2)
    data = [_line("loss", loss, BLUE)]
    if held_out is not None:
        data.append(_line("held-out loss", held_out, ORANGE, dots=True))
    for name, key, dash in (
        ("before training", "before", "dot"),
        ("after training", "after", "dashdot"),
        (f"a constant ({details['constant_name']})", "constant", "dash"),
    ):
        value = details[key]
        if value is not None and math.isfinite(value):
            data.append(_level(f"{name}: {number(value)}", value, last, dash))
    shown = [it for trace in data for it in trace["y"] if it is not None]
    data += _broken(loss, shown)
    data.append(_line("gradient norm", norm, GREEN) | {"yaxis": "y2"})
    layout = {
        "height": 440,
        "hovermode": "x unified",
        "legend": _LEGEND,
        "margin": {"l": 62, "r": 12, "t": 12, "b": 44},
        "xaxis": {"title": {"text": "step"}, "anchor": "y2", "rangemode": "tozero"},
        "yaxis": _scale("loss", shown) | {"domain": [0.41, 1]},
        "yaxis2": _scale("gradient norm", norm["y"]) | {"domain": [0, 0.32]},
    }
    if details["decisive"] is not None:
        layout |= _decisive(details["decisive"], last)
    return {"data": data, "layout": layout}


def experiments_figure(details: dict[str, Any]) -> Figure | None:
    """The loss as it is, and of every re-run; None where none has a curve."""
    diagnosis = details["diagnosis"] or {"experiments": []}
    ran = [it for it in diagnosis["experiments"] if it["curve"]["y"]]
    if not ran:
        return None
    ran.sort(key=lambda it: it["repairs"])  # what helps is drawn above the rest
    data = [_line("as it is", details["loss"], RED) | {"line": {"width": 3}}]
    data[0]["line"]["color"] = RED
    colors = iter(_several(sum(it["repairs"] for it in ran)))
    vain = [it for it in ran if not it["repairs"]]
    for experiment in ran:
        line = _line(experiment["told"], experiment["curve"], GRAY)
        if experiment["repairs"]:
            line["line"] = {"color": next(colors), "width": 2}
        else:
            line |= {"line": {"color": GRAY, "width": 1}, "opacity": 0.6}
            line |= {"legendgroup": "vain", "showlegend": experiment is vain[0]}
            if experiment is vain[0]:
                line["name"] = "no help"
        data.append(line)
    if details["constant"] is not None and math.isfinite(details["constant"]):
        last = max(max(it["curve"]["x"][-1] for it in ran), details["steps"], 2)
        name = f"a constant: {number(details['constant'])}"
        data.append(_level(name, details["constant"], last, "dash"))
    shown = [it for trace in data for it in trace["y"] if it is not None]
    layout = {
        "height": 360,
        "hovermode": "closest",
        "legend": _LEGEND,
        "margin": {"l": 62, "r": 12, "t": 12, "b": 44},
        "xaxis": {"title": {"text": "step"}, "rangemode": "tozero"},
        "yaxis": _scale("loss", shown),
    }
    return {"data": data, "layout": layout}


_LEGEND = {
    "orientation": "h",
    "x": 0,
    "y": 1.02,
    "yanchor": "bottom",
    "xanchor": "left",
}


def _line(
    name: str, curve: dict[str, Sequence[Any]], color: str, *, dots: bool = False
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if dots or len(curve["x"]) <= _FEW else "lines",
        "name": plain(name),
        "x": list(curve["x"]),
        "y": [_clipped(it) if math.isfinite(it) else None for it in curve["y"]],
        "line": {"color": color, "width": 2},
        "marker": {"size": 5},
    }


def _clipped(value: float) -> float:
    return max(-_FARTHEST, min(_FARTHEST, value))


def _level(name: str, value: float, last: int, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": plain(name),
        "x": [0, last],
        "y": [_clipped(value)] * 2,
        "line": {"color": GRAY, "width": 1.5, "dash": dash},
        "hoverinfo": "skip",
    }


def _broken(curve: dict[str, list[Any]], shown: list[float]) -> list[dict[str, Any]]:
    """Marks where a curve is not finite, at the height of the largest value."""
    x = [
        step
        for step, value in zip(curve["x"], curve["y"], strict=True)
        if not math.isfinite(value)
    ]
    if not x:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "not finite",
            "x": x,
            "y": [max(shown, default=1.0)] * len(x),
            "marker": {"symbol": "x", "color": RED, "size": 9},
            "hovertemplate": "NaN or infinite",
        }
    ]


def _scale(title: str, values: Iterable[float | None]) -> dict[str, Any]:
    known = [it for it in values if it is not None]
    axis: dict[str, Any] = {
        "title": {"text": title},
        "type": "linear",
        "automargin": True,
        "exponentformat": "power",
        "nticks": 6,
    }
    if is_logarithmic(known):
        decades = math.log10(max(known)) - math.log10(min(known))
        axis |= {"type": "log", "dtick": math.ceil(decades / 5)}
    return axis


def _decisive(step: int, last: int) -> dict[str, Any]:
    return {
        "shapes": [
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": step,
                "x1": step,
                "y0": 0,
                "y1": 1,
                "line": {"color": RED, "width": 1, "dash": "dot"},
            }
        ],
        "annotations": [
            {
                "xref": "x",
                "yref": "paper",
                "x": step,
                "y": 0.365,
                "yanchor": "middle",
                "xanchor": "right" if step > last / 2 else "left",
                "text": f"decisive: step {step}",
                "font": {"color": RED},
                "showarrow": False,
            }
        ],
    }


def _several(count: int) -> list[str]:
    """So many colors, beginning with the one of what is good."""
    colors = [GREEN, BLUE, ORANGE, "#a855f7", "#14b8a6", "#ec4899"]
    return [colors[it % len(colors)] for it in range(count)]
