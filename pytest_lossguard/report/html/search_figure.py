"""The corruptions that a search ran, as a figure of kind ``"points"``."""

from __future__ import annotations

from typing import Any

from ...core.numbers import number
from .figures import Figure

#: Range in which shares of a limit are shown.
_LEAST, _MOST = 1e-3, 1e3


def search_figure(search: dict[str, Any]) -> Figure | None:
    """Return one panel for each keyword: its values, and how near each came to failing.

    Args:
        search: The result of `Search.details`.

    Returns:
        ``panels``, each with ``title``, ``ticks`` (the values, in ascending order) and
        ``points``: ``x``, near the index of a value; ``y``, the share of a limit;
        ``failed``; ``alone`` (without another corruption); and ``text``. None if no
        corruption is known.
    """
    panels = [
        _panel(axis, points)
        for axis in search["axes"]
        if (points := _points(search, axis["keyword"]))
    ]
    return {"kind": "points", "panels": panels} if panels else None


def _panel(axis: dict[str, Any], points: list[dict[str, Any]]) -> dict[str, Any]:
    levels = _levels(axis["levels"], points)
    names = [name for name, _ in levels]
    made = [
        {
            "x": names.index(it["part"]["level"]) + _horizontal_offset(index),
            "y": _height(it["case"]),
            "failed": it["case"]["failed"],
            "alone": it["is_alone"],
            "text": it["case"]["corruption"],
        }
        for index, it in enumerate(points)
    ]
    return {
        "title": f"{axis['keyword']} {axis['told']}".strip(),
        "ticks": [_label(it, levels) for it in levels],
        "points": sorted(made, key=lambda it: it["x"]),
    }


def _points(search: dict[str, Any], keyword: str) -> list[dict[str, Any]]:
    """Return one point for each case and each of its parts with this keyword."""
    return [
        {"part": part, "case": case, "is_alone": len(case["parts"]) == 1}
        for case in search["cases"]
        for part in case["parts"]
        if part["keyword"] == keyword
    ]


def _levels(
    asked: list[dict[str, Any]], points: list[dict[str, Any]]
) -> list[tuple[str, Any]]:
    """Return the requested and the tried values, by family and in ascending order."""
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
        return name
    first, comma, rest = name.partition("(")[2].removesuffix(")").partition(", ")
    text = first if value is None else number(value)
    return f"{text}{comma}{rest}" or name


def _horizontal_offset(index: int) -> float:
    """Return a horizontal offset, so that points at the same value do not overlap."""
    return float(f"{(index * 0.6180339887498949 % 1 - 0.5) * 0.5:.3f}")


def _height(case: dict[str, Any]) -> float:
    """Return the nearness of a case; a case that failed before it trained lies at the
    top.
    """
    near = case["nearness"]
    if case["failed"] and not near:
        near = _MOST
    return float(f"{min(max(near, _LEAST), _MOST):.4g}")
