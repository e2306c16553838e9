"""What every report reads of a test's entry in the JSON report."""

from __future__ import annotations

from typing import Any

from ..findings import number

__all__ = ["Entry", "told_loss", "told_nearness", "verdict_of", "worst_run"]

#: A test as the JSON report holds it; see `json_report`.
Entry = dict[str, Any]


def worst_run(test: Entry) -> Entry | None:
    """The training that stands for a test: the first that did not converge, else the
    one that came nearest to failing; None where nothing was judged.
    """
    runs: list[Entry] = test["runs"]
    failed = (run for run in runs if run["verdict"] != "converged")
    nearest = max(runs, key=lambda run: run["nearness"], default=None)
    return next(failed, nearest)


def verdict_of(test: Entry) -> str:
    """``"converged"``, ``"not converged"``, ``"2 of 3 converged"``; what came of its
    contract where nothing was trained, ``"none"`` without one.
    """
    runs = test["runs"]
    good = sum(run["verdict"] == "converged" for run in runs)
    if not runs:
        return str((test.get("contract") or {"outcome": "none"})["outcome"])
    if good in (0, len(runs)):
        return "converged" if good else "not converged"
    return f"{good} of {len(runs)} converged"


def told_loss(run: Entry) -> str:
    """First and last loss, as ``"2.31 to 0.042"``."""
    first, last = run["loss"][0], run["loss"][-1]
    return f"{number(float(first))} to {number(float(last))}"


def told_nearness(run: Entry) -> str:
    """How much of a limit was used up, as ``"0.31"``; ``"-"`` of what failed."""
    return f"{run['nearness']:.2g}" if run["verdict"] == "converged" else "-"
