"""Lines that fit the terminal."""

from __future__ import annotations

import textwrap

__all__ = ["WIDTH", "wrapped"]

#: pytest puts four characters before each line: 76 fill a terminal of 80.
WIDTH = 76


def wrapped(head: str, text: str) -> list[str]:
    """A text after a head, its further lines indented below it."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )
