"""A training as a plotly figure, for a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from ..core.errors import UsageError
from ..core.verdict import Verdict
from .html.details import details_of
from .html.figures import steps_of, training_figure

_COLORS = {"blue": "#3b82f6", "orange": "#f59e0b", "green": "#10b981"}
_RED, _GRAY = "#ef4444", "#8b95a5"


def training_as_figure(verdict: Verdict) -> Any:
    """Plot the loss with its reference losses and the gradient norm, as in the HTML
    report.

    Returns:
        A `plotly.graph_objects.Figure`.

    Raises:
        UsageError: plotly is not installed.
    """
    try:
        from plotly.graph_objects import Figure
    except ImportError:
        raise UsageError(
            "a plot needs plotly, which is not installed: pip install"
            " 'pytest-lossguard[plot]'"
        ) from None
    drawn = training_figure(details_of(verdict))
    loss, norm = drawn["panels"]
    layout = {
        "height": 440,
        "hovermode": "x unified",
        "xaxis": {"title": {"text": "step"}, "anchor": "y2", "rangemode": "tozero"},
        "yaxis": _axis(loss) | {"domain": [0.41, 1]},
        "yaxis2": _axis(norm) | {"domain": [0, 0.32]},
    }
    figure = Figure([*_traces(loss, "y"), *_traces(norm, "y2")], layout)
    if drawn["mark"] is not None:
        figure.add_vline(drawn["mark"], line={"color": _RED, "dash": "dot", "width": 1})
    return figure


def _axis(panel: dict[str, Any]) -> dict[str, Any]:
    scale = "log" if panel["log"] else "linear"
    return {"title": {"text": panel["y"]}, "type": scale, "exponentformat": "power"}


def _traces(panel: dict[str, Any], axis: str) -> Iterator[dict[str, Any]]:
    for it in panel["lines"]:
        yield {
            "name": _plain(it["name"]),
            "mode": "lines+markers" if it["dots"] else "lines",
            "x": steps_of(it),
            "y": it["y"],
            "yaxis": axis,
            "line": {"color": _COLORS[it["color"]], "width": it["width"]},
        }
    last = max([2, *(step for it in panel["lines"] for step in steps_of(it))])
    for it in panel["levels"]:
        yield {
            "name": _plain(f"{it['name']}: {it['text']}"),
            "mode": "lines",
            "x": [0, last],
            "y": [it["value"]] * 2,
            "yaxis": axis,
            "line": {"color": _GRAY, "width": 1.5, "dash": it["dash"]},
        }
    if panel["broken"]:
        values = [y for it in panel["lines"] for y in it["y"] if y is not None]
        yield {
            "name": "not finite",
            "mode": "markers",
            "x": panel["broken"],
            "y": [max(values, default=1.0)] * len(panel["broken"]),
            "yaxis": axis,
            "marker": {"symbol": "x", "color": _RED, "size": 9},
        }


def _plain(text: str) -> str:
    """Escape a user's text: plotly would interpret tags in it."""
    return html.escape(text, quote=False)
