"""What one thread called since a tape was last asked for gradients."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..backend.tensors import flatten

__all__ = ["CallLog", "GradientCall"]

#: Calls of each kind that are remembered.
_REMEMBERED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientCall:
    """What led to the target of a tape: its leaves as they were before an optimizer
    scaled them, the calls of models and losses, and the optimizer that scaled one.
    """

    target: Any
    leaves: list[Any]
    models: list[Any]
    losses: list[Any]
    followed: list[Any]
    scaler: Any = None


class CallLog(threading.local):
    """Calls of models and losses, apart for each thread: each replica of a strategy
    has one, and they take turns in the middle of a step.

    Attributes:
        models: Model, inputs, outputs, and whether a tape was looking.
        losses: Loss object, labels, predictions, weights and value.
        followed: Values of losses whose labels the net itself makes.
        scaled: What an optimizer's ``scale_loss`` gave, of what, and the optimizer.
    """

    def __init__(self) -> None:
        self.models: deque[tuple[Any, Any, Any, bool]] = deque(maxlen=_REMEMBERED)
        self.losses: deque[tuple[Any, Any, Any, Any, Any]] = deque(maxlen=_REMEMBERED)
        self.scaled: deque[tuple[Any, Any, Any]] = deque(maxlen=_REMEMBERED)
        self.followed: deque[Any] = deque(maxlen=_REMEMBERED)
        self._scaled_before: deque[tuple[Any, Any, Any]] = deque(maxlen=_REMEMBERED)
        self._depths: dict[str, int] = {}
        self._taken: GradientCall | None = None

    @contextmanager
    def outermost(self, what: str) -> Iterator[bool]:
        """Whether no other call of this kind is under way."""
        depth = self._depths.get(what, 0)
        self._depths[what] = depth + 1
        try:
            yield depth == 0
        finally:
            self._depths[what] = depth

    def add(self, calls: deque[Any], call: tuple[Any, ...]) -> None:
        """Remember one, made after all that was asked about before."""
        calls.append(call)
        self._taken = None

    def take(self, target: Any) -> GradientCall:
        """What led to a target; the same again where the same is asked for once
        more, as for a second part of the variables, and forgotten for any other.
        """
        if self._taken is None or self._taken.target is not target:
            leaves, fresh = flatten(target), list(self.scaled)
            # In a GAN both losses are scaled before either gradient is taken.
            known = {id(it[0]): it for it in (*self._scaled_before, *fresh)}
            own = [known[id(leaf)] for leaf in leaves if id(leaf) in known]
            plain = {id(scaled): loss for scaled, loss, _ in own}
            taken = GradientCall(
                target=target,
                leaves=[plain.get(id(leaf), leaf) for leaf in leaves],
                models=list(self.models),
                losses=list(self.losses),
                followed=list(self.followed),
                scaler=next((it[-1] for it in (*own, *reversed(fresh))), None),
            )
            before = [*self._scaled_before, *fresh]
            self.clear()
            self._scaled_before.extend(before)
            self._taken = taken
        return self._taken

    def clear(self) -> None:
        """Forget them."""
        self._taken = None
        for known in (self.models, self.losses, self.followed, self.scaled):
            known.clear()
        self._scaled_before.clear()
