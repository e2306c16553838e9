"""Validation of user input: a predicate per type of value, a message per failure."""

from __future__ import annotations

import difflib
import math
import numbers
import reprlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .errors import UsageError

#: Maximum number of updates, epochs or examples of a test; a larger number is a typo,
#: and would otherwise be reported as running out of memory.
MOST = 10_000_000
#: Number of seeds that NumPy, Keras and TensorFlow accept.
SEEDS = 2**32
#: Maximum number of characters of a value in a message.
_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Expected:
    """A condition on a value.

    Attributes:
        words: The condition in words that complete "it must be ...".
        holds: Predicate of a value; never raises.
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
    """Return the value, with a NumPy number converted to a Python one.

    Args:
        name: Name of the value for the user, such as that of a keyword.
        value: The value that the user gave.
        expected: The condition that the value must meet.
        owner: The call that took the value, such as ``"converges({})"``.
        error: Class of the error to raise, default `UsageError`.

    Raises:
        UsageError: The value does not meet the condition.
    """
    if not expected.holds(value):
        sentence = owner.format(f"{name}={shown(value)}")
        raise error(f"{sentence}: {name} must be {expected.words}")
    return plain(value)


def unknown(key: object, known: Iterable[str], owner: str, what: str = "key") -> str:
    """Return the error message for an unknown name."""
    known = list(known)
    near = difflib.get_close_matches(str(key)[:_MOST_SHOWN], known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"{owner} has no {what} {shown(key)}: {meant}"


# Predicates


def is_flag(value: Any) -> bool:
    """Whether the value is True or False, of Python or NumPy."""
    return isinstance(plain(value), bool)


def is_whole(value: Any) -> bool:
    """Whether the value is an integer, of Python or NumPy."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether the value is a finite number, of Python or NumPy."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def is_count(value: Any) -> bool:
    """Whether the value is a plausible number of updates, rows or examples."""
    return is_whole(value) and 1 <= value <= MOST


def is_seed(value: Any) -> bool:
    """Whether the value is a seed that all random generators accept."""
    return is_whole(value) and 0 <= value < SEEDS


COUNT = Expected(f"a whole number of at least 1 and at most {MOST:,}", is_count)
SEED = Expected(f"a whole number from 0 to {SEEDS - 1}", is_seed)
SECONDS = Expected("seconds above 0", lambda it: is_number(it) and it > 0)
FLAG = Expected("True or False", is_flag)


# Values


def plain(value: Any) -> Any:
    """Convert a NumPy number to a Python one; return anything else unchanged."""
    kind = type(value)
    if kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"):
        return bool(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if is_number(value) else value


def shown(value: Any, most: int = _MOST_SHOWN) -> str:
    """Return a value as one short line, an array by its shape; never raises."""
    try:
        return one_line(_described(value), most)
    except Exception:  # from user code, as in __getattr__
        return f"a {type(value).__name__}"


def _described(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if hasattr(value, "dtype") and isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {tuple(shape)}"
    return _SHORT.repr(value)


def one_line(text: str, most: int = 200) -> str:
    """Return a text without line breaks or control characters, and shortened."""
    text = " ".join(text.split())
    text = "".join(it if it.isprintable() else "?" for it in text)
    return text if len(text) <= most else f"{text[: most - 3]}..."


class _Short(reprlib.Repr):
    """A `repr` that never walks through all of a large value."""

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
