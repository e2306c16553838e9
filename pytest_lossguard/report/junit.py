"""Properties of a test case in a JUnit file."""

from __future__ import annotations

from collections.abc import Iterator

from .entries import Entry, worst_run
from .sound import sound

__all__ = ["PREFIX", "properties"]

#: All of our properties begin so.
PREFIX = "lossguard_"


def properties(test: Entry) -> Iterator[tuple[str, str]]:
    """Name and value of each; none where nothing was judged.

    Args:
        test: ``runs`` and, where there is one, ``baseline`` of its entry.
    """
    test = sound(test)
    run = worst_run(test)
    if run is not None:
        good = all(it["verdict"] == "converged" for it in test["runs"])
        yield f"{PREFIX}verdict", "converged" if good else "not_converged"
        yield f"{PREFIX}trainings", str(len(test["runs"]))
        yield f"{PREFIX}steps", str(run["steps"])
        if run["loss"]:
            yield f"{PREFIX}loss_first", _digits(run["loss"][0])
            yield f"{PREFIX}loss_last", _digits(run["loss"][-1])
        for name in ("before", "after"):
            value = (run["probe"] or {}).get(name)
            if value is not None:
                yield f"{PREFIX}loss_{name}", _digits(value)
        yield f"{PREFIX}nearness", _digits(run["nearness"])
        kinds = dict.fromkeys(it["kind"] for it in run["findings"])
        yield f"{PREFIX}findings", ",".join(kinds)
        causes = (run["diagnosis"] or {}).get("causes", ())
        yield f"{PREFIX}causes", ",".join(_proved(causes))
    contract = test.get("contract")
    if contract is not None:
        yield f"{PREFIX}contract", contract["relation"]
        yield f"{PREFIX}contract_outcome", contract["outcome"]
        if contract["outcome"] == "skipped":
            yield f"{PREFIX}contract_reason", contract["message"]
        if contract["outcome"] == "broken":
            yield f"{PREFIX}contract_broken", contract["message"].partition("\n")[0]
    baseline = test.get("baseline")
    if baseline is not None:
        yield f"{PREFIX}baseline", baseline["state"]


def _proved(causes: Iterator[Entry]) -> Iterator[str]:
    return (it["cause"] for it in causes if it["verified"])


def _digits(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"
