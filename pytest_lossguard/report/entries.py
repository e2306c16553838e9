"""What every report reads of a test's entry in the JSON report."""

from __future__ import annotations

from typing import Any

from ..findings import number

__all__ = [
    "LOSS",
    "STEPS_ONLY",
    "Entry",
    "labeled_loss",
    "measured",
    "told_loss",
    "told_nearness",
    "verdict_of",
    "worst_run",
]

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


def measured(run: Entry) -> tuple[str, str] | None:
    """The loss before a training and after it, on the probe: a fixed sample of its
    data, penalties left out; None where it was not scored so.
    """
    probe = run.get("probe")
    if probe is None or probe["before"] is None or probe["after"] is None:
        return None
    return _told(probe["before"]), _told(probe["after"])


def told_loss(run: Entry) -> str:
    """Two losses as ``"2.31 -> 0.042"``: before training and after, on the probe; where
    there is none those of the first and the last step, and ``"*"`` says so. ``"-"``
    where no step was recorded.
    """
    known = measured(run)
    if known is not None:
        return " -> ".join(known)
    if not run["loss"]:
        return "-"
    return f"{_told(run['loss'][0])} -> {_told(run['loss'][-1])}*"


#: What the mark means.
STEPS_ONLY = (
    "* loss of the first step -> the last: it was not scored before training and after"
)
#: What the pair is.
LOSS = "loss before -> after"


def labeled_loss(run: Entry) -> str:
    """The same in words."""
    told = told_loss(run)
    if told == "-":
        return "no loss recorded"
    if measured(run) is not None:
        return f"loss before training -> after: {told}"
    return f"loss of the first step -> the last: {told.removesuffix('*')}"


def _told(value: Any) -> str:
    return number(float(value))


def told_nearness(run: Entry) -> str:
    """How much of a limit was used up, as ``"0.31"``; ``"-"`` of what failed."""
    return f"{run['nearness']:.2g}" if run["verdict"] == "converged" else "-"
