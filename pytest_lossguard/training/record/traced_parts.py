"""Record while a function is traced what each of its runs does."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")


class TracedParts(Generic[T]):
    """Events in functions, which Python sees only in a trace, not in later runs."""

    def __init__(self) -> None:
        self._now: list[T] = []
        self._of_function: dict[int, list[T]] = {}

    @property
    def is_any(self) -> bool:
        """Whether any function has noted events."""
        return any(self._of_function.values())

    def begin(self) -> None:
        """Start noting the events of a function that runs or is traced."""
        self._now = []

    def note(self, part: T) -> None:
        """Note an event in a trace."""
        self._now.append(part)

    def keep(self, function: Any) -> None:
        """Store the events noted since `begin` as those of the function."""
        self._of_function[id(function)] = self._now

    def done_by(self, function: Any) -> list[T]:
        """Return the events of a run that began with `begin` and ended now.

        If the run traced nothing, these are the events of the last trace.
        """
        if self._now:
            self.keep(function)
        self.begin()
        return self._of_function.get(id(function), [])

    def clear(self) -> None:
        """Forget all functions."""
        self._now = []
        self._of_function.clear()
