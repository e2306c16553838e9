"""What a user may give: each fact has one owner, and one sentence where it fails."""

from __future__ import annotations

import difflib
import math
import numbers
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .errors import UsageError

__all__ = [
    "COUNT",
    "FLAG",
    "MOST",
    "SECONDS",
    "SEED",
    "SEEDS",
    "Expected",
    "checked",
    "is_count",
    "is_number",
    "is_seed",
    "is_whole",
    "one_line",
    "plain",
    "shown",
    "unknown",
]

#: No test runs more updates, epochs or examples: what is asked for beyond is a slip,
#: and would be reported as memory that ran out.
MOST = 10_000_000
#: Seeds that NumPy, Keras and TensorFlow take.
SEEDS = 2**32
#: Characters of a value in a sentence.
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Expected:
    """What a value must be.

    Attributes:
        words: As in "it must be ...".
        holds: Whether a value is so; never raises.
    """

    words: str
    holds: Callable[[Any], bool]


def checked(
    name: str,
    value: Any,
    expected: Expected,
    owner: str = "{}",
    error: type[UsageError] = UsageError,
) -> Any:
    """The value, a number of NumPy as one of Python.

    Args:
        name: What the user calls it.
        value: What the user gave.
        expected: What it must be.
        owner: The call that it was given to, as ``"converges({})"``.
        error: What to raise, default `UsageError`.

    Raises:
        UsageError: It is something else.
    """
    if not expected.holds(value):
        sentence = owner.format(f"{name}={shown(value)}")
        raise error(f"{sentence}: {name} must be {expected.words}")
    return plain(value)


def unknown(key: object, known: Iterable[str], owner: str, what: str = "key") -> str:
    """The sentence for a name that nothing has."""
    known = list(known)
    near = difflib.get_close_matches(str(key)[:_MOST_SHOWN], known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"{owner} has no {what} {shown(key)}: {meant}"


# Facts


def is_flag(value: Any) -> bool:
    """Whether it is True or False, of Python or NumPy."""
    return isinstance(plain(value), bool)


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, of Python or NumPy."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, of Python or NumPy."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_count(value: Any) -> bool:
    """Whether so many updates, rows or examples can be meant."""
    return is_whole(value) and 1 <= value <= MOST


def is_seed(value: Any) -> bool:
    """Whether every generator takes it."""
    return is_whole(value) and 0 <= value < SEEDS


COUNT = Expected(f"a whole number of at least 1 and at most {MOST:,}", is_count)
SEED = Expected(f"a whole number from 0 to {SEEDS - 1}", is_seed)
SECONDS = Expected("seconds above 0", lambda it: is_number(it) and it > 0)
FLAG = Expected("True or False", is_flag)


# Values


def plain(value: Any) -> Any:
    """A number of NumPy as one of Python; all else as it is."""
    kind = type(value)
    if kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"):
        return bool(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if is_number(value) else value


def shown(value: Any, most: int = _MOST_SHOWN) -> str:
    """A value in one short line, an array by its shape; never raises."""
    try:
        return one_line(_described(value), most)
    except Exception:  # code of the user's own, as in __getattr__
        return f"a {type(value).__name__}"


def _described(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if hasattr(value, "dtype") and isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    return _SHORT.repr(value)


def one_line(text: str, most: int = 200) -> str:
    """A text of others without line breaks or control characters, and not too long."""
    text = " ".join(text.split())
    text = "".join(it if it.isprintable() else "?" for it in text)
    return text if len(text) <= most else f"{text[: most - 3]}..."


class _Short(reprlib.Repr):
    """`repr` that never walks through all of a large value."""

    def repr_int(self, x: int, level: int) -> str:
        digits = int(x.bit_length() * math.log10(2))
        if digits > self.maxlong:  # Python refuses to write very large ones
            return f"{'-' if x < 0 else ''}10**{digits}"
        return super().repr_int(x, level)

    def repr_ndarray(self, x: Any, level: int) -> str:
        del level
        return f"array of shape {x.shape}"


_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = _MOST_SHOWN
