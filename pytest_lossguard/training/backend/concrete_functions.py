"""Facts about already traced functions, read from their graphs."""

from __future__ import annotations

import re
from typing import Any

#: Prefixes of the names of operations that compute gradients.
_GRADIENT = r"gradient_tape/|gradients/"


def variables_of(concrete: Any) -> list[Any]:
    """Return the variables that a concrete function reads or writes."""
    try:
        return list(concrete.graph.variables)
    except AssertionError:  # one was deleted, which TensorFlow checks only here
        return []


def step_counters(concrete: Any) -> list[Any]:
    """Return the optimizer step counters that a concrete function may increase."""
    return [it for it in variables_of(concrete) if re.search(r"\biteration\b", it.name)]


def takes_gradients(concrete: Any) -> bool:
    """Whether a concrete function takes gradients, by the names of its operations."""
    graph = concrete.graph.as_graph_def()
    nodes = [graph.node, *(it.node_def for it in graph.library.function)]
    return any(re.match(_GRADIENT, it.name) for some in nodes for it in some)


def function_name(concrete: Any) -> str:
    """Return the name that the user gave to a concrete function."""
    name = getattr(concrete, "name", b"a function")
    name = name.decode() if isinstance(name, bytes) else str(name)
    return re.sub(r"^__inference_|_\d+$", "", name)
