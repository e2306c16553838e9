"""Walk a graph from a tensor, back to what it is computed from or forth to results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


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


def has_effect(tensor: Any) -> bool:
    """Whether anything that a traced function returns or changes depends on a tensor.

    Args:
        tensor: A tensor of a function's graph, after the trace.
    """
    graph = tensor.graph
    results = {it.name for it in graph.outputs}
    pending, seen = [tensor], set[str]()
    while pending:
        it = pending.pop()
        if it.name in results:
            return True
        for operation in it.consumers():
            if operation.name in seen:
                continue
            seen.add(operation.name)
            if operation.op_def.is_stateful:
                return True
            pending.extend(operation.outputs)
    return False
