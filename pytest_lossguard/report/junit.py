"""Properties of a test case in a JUnit file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .checked import checked_of
from .entry import causes_of, worst_run
from .sound import sound

#: Prefix of all properties of this package.
PREFIX = "lossguard_"


def properties(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and value of each property; none if nothing was judged.

    Args:
        found: The parts of a test's entry, such as ``runs`` and ``baseline``.
    """
    test = sound(found)
    run = worst_run(test)
    if run is not None:
        good = all(it["verdict"] == "converged" for it in test["runs"])
        yield f"{PREFIX}verdict", "converged" if good else "not_converged"
        yield f"{PREFIX}trainings", str(len(test["runs"]))
        yield f"{PREFIX}steps", str(run["steps"])
        if run["loss"]:
            yield f"{PREFIX}loss_first", _digits(run["loss"][0])
            yield f"{PREFIX}loss_last", _digits(run["loss"][-1])
        probe = run["probe"] or {"before": None, "after": None}
        if probe["before"] is not None:
            yield f"{PREFIX}loss_before", _digits(probe["before"])
        if probe["after"] is not None:
            yield f"{PREFIX}loss_after", _digits(probe["after"])
        yield f"{PREFIX}nearness", _digits(run["nearness"])
        kinds = dict.fromkeys(it["kind"] for it in run["findings"])
        yield f"{PREFIX}findings", ",".join(kinds)
        proved = (it["cause"] for it in causes_of(run) if it["verified"])
        yield f"{PREFIX}causes", ",".join(proved)
    checked = checked_of(test)
    if checked is not None:
        name = f"{PREFIX}{checked.noun.replace(' ', '_')}"
        yield name, checked.name
        yield f"{name}_outcome", checked.outcome
        if checked.is_skipped:
            yield f"{name}_reason", checked.message
        if checked.is_bad:
            yield f"{name}_{checked.outcome}", checked.first_line
    baseline = test.get("baseline")
    if baseline is not None:
        yield f"{PREFIX}baseline", baseline["state"]


def _digits(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
