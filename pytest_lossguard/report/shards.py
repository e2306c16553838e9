"""The shards of a search, put together as the one search that they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .entry import Entry, SearchEntry

__all__ = ["whole_searches", "without_shard"]

#: The parameter by which the items of a search differ.
_SHARD = re.compile(r"-?shard-\d+-of-\d+-?")


def whole_searches(tests: Iterable[Entry]) -> Iterator[tuple[str, SearchEntry]]:
    """Each search with the id of its test, that of several shards once.

    Args:
        tests: Entries; those without a search are left out.
    """
    parts: dict[str, list[SearchEntry]] = {}
    for test in tests:
        search = test["search"]
        if search is not None:
            parts.setdefault(_name(test["nodeid"], search), []).append(search)
    for name, searches in parts.items():
        of = searches[0].get("shard")
        several = f" ({len(searches)} of {of['of']} shards)" if of else ""
        yield f"{name}{several}", _together(searches)


def _name(nodeid: str, search: SearchEntry) -> str:
    return nodeid if not search.get("shard") else without_shard(nodeid)


def without_shard(nodeid: str) -> str:
    """The id of the test whose search was divided."""
    plain = _SHARD.sub(lambda it: "-" if it[0][0] == it[0][-1] == "-" else "", nodeid)
    return plain.removesuffix("[]")


def _together(searches: list[SearchEntry]) -> SearchEntry:
    """Shards draw the same number of examples, and each runs those that are its own."""
    failing = next((it["failing"] for it in searches if it["failing"]), None)
    passed = [it["closest"] for it in searches if it["closest"] and not failing]
    return {
        **searches[0],
        "examples": max(it["examples"] for it in searches),
        "unique": sum(it["unique"] for it in searches),
        "exhausted_budget": any(it["exhausted_budget"] for it in searches),
        "failing": failing,
        "closest": max(passed, key=lambda it: it["nearness"], default=None),
        "headroom": [it for search in searches for it in search["headroom"]],
        "known_cases": sum(it.get("known_cases") or 0 for it in searches),
    }
