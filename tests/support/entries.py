"""Handmade entries of tests, in the form that the reporter collects."""

from __future__ import annotations

from typing import Any

#: Loss of a fixed sample before and after training.
PROBE = {"before": 2.5, "after": 0.25}


def run(loss=(2.0, 0.5), *, findings=(), nearness=0.25, **rest: Any) -> dict[str, Any]:
    """Return a run that converged, unless one of its findings is an error."""
    failed = any(it["severity"] == "error" for it in findings)
    return {
        "source": "fit",
        "model": "net",
        "steps": len(loss),
        "seed": 0,
        "verdict": "not_converged" if failed else "converged",
        "loss": list(loss),
        "data_loss": None,
        "grad_norm": [1.0] * len(loss),
        "constant_loss": 1.0,
        "findings": list(findings),
        "diagnosis": None,
        "nearness": nearness,
        **rest,
    }


def found(
    kind: str = "diverging_loss", severity: str = "error", message: str = "it blew up"
) -> dict[str, Any]:
    return {
        "kind": kind,
        "severity": severity,
        "step": 2,
        "value": 1.0,
        "limit": 0.5,
        "where": None,
        "message": message,
    }


def entry(name="test_a", *runs: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """Return the entry of ``tests/test_it.py::<name>``, on line 7 of its file."""
    runs = runs or (run(),)
    bad = any(it["verdict"] != "converged" for it in runs)
    return {
        "nodeid": f"tests/test_it.py::{name}",
        "file": "tests/test_it.py",
        "line": 7,
        "outcome": "failed" if bad else "passed",
        "error": "NotConverged: it blew up\n\n  more" if bad else None,
        "runs": list(runs),
        "search": None,
        **rest,
    }


def baseline(regressed=True):
    return {
        "state": "regressed" if regressed else "kept",
        "file": "tests/__lossguard__/test_a.json",
        "told": "final skill fell from 0.9 to 0.4",
        "metrics": [{"name": "skill", "regressed": regressed}],
    }


def model_check(outcome="passed", check="exports", message=""):
    """Return the entry of a test with a model check."""
    found = {"check": check, "outcome": outcome, "where": None, "message": message}
    test = entry(f"test_model[{check}]", model_check=found)
    return {
        **test,
        "runs": [],
        "outcome": "failed" if outcome == "failed" else "passed",
    }


#: Message of a broken relation, as a test of contracts reports it.
BROKEN = "alone: row 0 served alone comes out differently\n\n  raw row  5, <4>"


def contract(relation="alone", outcome="kept", message="", **rest):
    """Return the entry of one relation: ``tests/test_it.py::test_a[alone]``."""
    failed = outcome == "broken"
    message = message or {"broken": BROKEN, "skipped": "no labels were given"}.get(
        outcome, ""
    )
    return {
        "nodeid": f"tests/test_it.py::test_a[{relation}]",
        "file": "tests/test_it.py",
        "line": 7,
        "outcome": "failed" if failed else "passed",
        "error": f"ContractBroken: {message}" if failed else None,
        "runs": [],
        "search": None,
        "contract": {
            "relation": relation,
            "outcome": outcome,
            "column": None,
            "rows": [],
            "message": message,
        },
        **rest,
    }


def contracts():
    """Return one entry of each kind: broken, broken and allowed, skipped, kept."""
    return [
        contract("types"),
        {**contract("trained", "broken"), "outcome": "passed", "error": None},
        contract("own_label", "skipped"),
        contract("alone", "broken"),
    ]
