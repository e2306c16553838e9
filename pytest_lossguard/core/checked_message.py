"""The message of a failed check: the fact, the smallest failing case, what to do."""

from __future__ import annotations

import textwrap

from .addresses import see
from .checked import Broken
from .wrapping import WIDTH, wrapped

_MOST_LINES = 15


def broken_message(
    relation: str,
    broken: Broken,
    *,
    kind: str,
    hint: str,
    again: tuple[str, ...] = (),
) -> str:
    """Return the message of a failed check, in at most 15 lines.

    Args:
        relation: Key of the relation or the check.
        broken: The failure to describe.
        kind: Name of its finding kind.
        hint: What to do.
        again: Lines with commands that run the check again.
    """
    head = textwrap.shorten(f"{relation}: {broken.fact}", WIDTH, placeholder=" ...")
    values = _side_by_side(broken)
    last = [*see([kind]), *again]
    room = _MOST_LINES - 3 - len(values) - len(last)
    lines = [head, "", *values, *([""] if values else [])]
    meaning = wrapped("", broken.meaning) if broken.meaning else []
    remedy = wrapped("hint: ", hint)
    meaning = meaning[: max(0, room - len(remedy))]
    return "\n".join([*lines, *meaning, *remedy[:room], *last][:_MOST_LINES])


def _side_by_side(broken: Broken) -> list[str]:
    """Format name, value and note of each line; values without a note may be longer."""
    if not broken.lines:
        return []
    name = max(len(it.name) for it in broken.lines)
    room = WIDTH - name - 4
    notes = [f"  {it.note}" if it.note else "" for it in broken.lines]
    beside = max(room - max(map(len, notes)), 24)
    values = [
        textwrap.shorten(it.value, beside if note else room, placeholder=" ...")
        for it, note in zip(broken.lines, notes, strict=True)
    ]
    width = max(
        (len(it) for it, note in zip(values, notes, strict=True) if note), default=0
    )
    return [
        f"  {it.name:<{name}}  {value:<{width}}{note}".rstrip()[:WIDTH]
        for it, value, note in zip(broken.lines, values, notes, strict=True)
    ]
