"""A test in a few lines of HTML, for reports that others make."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from .entries import Entry, told_loss, told_nearness, verdict_of, worst_run
from .sparkline import heights

__all__ = ["snippet"]

_WIDTH, _HEIGHT = 300, 60


def snippet(test: Entry) -> str:
    """Verdict, curve and findings of the training that stands for a test; empty where
    nothing was judged. Everything in it is escaped, and nothing is loaded.
    """
    run = worst_run(test)
    if run is None:
        return ""
    facts = (
        f"lossguard: {verdict_of(test)}, loss {told_loss(run)} in {run['steps']} steps,"
        f" {told_nearness(run)} of a limit"
    )
    lines = [f"<p>{escape(facts)}</p>", _curve(run), *_findings(run), *_causes(run)]
    baseline = test.get("baseline")
    if baseline is not None:
        lines.append(f"<p>baseline: {escape(baseline['told'])}</p>")
    return f'<div class="lossguard">{"".join(lines)}</div>'


def _curve(run: Entry) -> str:
    """The loss over the steps as a drawing; a gap where it is not finite."""
    curve = np.asarray([float(it) for it in run["loss"]], np.float64)
    columns, logarithmic = heights(curve, _WIDTH // 2)
    across = np.linspace(1, _WIDTH - 1, len(columns))
    down = (_HEIGHT - 2) * (1 - columns) + 1
    path, pen = [], "M"
    for x, y in zip(across, down, strict=True):
        if np.isnan(y):
            pen = "M"
            continue
        path.append(f"{pen}{x:.1f} {y:.1f}")
        pen = "L"
    scale = "logarithmic" if logarithmic else "linear"
    label = escape(f"loss of {run['model']}, {scale} scale", quote=True)
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' role="img" aria-label="{label}"><title>{label}</title><path'
        f' d="{" ".join(path)}" fill="none" stroke="currentColor"/></svg>'
    )


def _findings(run: Entry) -> Iterator[str]:
    if not run["findings"]:
        return
    yield "<table><tr><th>severity</th><th>finding</th><th>step</th><th></th></tr>"
    for it in run["findings"]:
        step = "" if it["step"] is None else it["step"]
        cells = (it["severity"], it["kind"], step, it["message"])
        yield f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
    yield "</table>"


def _causes(run: Entry) -> Iterator[str]:
    for it in (run["diagnosis"] or {}).get("causes", ()):
        if it["verified"]:
            yield f"<p>cause: {escape(it['cause'])}, {escape(it['remedy'] or '')}</p>"
