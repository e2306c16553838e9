"""Sanitizing of untrusted text, so that it cannot control a terminal or a CI log."""

from __future__ import annotations

import re
from typing import Any

#: Maximum number of characters of a text in a message.
MOST_CHARACTERS = 2000
#: Control characters, line separators, marks that change the text direction, and halves
#: of surrogate pairs, which no encoding of Unicode can write.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
#: Text that GitHub Actions takes for a command at the beginning of a line, even if it
#: is indented.
_COMMAND = re.compile(r"(?<!\S)::|##\[")
_BROKEN = {"::": r"\::", "##[": r"#\#["}
#: Maximum nesting depth of lists and tables.
_DEEPEST = 40
#: Maximum number of bits of an integer.
_LONGEST = 1024


def printable(text: str, *, keep: str = "") -> str:
    r"""Return a text with its unsafe characters escaped as ``\x1b`` or ``\u2028``.

    Args:
        text: Untrusted text.
        keep: Characters to leave unescaped, such as line ends.
    """
    safe = _UNSAFE.sub(lambda it: _escaped(it.group(), keep), text)
    return _COMMAND.sub(lambda it: _BROKEN[it.group()], safe)


def printables(found: Any, *, keep: str = "") -> Any:
    """Return a JSON value with every text in it made printable.

    Values that JSON cannot hold are converted to text, and values that are nested too
    deeply become ``"..."``.
    """
    return _printables(found, keep, _DEEPEST)


def _printables(found: Any, keep: str, left: int) -> Any:
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, int):
        return int(found) if found.bit_length() <= _LONGEST else "a huge number"
    if isinstance(found, float):
        return float(found)
    if isinstance(found, str):
        return printable(str(found), keep=keep)
    if not left:
        return "..."
    if isinstance(found, dict):
        return {
            printable(_text(key), keep=keep): _printables(it, keep, left - 1)
            for key, it in found.items()
        }
    if isinstance(found, (list, tuple)):
        return [_printables(it, keep, left - 1) for it in found]
    return printable(_text(found), keep=keep)


def _text(found: object) -> str:
    """Return the `str` of an object, or its type name if that raises."""
    try:
        return str(found)[:MOST_CHARACTERS]
    except Exception:
        return f"<{type(found).__name__}>"


def _escaped(character: str, keep: str) -> str:
    if character in keep:
        return character
    return character.encode("unicode-escape", "surrogatepass").decode()
