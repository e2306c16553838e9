"""Handmade data of tests, in the form that the HTML report takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.diagnosis import Cause, Diagnosis, Experiment
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Trace, Validation
from pytest_lossguard.core.verdict import Verdict
from pytest_lossguard.corruptions import Corruption, Offset, Scale
from pytest_lossguard.corruptions.space import Space
from pytest_lossguard.judge import judge
from pytest_lossguard.report.html import details_of
from pytest_lossguard.report.session_facts import Commit, SessionFacts
from pytest_lossguard.session.guard import Guard
from pytest_lossguard.session.search import Case, Search
from tests.support.findings import finding
from tests.support.traces import falling, make_trace

#: A text that would break out of an unescaped script, attribute or template.
HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>\"'&{{ 7*7 }}"


SESSION = SessionFacts(
    seed=0,
    started="2026-11-29T04:20:00+00:00",
    duration=125.4,
    commit=Commit(id="0123456789abcdef0123456789abcdef01234567"),
    command="pytest tests -n 2 --lossguard-html=report.html",
    version="0.1.0",
    environment={"python": "3.11", "platform": None, "keras": "3.15"},
)


def verdict_of(trace: Trace) -> Verdict:
    return Verdict(trace=trace, findings=judge(trace, Policy()))


def good(steps: int = 400, **given: Any) -> Verdict:
    trace = make_trace(falling(steps=steps), start=1.0, end=0.1, constant=0.9)
    held_out = Validation(step=(steps // 4, steps // 2, steps), loss=(0.5, 0.3, 0.2))
    return verdict_of(replace(trace, validation=held_out, **given))


def bad(**given: Any) -> Verdict:
    """Return the verdict of a training that diverged at step 20 and became NaN."""
    loss = [1.0] * 19 + [1e9] + [np.nan] * 20
    trace = make_trace(loss, start=1.0, end=np.nan, constant=0.9)
    return replace(verdict_of(replace(trace, **given)), diagnosis=diagnosis())


def diagnosis(text: str = "learning rate 10 -> 0.01") -> Diagnosis:
    def experiment(text: str, end: float, **given: Any) -> Experiment:
        curve = np.geomspace(1.0, end, 40)
        changes = (Change(kind="learning_rate", value=0.001),)
        return Experiment(
            changes=changes, description=text, loss=end, curve=curve, **given
        )

    helps = experiment(text, 0.05, skill=0.9, converged=True, holds=1.0)
    vain = [experiment(f"no help {it}", 2.0 + it, skill=-1.0) for it in range(3)]
    not_run = Experiment(
        changes=(), description="another loss", failure="no such layer"
    )
    cause = Cause(
        cause="learning_rate_too_high",
        verified=True,
        change=text,
        loss_before=float("nan"),
        loss_after=0.05,
        remedy="lower the learning rate",
    )
    return Diagnosis(
        causes=(cause,),
        experiments=(helps, *vain, not_run),
        left_out=("the budget kept further changes from being tried",),
    )


def search(fails: bool = True, many: int = 0) -> Search:
    """Return a search with a few corruptions of two families."""
    guard = Guard(policy=Policy(), seed=0, trainer=lambda: None)  # type: ignore[arg-type, return-value]
    space = Space.from_keywords({"outliers": False}, "corruptions")
    made = Search(guard=guard, space=space, examples=100)
    cases = [
        (Corruption(), 0.2, False),
        (Corruption(Scale(1000.0)), 1e12, fails),
        (Corruption(Scale(10.0, features=2)), 0.5, False),
        (Corruption(Scale(10.0), Offset(-100.0, features="height")), 40.0, fails),
        *((Corruption(Offset(1.0 + it)), 0.3, False) for it in range(many)),
    ]
    for corruption, nearness, failed in cases:
        run = None
        case = Case(corruption, run, nearness, ValueError("bad") if failed else None)
        made.note(case)
    return made


def entry(
    nodeid: str = "tests/test_a.py::test_a",
    *verdicts: Verdict,
    searched: Search | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Return what a worker sends about one test."""
    passed = all(it.converged for it in verdicts)
    return {
        "nodeid": nodeid,
        "outcome": "passed" if passed else "failed",
        "search": None if searched is None else searched.to_json(),
        "cases": None if searched is None else searched.details(),
        "trainings": len(verdicts),
        "details": [details_of(it) for it in verdicts],
        "error": None,
        **given,
    }


BASELINE = {
    "state": "compared",
    "file": "/home/of/one/machine/tests/__lossguard__/test_a.json",
    "told": "1 of 2 metrics got worse",
    "note": "keras 3.14, now 3.15",
    "metrics": [
        {
            "name": "skill",
            "label": "share of the constant's loss that is gone",
            "before": "90%",
            "now": "40%",
            "limit": "80%",
            "regressed": True,
            "training": 2,
        },
        {
            "name": "half",
            "label": "steps to half of it",
            "before": 12,
            "now": 12,
            "limit": 20,
            "regressed": False,
        },
    ],
}


def some_tests() -> list[dict[str, Any]]:
    """Return one test of every kind that the page can show."""
    return [
        entry("tests/test_a.py::test_passes", good()),
        entry("tests/test_a.py::test_fails", bad(), good()),
        entry("tests/test_a.py::test_searched", good(), searched=search(fails=False)),
        entry("tests/test_b.py::test_search_fails", bad(), searched=search()),
        entry("tests/test_b.py::test_baseline", good(), baseline=BASELINE),
        entry("tests/test_b.py::test_nothing", outcome="failed", error="no update"),
        entry("tests/test_b.py::test_expected", bad(), outcome="skipped"),
    ]


def hostile_tests() -> list[dict[str, Any]]:
    """Return tests in which every text that a user controls is `HOSTILE`."""
    trace = make_trace(
        [1.0] * 19 + [1e9] * 3,
        start=1.0,
        end=1e9,
        constant=0.9,
        variables=(HOSTILE, f"net/{HOSTILE}"),
        model=HOSTILE,
        notes=(HOSTILE,),
        stopped=HOSTILE,
    )
    found = finding("dead_units", value=0.9, limit=0.5, where=HOSTILE)
    error = finding("diverging_loss", step=20, value=1e9, limit=9.0, factor=10)
    verdict = Verdict(
        trace=trace, findings=(error, found), diagnosis=diagnosis(HOSTILE)
    )
    searched = search()
    text = {**searched.to_json(), "failing": HOSTILE, "space": HOSTILE}
    text["headroom"] = [HOSTILE]
    cases = searched.details()
    for case in cases["cases"]:
        case |= {"corruption": HOSTILE, "error": HOSTILE}
    for axis in cases["axes"]:
        axis["told"] = HOSTILE
    baseline = json.loads(json.dumps(BASELINE))
    baseline |= {"told": HOSTILE, "file": HOSTILE, "note": HOSTILE}
    baseline["metrics"][0]["label"] = HOSTILE
    return [
        entry(
            f"{HOSTILE}.py::test[{HOSTILE}]",
            verdict,
            search=text,
            cases=cases,
            baseline=baseline,
        ),
        entry(f"x.py::{HOSTILE}", outcome="failed", error=HOSTILE),
    ]
