"""Text of others, made safe to show: no byte of it steers what shows it."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["MOST_CHARACTERS", "printable", "printables"]

#: Of a text in a message.
MOST_CHARACTERS = 2000
#: Control characters, line separators, marks that turn the direction of a text, and
#: halves of surrogate pairs, which no encoding of Unicode can write.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
#: What GitHub Actions takes for a command where a line begins with it, even indented.
_COMMAND = re.compile(r"(?<!\S)::|##\[")
_BROKEN = {"::": r"\::", "##[": r"#\#["}
#: How deep lists and tables may stand in each other.
_DEEPEST = 40
#: Bits of a whole number.
_LONGEST = 1024


def printable(text: str, *, keep: str = "") -> str:
    r"""A text whose unsafe characters are written as ``\x1b`` or ``\u2028``.

    Args:
        text: Of whomever.
        keep: Characters that may stay, such as line ends.
    """
    safe = _UNSAFE.sub(lambda it: _escaped(it.group(), keep), text)
    return _COMMAND.sub(lambda it: _BROKEN[it.group()], safe)


def printables(found: Any, *, keep: str = "") -> Any:
    """What JSON can hold, every text in it made printable.

    Whatever is none of JSON's own kinds becomes its text, and what stands too deep
    becomes ``"..."``.
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
    """What something says of itself, if it can."""
    try:
        return str(found)[:MOST_CHARACTERS]
    except Exception:
        return f"<{type(found).__name__}>"


def _escaped(character: str, keep: str) -> str:
    if character in keep:
        return character
    return character.encode("unicode-escape", "surrogatepass").decode()
