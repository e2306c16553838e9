"""The JSON schema of the JSON report, made of the types in `entry`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from ..core.addresses import BASE
from .entry import ReportEntry

__all__ = ["ADDRESS", "report_schema", "schema_text"]

#: Where the documentation has it, which is also its name.
ADDRESS = f"{BASE}/report.schema.json"

_SIMPLE = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


def report_schema() -> dict[str, Any]:
    """The schema, of draft 2020-12. Keys that it does not name are allowed."""
    definitions: dict[str, Any] = {}
    whole = _table(ReportEntry, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ADDRESS,
        "title": "The report of pytest --lossguard-json",
        **whole,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as JSON."""
    return json.dumps(report_schema(), indent=2) + "\n"


def _table(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    fields = get_type_hints(kind)
    marked = get_type_hints(kind, include_extras=True)
    return {
        "description": " ".join((kind.__doc__ or "").replace("``", "`").split()),
        "type": "object",
        "properties": {name: _of(it, definitions) for name, it in fields.items()},
        "required": [it for it in fields if get_origin(marked[it]) is not NotRequired],
    }


def _of(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a type.

    Raises:
        TypeError: It is of a kind that no report has yet.
    """
    if kind is Any:
        return {}
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    if is_typeddict(kind):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # known, should it hold one of its own
            definitions[kind.__name__] = _table(kind, definitions)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _any_of([_of(it, definitions) for it in inner])
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return {"type": "array", "items": _of(inner[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(inner[1], definitions)}
    raise TypeError(f"{kind} is not known here: add it to report/schema.py")


def _any_of(kinds: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Types that are no more than a name in one list."""
    kinds = list(kinds)
    simple = [it["type"] for it in kinds if it.keys() == {"type"}]
    others = [it for it in kinds if it.keys() != {"type"}]
    if not others:
        return {"type": simple}
    return {"anyOf": [*others, *({"type": it} for it in simple)]}
