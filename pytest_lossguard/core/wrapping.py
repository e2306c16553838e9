"""Wrap text to the width of a terminal."""

from __future__ import annotations

import textwrap

#: pytest puts four characters before each line, so 76 fill a terminal of 80.
WIDTH = 76


def wrapped(head: str, text: str, width: int = WIDTH, indent: int = 0) -> list[str]:
    """Wrap a text after a heading; further lines are indented by ``indent``, by
    default to the end of the heading.
    """
    return textwrap.wrap(
        text,
        width,
        initial_indent=head,
        subsequent_indent=" " * (indent or len(head)),
        break_long_words=False,
        break_on_hyphens=False,
    )
