"""Log of the calls that one thread made since it last took gradients."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..backend.frameworks import tf
from ..backend.tensors import flatten

#: How many calls of each kind are remembered.
_REMEMBERED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientCall:
    """The calls that led to the target of a tape.

    Attributes:
        target: The target, a tensor or a nested structure of tensors.
        leaves: Tensors of the target, each before an optimizer scaled it.
        models: Calls of models; see `CallLog`.
        losses: Calls of losses; see `CallLog`.
        followed: Values of losses whose labels the model itself computes.
        scaler: Optimizer that scaled a loss; None if none did.
    """

    target: Any
    leaves: list[Any]
    models: list[Any]
    losses: list[Any]
    followed: list[Any]
    scaler: Any = None

    def models_in(self, graph: Any) -> list[Any]:
        """Return the calls of models made in a graph (None: eagerly)."""
        return [it for it in self.models if _belongs(it[2], graph)]

    def losses_in(self, graph: Any) -> list[Any]:
        """Return the calls of losses made in a graph (None: eagerly)."""
        return [it for it in self.losses if _belongs(it[-1], graph)]


class CallLog(threading.local):
    """Calls of models and losses, separately for each thread.

    Each replica of a strategy has a thread, and TensorFlow switches between them in the
    middle of a step.

    Attributes:
        models: Calls of models: model, inputs, outputs, and whether a tape recorded.
        losses: Calls of losses: loss object, labels, predictions, weights and value.
        followed: Values of losses whose labels the model itself computes.
        scaled: Calls of ``scale_loss``: scaled loss, loss and optimizer.
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
        """Enter a call; yield whether it is in no other call of the same kind."""
        depth = self._depths.get(what, 0)
        self._depths[what] = depth + 1
        try:
            yield depth == 0
        finally:
            self._depths[what] = depth

    def add(self, calls: deque[Any], call: tuple[Any, ...]) -> None:
        """Append a call; the next `take` then starts from a new set of calls."""
        calls.append(call)
        self._taken = None

    def take(self, target: Any) -> GradientCall:
        """Return the calls that led to a target, and forget them.

        If gradients of the same target are taken again, such as for other variables,
        the same calls are returned.
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
        """Forget all calls."""
        self._taken = None
        for known in (self.models, self.losses, self.followed, self.scaled):
            known.clear()
        self._scaled_before.clear()


def _belongs(value: Any, graph: Any) -> bool:
    """Whether the first leaf of a value was made in ``graph`` (None: eagerly)."""
    leaves = flatten(value)
    if not leaves or not tf.is_tensor(leaves[0]):
        return False
    eager = hasattr(leaves[0], "numpy")
    return eager if graph is None else not eager and leaves[0].graph is graph
