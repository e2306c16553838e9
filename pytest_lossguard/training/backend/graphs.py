"""What a tensor of a graph is computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["tensors_behind"]


def tensors_behind(
    tensors: Iterable[Any], ends_at: Callable[[Any], bool] = lambda _: False
) -> Iterator[Any]:
    """Tensors of one graph and all that they are computed from, each once.

    Args:
        tensors: Where to begin.
        ends_at: Whether what a tensor is computed from is left out.
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
