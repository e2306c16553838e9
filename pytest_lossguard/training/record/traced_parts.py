"""What compiled functions do whenever they run, noted while they are traced."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

__all__ = ["TracedParts"]

T = TypeVar("T")


class TracedParts(Generic[T]):
    """Parts of functions: Python sees them only in a trace, not in later runs."""

    def __init__(self) -> None:
        self._now: list[T] = []
        self._of_function: dict[int, list[T]] = {}

    @property
    def is_any(self) -> bool:
        """Whether a function is known to have some."""
        return any(self._of_function.values())

    def begin(self) -> None:
        """A function runs or is traced."""
        self._now = []

    def note(self, part: T) -> None:
        """Something happens in a trace."""
        self._now.append(part)

    def keep(self, function: Any) -> None:
        """What was noted since `begin` is what the function does."""
        self._of_function[id(function)] = self._now

    def done_by(self, function: Any) -> list[T]:
        """What a run did that began with `begin` and ended now."""
        if self._now:
            self.keep(function)
        self.begin()
        return self._of_function.get(id(function), [])

    def clear(self) -> None:
        """Forget all functions."""
        self._now = []
        self._of_function.clear()
