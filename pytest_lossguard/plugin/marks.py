"""Read the policy of a test from its marks."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from ..core.addresses import page
from ..core.errors import PolicyError
from ..core.given import shown
from .hook_calls import policy_by_hook
from .options import is_diagnosed
from .project_policy import SETTING, changed_keys, name_of_ini
from .state import PROJECT_POLICY

if TYPE_CHECKING:
    from ..core.policy import Policy

#: Prefix that pytest writes before a marker, and the width of a terminal.
_BEFORE, _WIDTH = "@pytest.mark.", 80


def marker_line(signature: str, meaning: str, path: str) -> str:
    """Return the text that ``pytest --markers`` shows of a marker, wrapped at 80
    columns.

    Args:
        signature: Name and keys of the marker.
        meaning: What the marker does, in a short phrase.
        path: Page of the documentation that explains it.
    """
    # pytest strips the text after the colon: its first word must stay on this line.
    text = f"{_BEFORE}{signature}:\0{meaning}"
    lines = textwrap.wrap(text, _WIDTH, subsequent_indent="    ")
    shown = "\n".join([*lines, f"    see {page(path)}"])
    return shown.removeprefix(_BEFORE).replace("\0", " ")


def policy_of(item: pytest.Item) -> tuple[Policy | None, dict[str, str]]:
    """Return the policy of a test, and the origin of each key that is not a default.

    For each key, the closest mark wins. Keys of ``lossguard_policy`` in the ini file
    apply where no mark sets them. A hook may change the result.
    """
    marks = list(item.iter_markers_with_node("converges"))
    if not marks:
        return None, {}
    from ..core.policy import Policy

    merged, owners = _merged(marks)
    if "steps" in merged and "epochs" in merged and owners["steps"] != owners["epochs"]:
        nodes = item.listchain()
        farther = min(("steps", "epochs"), key=lambda key: nodes.index(owners[key]))
        del merged[farther], owners[farther]
    origins = {key: f"mark on {owners[key].name}" for key in merged}
    for key, value in _defaults(item, merged).items():
        merged[key], origins[key] = value, f"{SETTING} in {name_of_ini(item.config)}"
    if "diagnose" not in merged and not is_diagnosed(item.config):
        merged["diagnose"], origins["diagnose"] = False, "--lossguard-no-diagnose"
    marked = Policy.from_keywords(merged)
    policy = policy_by_hook(item, marked)
    hooked = dict.fromkeys(changed_keys(marked, policy), "pytest_lossguard_policy")
    return policy, {**origins, **hooked}


def _merged(
    marks: list[tuple[Any, pytest.Mark]],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Merge the keys of all marks, and return the node that each key comes from."""
    from ..core.policy import Policy

    merged: dict[str, Any] = {}
    owners: dict[str, Any] = {}
    for node, mark in marks:
        if mark.args:
            raise PolicyError(
                f"converges() takes keywords only, got {shown(mark.args[0])}: use a"
                " keyword, as in converges(steps=60)"
            )
        Policy.from_keywords(mark.kwargs)  # check values that a closer mark overrides
        for key, value in mark.kwargs.items():
            if key in owners and owners[key] is node and merged[key] != value:
                raise PolicyError(
                    f"two marks on {node.name} disagree: converges({key}="
                    f"{shown(merged[key])}) and converges({key}={shown(value)})"
                )
            if key not in merged:
                merged[key], owners[key] = value, node
    return merged, owners


def _defaults(item: pytest.Item, marked: dict[str, Any]) -> dict[str, Any]:
    """Return the project's defaults for keys that no mark sets. ``steps`` in a mark
    overrides ``epochs`` and vice versa, and a search has no baseline.
    """
    left_out = set(marked)
    if left_out & {"steps", "epochs"}:
        left_out |= {"steps", "epochs"}
    if hasattr(getattr(item, "obj", None), "hypothesis"):
        left_out.add("baseline")
    known = item.config.stash[PROJECT_POLICY]
    return {key: it for key, it in known.items() if key not in left_out}
