"""Merge the shards of a search into one search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from .entry import Entry, SearchEntry

#: The parameter in the ids of the items of a divided search.
_SHARD = re.compile(r"-?shard-\d+-of-\d+-?")


def whole_searches(tests: Iterable[Entry]) -> Iterator[tuple[str, SearchEntry]]:
    """Yield each search with the id of its test; the shards of a search are merged.

    Args:
        tests: Entries of the tests; those without a search are skipped.
    """
    parts: dict[str, list[SearchEntry]] = {}
    for test in tests:
        search = test["search"]
        if search is not None:
            name = test["nodeid"]
            if search.get("shard"):
                name = without_shard(name)
            parts.setdefault(name, []).append(search)
    for name, searches in parts.items():
        searches.sort(key=_index)
        of = searches[0].get("shard")
        several = f" ({len(searches)} of {of['of']} shards)" if of else ""
        yield f"{name}{several}", _together(searches)


def _index(search: SearchEntry) -> int:
    shard = search.get("shard")
    return shard["index"] if shard else 0


def without_shard(nodeid: str) -> str:
    """Return the id of a test without the parameter of its shard."""
    plain = _SHARD.sub(lambda it: "-" if it[0][0] == it[0][-1] == "-" else "", nodeid)
    return plain.removesuffix("[]")


def _together(searches: list[SearchEntry]) -> SearchEntry:
    """Merge the shards of a search: all draw the same examples, and each runs its own
    part.
    """
    failing = next((it["failing"] for it in searches if it["failing"]), None)
    passed = [it["closest"] for it in searches if it["closest"] and not failing]
    return {
        **searches[0],
        "examples": max(it["examples"] for it in searches),
        "unique": sum(it["unique"] for it in searches),
        "exhausted_budget": any(it["exhausted_budget"] for it in searches),
        "failing": failing,
        "closest": max(passed, key=lambda it: it["nearness"], default=None),
        "headroom": [] if failing else in_turn([it["headroom"] for it in searches]),
        "known_cases": sum(it.get("known_cases") or 0 for it in searches),
    }


def in_turn(parts: list[list[str]]) -> list[str]:
    """Interleave lists that were dealt in turn, restoring the original order."""
    return [it for row in zip_longest(*parts) for it in row if it is not None]
