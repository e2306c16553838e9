"""Wrap text to the width of a terminal."""

from __future__ import annotations

import textwrap

#: pytest puts four characters before each line, so 76 fill a terminal of 80.
WIDTH = 76


def wrapped(head: str, text: str) -> list[str]:
    """Wrap a text after a heading; further lines are indented to the end of the
    heading.
    """
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
