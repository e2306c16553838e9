"""What one thread called since a tape was last asked for gradients."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Calls"]

#: Calls of each kind that are remembered.
_REMEMBERED = 8


class Calls(threading.local):
    """Calls of models and losses, apart for each thread: each replica of a strategy
    has one, and they take turns in the middle of a step.

    Attributes:
        models: Model, inputs and outputs.
        losses: Loss object, labels, predictions, weights and value.
        scaled: What an optimizer's ``scale_loss`` gave, and of what.
    """

    def __init__(self) -> None:
        self.models: deque[tuple[Any, Any, Any]] = deque(maxlen=_REMEMBERED)
        self.losses: deque[tuple[Any, Any, Any, Any, Any]] = deque(maxlen=_REMEMBERED)
        self.scaled: deque[tuple[Any, Any]] = deque(maxlen=_REMEMBERED)
        self._depths: dict[str, int] = {}

    @contextmanager
    def outermost(self, what: str) -> Iterator[bool]:
        """Whether no other call of this kind is under way."""
        depth = self._depths.get(what, 0)
        self._depths[what] = depth + 1
        try:
            yield depth == 0
        finally:
            self._depths[what] = depth

    def unscaled(self, target: Any) -> Any:
        """What a loss was before an optimizer scaled it."""
        return next(
            (plain for scaled, plain in self.scaled if scaled is target), target
        )

    def clear(self) -> None:
        """Forget them."""
        for known in (self.models, self.losses, self.scaled):
            known.clear()
