"""The JSON schema of the JSON report, generated from the types in `entry`."""

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

#: Address of the schema in the documentation, which is also its ``$id``.
ADDRESS = f"{BASE}/report.schema.json"

_SIMPLE = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


def report_schema() -> dict[str, Any]:
    """Return the schema, of draft 2020-12. Additional keys are allowed."""
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
    """Return the schema as JSON text."""
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
    """Return the schema of a type; raise `TypeError` for one that no report uses."""
    if kind is Any:
        return {}
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    if is_typeddict(kind):
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = {}  # ends the recursion of a recursive type
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
    """Join types; those that consist only of a name become one list of names."""
    kinds = list(kinds)
    simple = [it["type"] for it in kinds if it.keys() == {"type"}]
    others = [it for it in kinds if it.keys() != {"type"}]
    if not others:
        return {"type": simple}
    return {"anyOf": [*others, *({"type": it} for it in simple)]}
