"""A test in a few lines of HTML, for reports of other tools."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from .checked import checked_of
from .entry import (
    Entry,
    RunEntry,
    causes_of,
    format_limit_used,
    labeled_loss,
    verdict_of,
    worst_run,
)
from .html.svg import HEIGHT, WIDTH, small_curve
from .sound import sound


def snippet(test: Entry) -> str:
    """Return verdict, curve and findings of the training that represents a test, or the
    result of its contract or model check; empty if nothing was judged.

    All text is escaped, and nothing is loaded from elsewhere.
    """
    test = sound(test)
    run, checked = worst_run(test), checked_of(test)
    if run is None and checked is not None:
        text = f"lossguard: {checked.noun} {checked.name}: {checked.outcome}"
        found = f"<pre>{escape(checked.message)}</pre>" if checked.message else ""
        return f'<div class="lossguard"><p>{escape(text)}</p>{found}</div>'
    if run is None:
        return ""
    facts = (
        f"lossguard: {verdict_of(test)}, {labeled_loss(run)}, in {run['steps']} steps,"
        f" {format_limit_used(run)} of a limit"
    )
    lines = [f"<p>{escape(facts)}</p>", _curve(run), *_findings(run), *_causes(run)]
    baseline = test.get("baseline")
    if baseline is not None:
        lines.append(f"<p>baseline: {escape(baseline['told'])}</p>")
    return f'<div class="lossguard">{"".join(lines)}</div>'


def _curve(run: RunEntry) -> str:
    """Draw the loss over the steps with the loss of a constant prediction; the line is
    interrupted where the loss is not finite.
    """
    level = run["constant_loss"]
    drawn = small_curve(
        [float(it) for it in run["loss"]], None if level is None else float(level)
    )
    lines: Any = drawn["lines"]
    label = escape(f"loss of {run['model']}", quote=True)
    shapes = [f'<polyline points="{points}"/>' for points in lines]
    if drawn["level"] is not None:
        height = drawn["level"]
        shapes.append(
            f'<path d="M0 {height}H{WIDTH}" stroke-dasharray="2" opacity="0.5"/>'
        )
    return (
        f'<svg width="{3 * WIDTH}" height="{3 * HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' fill="none" stroke="currentColor" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(shapes)}</svg>"
    )


def _findings(run: RunEntry) -> Iterator[str]:
    if not run["findings"]:
        return
    yield "<table><tr><th>severity</th><th>finding</th><th>step</th><th></th></tr>"
    for it in run["findings"]:
        step = "" if it["step"] is None else it["step"]
        cells = (it["severity"], it["kind"], step, it["message"])
        yield f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}</tr>"
    yield "</table>"


def _causes(run: RunEntry) -> Iterator[str]:
    for it in causes_of(run):
        if it["verified"]:
            yield f"<p>cause: {escape(it['cause'])}, {escape(it['remedy'] or '')}</p>"
