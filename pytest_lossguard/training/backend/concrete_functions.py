"""What a function does that TensorFlow compiled earlier, read from its graph."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["function_name", "step_counters", "takes_gradients", "variables_of"]

#: What the names of operations begin with that compute gradients.
_GRADIENT = r"gradient_tape/|gradients/"


def variables_of(concrete: Any) -> list[Any]:
    """The variables that a concrete function reads or moves."""
    try:
        return list(concrete.graph.variables)
    except AssertionError:  # one is gone, which TensorFlow minds only here
        return []


def step_counters(concrete: Any) -> list[Any]:
    """The optimizer step counters that a concrete function may move."""
    return [it for it in variables_of(concrete) if re.search(r"\biteration\b", it.name)]


def takes_gradients(concrete: Any) -> bool:
    """Whether a concrete function differentiates, by the names of its operations."""
    graph = concrete.graph.as_graph_def()
    nodes = [graph.node, *(it.node_def for it in graph.library.function)]
    return any(re.match(_GRADIENT, it.name) for some in nodes for it in some)


def function_name(concrete: Any) -> str:
    """What its author called it."""
    name = getattr(concrete, "name", b"a function")
    name = name.decode() if isinstance(name, bytes) else str(name)
    return re.sub(r"^__inference_|_\d+$", "", name)
