"""Figures of a training as plain values: the data to draw, not the drawing.

The page draws them with uPlot (`page.js`), a notebook with plotly (`report/figure`).

A figure of kind ``"lines"`` has panels over the same steps. Each panel has ``y``, its
title; ``log``, whether its scale is logarithmic; ``lines``; ``levels``, horizontal
lines at a reference loss; and ``broken``, the steps whose loss is not finite. A line
has ``name``, ``color``, ``x`` (steps, or a number n for 1 to n), ``y`` (None where it
is not finite), ``width``, ``dots``, and ``quiet``, set for re-runs without effect,
which share one name. The figure also has ``mark``, the decisive step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...core.numbers import number
from ...core.trace import constant_in_words
from ..sparkline import is_logarithmic

Figure = dict[str, Any]

#: Largest value that is drawn: an axis needs room above its largest value.
_FARTHEST = 1e300
#: Curves of at most this many steps show their points.
_FEW = 30
#: Colors of the re-runs that help; the first is the color for success.
_HELPS = ("green", "blue", "orange", "purple")


def training_figure(details: dict[str, Any]) -> Figure:
    """Return the loss with its reference losses, and below it the gradient norm."""
    loss, norm = details["loss"], details["grad_norm"]
    held_out = details["held_out"]
    lines = [_line("loss", loss, "blue")]
    if held_out is not None:
        lines.append(_line("held-out loss", held_out, "orange", dots=True))
    levels = [
        {"name": name, "value": _clipped(details[key]), "dash": dash}
        for name, key, dash in (
            ("before training", "before", "dot"),
            ("after training", "after", "dashdot"),
            (constant_in_words(details["constant_name"]), "constant", "dash"),
        )
        if details[key] is not None and math.isfinite(details[key])
    ]
    return {
        "kind": "lines",
        "panels": [
            {**_panel("loss", lines, levels), "broken": _broken(loss)},
            _panel("gradient norm", [_line("gradient norm", norm, "green")]),
        ],
        "mark": details["decisive"],
    }


def pair_figure(base: dict[str, Any] | None, new: dict[str, Any] | None) -> Figure:
    """Return the losses of two trainings on the same axes, and below them their
    gradient norms; of only one training if the other is None.
    """
    both = [
        (name, color, it)
        for name, color, it in (("base", "orange", base), ("new", "blue", new))
        if it is not None
    ]
    constants = {
        name: it["constant"]
        for name, _, it in both
        if it["constant"] is not None and math.isfinite(it["constant"])
    }
    if len(set(constants.values())) == 1:
        constants = {"": next(iter(constants.values()))}
    levels = [
        {"name": f"a constant {name}".strip(), "value": _clipped(it), "dash": dash}
        for (name, it), dash in zip(constants.items(), ("dash", "dot"), strict=False)
    ]
    losses, norms = (
        [_line(name, it[key], color) for name, color, it in both]
        for key in ("loss", "grad_norm")
    )
    broken = {step for _, _, it in both for step in _broken(it["loss"])}
    return {
        "kind": "lines",
        "panels": [
            {**_panel("loss", losses, levels), "broken": sorted(broken)},
            _panel("gradient norm", norms),
        ],
        "mark": None if new is None else new["decisive"],
    }


def experiments_figure(details: dict[str, Any]) -> Figure | None:
    """Return the loss of the training and of every re-run; None if no re-run has a
    curve.
    """
    diagnosis = details["diagnosis"] or {"experiments": []}
    ran = [it for it in diagnosis["experiments"] if it["curve"]["y"]]
    if not ran:
        return None
    vain = [it for it in ran if not it["repairs"]]
    helps = [it for it in ran if it["repairs"]]
    # Re-runs that help come last, so that they are drawn on top.
    lines = [_line("as it is", details["loss"], "red", width=3)]
    lines += [
        _line(it["text"], it["curve"], "gray", width=1) | {"quiet": True} for it in vain
    ]
    lines += [
        _line(it["text"], it["curve"], _HELPS[index % len(_HELPS)])
        for index, it in enumerate(helps)
    ]
    constant = details["constant"]
    levels = []
    if constant is not None and math.isfinite(constant):
        level = {"name": "a constant", "value": _clipped(constant), "dash": "dash"}
        levels.append(level)
    return {"kind": "lines", "panels": [_panel("loss", lines, levels)], "mark": None}


def steps_of(line: dict[str, Any]) -> list[int]:
    """Return the steps of a line as a list."""
    x = line["x"]
    return list(range(1, x + 1)) if isinstance(x, int) else list(x)


def _panel(
    title: str, lines: list[dict[str, Any]], levels: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    values = [it for line in lines for it in line["y"] if it is not None]
    values += [it["value"] for it in levels]
    return {
        "y": title,
        "log": is_logarithmic(values),
        "lines": lines,
        "levels": [{**it, "text": number(it["value"])} for it in levels],
        "broken": [],
    }


def _line(
    name: str,
    curve: dict[str, Sequence[Any]],
    color: str,
    *,
    width: int = 2,
    dots: bool = False,
) -> dict[str, Any]:
    x = list(curve["x"])
    values = np.asarray(curve["y"], np.float64)
    y = np.clip(values, -_FARTHEST, _FARTHEST).tolist()
    if not np.isfinite(values).all():
        y = [it if ok else None for it, ok in zip(y, np.isfinite(values), strict=True)]
    return {
        "name": name,
        "color": color,
        "x": len(x) if x == list(range(1, len(x) + 1)) else x,
        "y": y,
        "width": width,
        "dots": dots or len(x) <= _FEW,
        "quiet": False,
    }


def _clipped(value: float) -> float:
    return max(-_FARTHEST, min(_FARTHEST, value))


def _broken(curve: dict[str, Iterable[Any]]) -> list[int]:
    """Return the steps whose value is not finite."""
    if all(map(math.isfinite, curve["y"])):
        return []
    pairs = zip(curve["x"], curve["y"], strict=True)
    return [step for step, value in pairs if not math.isfinite(value)]
