"""From the marks of a test to its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ..core.errors import PolicyError
from ..core.given import shown
from .hook_calls import policy_by_hook
from .options import is_diagnosed

if TYPE_CHECKING:
    from ..core.policy import Policy

__all__ = ["policy_of"]


def policy_of(item: pytest.Item) -> Policy | None:
    """The policy of a test: the closest mark wins, key by key; others may change it."""
    merged: dict[str, Any] = {}
    marks = list(item.iter_markers_with_node("converges"))
    if not marks:
        return None
    from ..core.policy import Policy

    owners: dict[str, Any] = {}
    for node, mark in marks:
        if mark.args:
            raise PolicyError(
                f"converges() takes keywords only, got {shown(mark.args[0])}: name"
                " what it is, as in converges(steps=60)"
            )
        Policy.from_keywords(mark.kwargs)  # one that a closer mark hides is wrong too
        for key, value in mark.kwargs.items():
            if owners.get(key) is node and merged[key] != value:
                raise PolicyError(
                    f"two marks on {node.name} disagree: converges({key}="
                    f"{shown(merged[key])}) and converges({key}={shown(value)})"
                )
            if key not in merged:
                merged[key], owners[key] = value, node
    if "steps" in merged and "epochs" in merged and owners["steps"] != owners["epochs"]:
        nodes = item.listchain()
        farther = min(("steps", "epochs"), key=lambda key: nodes.index(owners[key]))
        del merged[farther]
    merged.setdefault("diagnose", is_diagnosed(item.config))
    return policy_by_hook(item, Policy.from_keywords(merged))
