from __future__ import annotations

import pytest

from evaluation.measure import Row
from evaluation.results import rates, results


def row(**given):
    fields = {
        "name": "a",
        "source": "published",
        "family": "f",
        "part": "report",
        "broken": True,
        "fault": "x",
        "seed": 0,
        "failed": False,
        "errors": [],
        "warnings": [],
        "rivals": [],
        "skill": 0.5,
        "seconds": 1.0,
        "steps": 10,
    }
    return Row(**{**fields, **given})


def test_a_broken_program_is_flagged_by_a_finding_that_fits_and_by_no_other():
    assert row(failed=True).flagged
    assert row(warnings=["unscaled_inputs"], fits=["unscaled_inputs"]).flagged
    assert row(warnings=["improvable"]).flagged
    assert not row(warnings=["dead_units"], fits=["unscaled_inputs"]).flagged


def test_rates_count_broken_and_healthy_apart():
    rows = [
        row(failed=True),
        row(warnings=["improvable"]),
        row(),
        row(broken=False, failed=True, warnings=["dead_units"]),
        row(broken=False, warnings=["dead_units"]),
        row(broken=False),
    ]
    assert rates(rows) == {
        "broken failed": (1, 3),
        "broken flagged": (2, 3),
        "healthy failed": (1, 3),
        "healthy warned": (1, 3),
    }


def cause(name, verified=True):
    return {"cause": name, "verified": verified}


@pytest.mark.parametrize(
    ("causes", "skills", "fixed", "expected"),
    [
        (["unscaled_inputs"], [0.1], 0.9, [True]),
        (["optimizer_choice"], [0.85], 0.9, [True]),
        (["optimizer_choice"], [0.5], 0.9, [False]),
        (["optimizer_choice"], [None], 0.9, [False]),
        (["unknown"], [None], None, [False]),
    ],
)
def test_a_cause_is_true_if_it_was_done_or_repairs_as_well(
    causes, skills, fixed, expected
):
    found = row(
        true_causes=["unscaled_inputs"],
        causes=[cause(it) for it in causes],
        skills=skills,
        fixed_skill=fixed,
    )
    assert found.true_of == expected


def test_the_report_names_what_was_judged_wrongly():
    text = results(
        [
            row(name="published/lost"),
            row(name="healthy/cried", broken=False, failed=True, seed=3),
            row(name="tuned", part="tune", failed=True, errors=["plateau"]),
        ],
        "python -m evaluation",
    )
    assert "broken, not flagged: `published/lost` (seed 0)" in text
    assert "healthy, failed: `healthy/cried` (seed 3)" in text
    assert "| `plateau` | 1 |" in text
    assert "`python -m evaluation`" in text
