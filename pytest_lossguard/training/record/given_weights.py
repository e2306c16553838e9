"""Whether the sample weights given to ``fit`` take part in a loss.

Only a custom training step or ``compute_loss`` can leave them out. This shows when the
step is traced: none of its losses depends on the weights that it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..backend.frameworks import has_own_step, keras
from ..backend.graphs import tensors_behind
from ..backend.patches import owner_of, replaced
from ..backend.tensors import are_different, current_graph, flatten, raw


class GivenWeights:
    """The models whose ``fit`` was given weights, and whether a loss uses them."""

    def __init__(self) -> None:
        self._used: dict[int, tuple[Any, bool]] = {}
        self._at_hand: tuple[Any, list[Any]] | None = None

    def clear(self) -> None:
        """Forget all models."""
        self._used.clear()
        self._at_hand = None

    @contextmanager
    def in_fit(self, model: Any, given: Mapping[str, Any]) -> Iterator[None]:
        """Observe the use of the weights in steps traced by a ``fit`` call.

        Args:
            model: The model that is trained.
            given: Arguments of the call.
        """
        if not has_own_step(model) or not _differ(given):
            yield
            return
        owner = owner_of(type(model), "train_step")
        with replaced(owner, "train_step", self._on_step):
            yield

    def _on_step(self, call: Any, model: Any, data: Any) -> Any:
        """Hook on ``train_step``: hold its weights while it runs or is traced."""
        __tracebackhide__ = True
        _, _, weights = keras.utils.unpack_x_y_sample_weight(data)
        if self._at_hand is not None or weights is None:
            return call(model, data)
        self._at_hand = model, flatten(weights)
        try:
            return call(model, data)
        finally:
            self._at_hand = None

    def take(self, losses: Sequence[Any]) -> None:
        """Note that gradients of ``losses`` are taken.

        If it cannot be known whether the losses use the weights, they count as used.
        """
        if self._at_hand is None:
            return
        model, weights = self._at_hand
        graph = current_graph()
        is_known = graph is not None and all(
            getattr(it, "graph", None) is graph for it in (*losses, *weights)
        )
        sought = {it.name for it in weights} if is_known else set()
        uses = not is_known or any(it.name in sought for it in tensors_behind(losses))
        _, used = self._used.get(id(model), (model, False))
        self._used[id(model)] = model, used or uses

    def left_out(self, variables: Sequence[Any]) -> bool:
        """Whether the steps of a model that has ``variables`` left the weights out."""
        asked = {id(raw(it)) for it in variables}
        return any(
            not used and not asked.isdisjoint(id(raw(it)) for it in model.variables)
            for model, used in self._used.values()
        )


def _differ(given: Mapping[str, Any]) -> bool:
    """Whether the weights given to ``fit`` differ between rows or classes."""
    weights, by_class = given.get("sample_weight"), given.get("class_weight")
    if by_class:
        return len(set(map(float, by_class.values()))) > 1
    return any(map(are_different, flatten(weights)))
