"""Walk a graph from a tensor back to what the tensor is computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["tensors_behind"]


def tensors_behind(
    tensors: Iterable[Any], ends_at: Callable[[Any], bool] = lambda _: False
) -> Iterator[Any]:
    """Yield tensors of one graph and all tensors they are computed from, each once.

    Args:
        tensors: Tensors to start from.
        ends_at: Predicate that stops the walk: inputs of a tensor for which it is true
            are not followed.
    """
    pending, seen = list(tensors), set[str]()
    while pending:
        tensor = pending.pop()
        if tensor.name in seen:
            continue
        seen.add(tensor.name)
        yield tensor
        if not ends_at(tensor):
            pending.extend(tensor.op.inputs)
