"""An explanation as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..core.wrapping import wrapped
from ..report.sparkline import is_logarithmic, sparkline
from .topics import Role, Topic, topics, topics_of

_WIDTH = 80
#: Width of the label before each part.
_HEAD = 10
#: Width of a curve in characters.
_CURVE = 40

_TITLES: dict[Role, str] = {
    "finding": "Findings: what is seen in a training",
    "cause": "Causes: why a training fails",
    "contract": "Contracts: what must hold for preprocessing",
    "model check": "Model checks: what must hold for a model",
}


def text_of(name: str, *, ascii_only: bool = False) -> list[str]:
    """Return the lines that explain a finding, a cause, a contract or a model check.

    Args:
        name: Name of the topic; the prefix of a contract or a model check may be left
            out.
        ascii_only: Whether to avoid block characters, for terminals that cannot show
            them.

    Raises:
        UsageError: No topic has this name.
    """
    lines: list[str] = []
    found = topics_of(name)
    for index, topic in enumerate(found):
        if index:
            lines.append("")
        lines += _topic(topic, ascii_only)
    lines += ["", f"  {found[0].address}"]
    return lines


def _topic(topic: Topic, ascii_only: bool) -> Iterator[str]:
    it = topic.explanation
    severity = f", {topic.severity}" if topic.role == "finding" else ""
    title = f"{topic.name} ({topic.role}{severity}): {it.brief}"
    yield from wrapped("", title, _WIDTH, indent=2)
    yield ""
    yield from _part("seen", it.seen)
    yield from _part("why", it.why)
    head = "limit"
    for limit in it.limits:
        yield from _part(head, f"{limit.sentence} {limit.set_by}")
        head = ""
    if it.no_limit:
        yield from _part("proof" if topic.role == "cause" else head, it.no_limit)
    yield from _curves(topic, ascii_only)
    head = "to do"
    for todo in topic.todo:
        yield from _part(head, todo)
        head = ""
    if topic.related:
        head = "seen as" if topic.role == "cause" else "causes"
        yield from _part(head, ", ".join(topic.related))
    if topic.switch:
        yield from _part(
            "on" if topic.switch.endswith("True)") else "off", topic.switch
        )
    if topic.allow:
        yield from _part("allow", topic.allow)


def _curves(topic: Topic, ascii_only: bool) -> Iterator[str]:
    curves = topic.explanation.curves
    width = max((len(it.name) for it in curves), default=0)
    every = np.asarray([value for it in curves for value in it.values] + [0.0])
    head = "looks"
    for curve in curves:
        line, logarithmic = sparkline(
            np.asarray(curve.values, dtype=np.float64),
            width=_CURVE,
            ascii_only=ascii_only,
            among=every[:-1] if is_logarithmic(every[:-1]) else every,
        )
        scale = "  (log)" if logarithmic else ""
        yield f"  {head:<{_HEAD - 2}}{curve.name:<{width}}  {line}{scale}"
        head = ""


def _part(head: str, text: str) -> list[str]:
    return wrapped(f"  {head:<{_HEAD - 2}}", text, _WIDTH)


def listed() -> list[str]:
    """Return all names, one per line, grouped by role under a title."""
    lines: list[str] = []
    for role, title in _TITLES.items():
        mine = {it.name: it for it in reversed(topics()) if it.role == role}
        names = list(dict.fromkeys(it.name for it in topics() if it.role == role))
        width = max(map(len, names))
        lines += [*([""] if lines else []), title, ""]
        lines += [f"  {it:<{width}}  {mine[it].explanation.brief}" for it in names]
    return [*lines, "", "Explain one: pytest --lossguard-explain NAME"]
