"""Clean the entries of tests, so that every writer can rely on their shape.

Entries come from workers, which may run another version or other plugins. Missing
values are filled in, values of a wrong type are left out, and text of the user is made
safe to show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from ..core.printable import MOST_CHARACTERS, printable, printables
from ..core.trace import to_json_number
from .entry import Entry

#: Texts that stand for numbers that are not finite, which JSON does not have.
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")
#: Nearness to failing of a training whose numbers are not finite.
_BROKEN = 1e12

#: Control characters that are kept: every writer escapes them or breaks the line.
_KEPT = "\n\t"

_Fields = Mapping[str, Callable[[Any], Any]]


def sound(entry: Any) -> Entry:
    """Return an entry of the JSON report with every key that a writer reads.

    An entry that is already valid comes back equal; additional keys are kept.
    """
    given = entry if isinstance(entry, Mapping) else {}
    return cast("Entry", _filled(_TEST, given))


def _filled(fields: _Fields, given: Mapping[str, Any]) -> dict[str, Any]:
    kept = {
        printable(str(key), keep=_KEPT): _plain(it)
        for key, it in given.items()
        if key not in fields
    }
    return {name: read(given.get(name)) for name, read in fields.items()} | kept


def _plain(found: Any) -> Any:
    """Convert any value to strict JSON."""
    return _finite(printables(found, keep=_KEPT))


def _finite(found: Any) -> Any:
    if isinstance(found, float):
        return to_json_number(found)
    if isinstance(found, list):
        return [_finite(it) for it in found]
    if isinstance(found, dict):
        return {key: _finite(it) for key, it in found.items()}
    return found


def _one(fields: _Fields) -> Callable[[Any], dict[str, Any] | None]:
    """Return a reader of a table that may be missing."""
    return lambda given: _filled(fields, given) if isinstance(given, Mapping) else None


def _several(fields: _Fields) -> Callable[[Any], list[dict[str, Any]]]:
    """Return a reader of a list of tables; other values in the list are left out."""

    def read(given: Any) -> list[dict[str, Any]]:
        return [_filled(fields, it) for it in _list(given) if isinstance(it, Mapping)]

    return read


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple)) else []


def _text(given: Any) -> str:
    return "" if given is None else str(printables(given, keep=_KEPT))


def _line(given: Any) -> str:
    """Return a word or a name as one line."""
    return " ".join(_text(given).split())


def _line_or_none(given: Any) -> str | None:
    return None if given is None else _line(given)


def _text_or_none(given: Any) -> str | None:
    return None if given is None else _text(given)


def _texts(given: Any) -> list[str]:
    return [_text(it) for it in _list(given)]


def _named(given: Any) -> dict[str, str]:
    known = given if isinstance(given, Mapping) else {}
    return {_line(name): _text(it) for name, it in known.items()}


def _short_text(given: Any) -> str | None:
    return None if given is None else _text(given)[:MOST_CHARACTERS]


def whole(given: Any) -> int | None:
    """Return a whole number that JSON readers accept; None for anything else."""
    if isinstance(given, bool) or not isinstance(given, int):
        return None
    return int(given) if abs(given) < 1 << 63 else None


def _count(given: Any) -> int:
    return max(whole(given) or 0, 0)


def _flag(given: Any) -> bool:
    return given is True


def _number(given: Any) -> Any:
    """Return a number as `to_json_number` writes it; None for anything else."""
    if isinstance(given, str):
        return given if given in _NOT_FINITE else None
    if given is None or isinstance(given, bool):
        return None
    try:
        return to_json_number(given)
    except (TypeError, ValueError, OverflowError):
        return None


def _numbers(given: Any) -> list[Any]:
    values = _list(given)
    if set(map(type, values)) <= {float} and all(map(math.isfinite, values)):
        return values
    return ["NaN" if (number := _number(it)) is None else number for it in values]


def _numbers_or_none(given: Any) -> list[Any] | None:
    return None if given is None else _numbers(given)


def _nearness(given: Any) -> float:
    number = _number(given)
    if number is None:
        return 0.0
    return float(number) if not isinstance(number, str) else _BROKEN


def _one_of(*words: str) -> Callable[[Any], str]:
    """Return a reader of one of some words; any other value becomes the last word."""
    return lambda given: given if given in words else words[-1]


def _runs(given: Any) -> list[dict[str, Any]]:
    runs = _several(_RUN)(given)
    for run in runs:  # give each column as many steps as the loss
        for name in ("grad_norm", "data_loss"):
            if run[name] is not None:
                lacking = len(run["loss"]) - len(run[name])
                run[name] = [*run[name], *["NaN"] * lacking][: len(run["loss"])]
    return runs


_FINDING: _Fields = {
    "kind": _line,
    "severity": _one_of("error", "warning"),
    "step": whole,
    "value": _number,
    "limit": _number,
    "where": _line_or_none,
    "message": _text,
}
_CAUSE: _Fields = {
    "cause": _line,
    "verified": _flag,
    "where": _line_or_none,
    "change": _line_or_none,
    "loss_before": _number,
    "loss_after": _number,
    "remedy": _text_or_none,
}
_RUN: _Fields = {
    "source": _line,
    "model": _line,
    "steps": _count,
    "seed": whole,
    "verdict": _one_of("converged", "not_converged"),
    "loss": _numbers,
    "data_loss": _numbers_or_none,
    "grad_norm": _numbers,
    "constant_loss": _number,
    "probe": _one({"before": _number, "after": _number}),
    "findings": _several(_FINDING),
    "notes": _texts,
    "diagnosis": _one({"causes": _several(_CAUSE), "tried": _count}),
    "nearness": _nearness,
    "nearest": _line_or_none,
}
_SEARCH: _Fields = {
    "examples": _count,
    "unique": _count,
    "exhausted_budget": _flag,
    "failing": _text_or_none,
    "space": _text_or_none,
    "closest": _one({"nearness": _nearness, "corruption": _text}),
    "headroom": _texts,
    "shard": _one({"index": _count, "of": _count}),
    "known_cases": _count,
    "failed_case": _text_or_none,
    "stale_cases": _named,
}
_METRIC: _Fields = {
    "name": _line,
    "label": _line_or_none,
    "regressed": _flag,
    "before": _plain,
    "now": _plain,
    "limit": _plain,
}
_BASELINE: _Fields = {
    "state": _line,
    "file": _text,
    "told": _text,
    "note": _text_or_none,
    "metrics": _several(_METRIC),
}
_CONTRACT: _Fields = {
    "relation": _line,
    "outcome": _one_of("kept", "broken", "skipped"),
    "column": _line_or_none,
    "rows": _plain,
    "message": _text,
}
_MODEL_CHECK: _Fields = {
    "check": _line,
    "outcome": _one_of("passed", "failed", "skipped"),
    "where": _line_or_none,
    "message": _text,
}
_TEST: _Fields = {
    "nodeid": _text,
    "file": _text,
    "line": whole,
    "outcome": _one_of("passed", "skipped", "failed"),
    "error": _short_text,
    "duration": _number,
    "runs": _runs,
    "findings": _several(_FINDING),
    "search": _one(_SEARCH),
    "baseline": _one(_BASELINE),
    "contract": _one(_CONTRACT),
    "model_check": _one(_MODEL_CHECK),
}
