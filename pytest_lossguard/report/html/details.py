"""Details of a training for the page, as few builtins.

They are sent from the worker to the controller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...core.diagnosis import Diagnosis, Experiment
from ...core.findings import Finding
from ...core.trace import SOME_CONSTANT, Floats, Trace
from ...core.verdict import Verdict
from ..entry import Number, RunEntry, causes_of
from .thinning import MOST_POINTS, columns_of, rounded, thinned

#: Most trainings of a test, variables and columns of a heat map, points of a re-run.
MOST_RUNS, MOST_VARIABLES, MOST_COLUMNS, MOST_RERUN = 12, 60, 120, 120


def shown_first(
    verdicts: Sequence[Verdict], nearness: Sequence[float]
) -> list[Verdict]:
    """Return the trainings of a test that the page shows, in the order of
    `entry.worst_run`: failed ones first, then by nearness to failing.
    """
    ranked = sorted(
        zip(verdicts, nearness, strict=True),
        key=lambda it: (it[0].converged, -it[1] if it[0].converged else 0.0),
    )
    return [verdict for verdict, _ in ranked[:MOST_RUNS]]


def details_of(verdict: Verdict) -> dict[str, Any]:
    """Return a training as builtins; NaN and infinities are floats.

    The result has at most 400 points a curve and 60 variables in 120 columns.
    """
    trace, steps = verdict.trace, verdict.trace.steps
    decisive = _decisive(it.step for it in verdict.errors)
    always = [] if decisive is None else [decisive - 1]
    return {
        "model": trace.model,
        "source": trace.source,
        "steps": len(steps),
        "seed": trace.seed,
        "converged": verdict.converged,
        "headline": "" if verdict.converged else verdict.errors[0].headline,
        "before": None if trace.before is None else float(trace.before.loss),
        "after": None if trace.after is None else float(trace.after.loss),
        "constant": _as_float(trace.constant_loss),
        "constant_name": trace.constant,
        "loss": _curve(steps.loss, always),
        "grad_norm": _curve(steps.global_grad_norm, always),
        "held_out": _held_out(trace),
        "decisive": decisive,
        "variables": _variables(trace, verdict.findings),
        "findings": [_finding(it) for it in verdict.findings],
        "notes": [*trace.notes, *([trace.stopped] if trace.stopped else [])],
        "diagnosis": None
        if verdict.diagnosis is None
        else _diagnosis(verdict.diagnosis),
    }


def details_of_entry(run: RunEntry) -> dict[str, Any]:
    """Return the details of a run in the JSON report, without variables and re-runs."""
    loss, norms = (np.array(run[it], np.float64) for it in ("loss", "grad_norm"))
    errors = [it for it in run["findings"] if it["severity"] == "error"]
    decisive = _decisive(it["step"] for it in errors)
    always = [] if decisive is None else [decisive - 1]
    probe: Any = run["probe"] or {"before": None, "after": None}
    return {
        **{key: run[key] for key in ("model", "source", "steps", "seed", "notes")},
        "converged": run["verdict"] == "converged",
        "headline": errors[0]["message"] if errors else "",
        "before": _as_float(probe["before"]),
        "after": _as_float(probe["after"]),
        "constant": _as_float(run["constant_loss"]),
        "constant_name": SOME_CONSTANT,
        "loss": _curve(loss, always),
        "grad_norm": _curve(norms, always),
        "held_out": None,
        "decisive": decisive,
        "variables": {"names": [], "of": 0, "x": [], "norms": []},
        "findings": [{**it, "hint": ""} for it in run["findings"]],
        "diagnosis": None
        if run["diagnosis"] is None
        else {
            "causes": [
                {
                    **it,
                    "before": _as_float(it["loss_before"]),
                    "after": _as_float(it["loss_after"]),
                    "with_next": False,
                }
                for it in causes_of(run)
            ],
            "experiments": [],
            "left_out": [],
        },
    }


def _as_float(value: Number | None) -> float | None:
    return None if value is None else float(value)


def _decisive(steps: Iterable[int | None]) -> int | None:
    """Return the first step that is known."""
    return next((it for it in steps if it is not None), None)


def _curve(
    values: Floats, always: Iterable[int] = (), most: int = MOST_POINTS
) -> dict[str, list[Any]]:
    kept = thinned(values, most=most, always=always)
    return {"x": (kept + 1).tolist(), "y": rounded(values[kept])}


def _held_out(trace: Trace) -> dict[str, Any] | None:
    if trace.validation is None:
        return None
    loss = np.asarray(trace.validation.loss, np.float64)
    kept = thinned(loss)
    return {
        "x": [trace.validation.step[it] for it in kept],
        "y": rounded(loss[kept]),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
    }


def _variables(trace: Trace, findings: Iterable[Finding]) -> dict[str, Any]:
    """Return the gradient norms over the steps, -1 where there was no gradient."""
    named = {it.where for it in findings}
    chosen = _spread(trace.variables, named)
    x, norms = columns_of(trace.steps.grad_norm[:, chosen], MOST_COLUMNS)
    return {
        "names": [trace.variables[it] for it in chosen],
        "of": len(trace.variables),
        "x": x,
        "norms": [rounded(row) for row in norms.T],
    }


def _spread(names: tuple[str, ...], named: set[str | None]) -> list[int]:
    """Select variables spread from the first layer to the last, and those that findings
    name.
    """
    if len(names) <= MOST_VARIABLES:
        return list(range(len(names)))
    chosen = [it for it, name in enumerate(names) if name in named][:MOST_VARIABLES]
    rest = np.linspace(0, len(names) - 1, MOST_VARIABLES - len(chosen)).astype(int)
    return sorted({*chosen, *map(int, rest)})


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "causes": [
            {
                "cause": it.cause,
                "verified": it.verified,
                "where": it.where,
                "change": it.change,
                "before": _as_float(it.loss_before),
                "after": _as_float(it.loss_after),
                "remedy": it.remedy,
                "with_next": it.with_next,
            }
            for it in diagnosis.causes
        ],
        "experiments": [_experiment(it) for it in diagnosis.experiments],
        "left_out": list(diagnosis.left_out),
    }


def _experiment(experiment: Experiment) -> dict[str, Any]:
    curve = experiment.curve
    values = np.empty(0) if curve is None else curve
    return {
        "text": experiment.description,
        "ran": experiment.failure is None,
        "loss": float(experiment.loss),
        "skill": _as_float(experiment.skill),
        "repairs": experiment.repairs,
        "came_of": experiment.came_of,
        "curve": _curve(values, most=MOST_RERUN),
    }
