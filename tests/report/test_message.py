"""The failure message: what happened, where, against which limit, what to do."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_lossguard.core.addresses import explanation
from pytest_lossguard.core.diagnosis import Cause, Diagnosis
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.trace import Validation
from pytest_lossguard.core.verdict import Verdict
from pytest_lossguard.judge import judge
from pytest_lossguard.report.message import failure_message
from tests.support.traces import column, falling, make_trace


def message(trace, **rest):
    verdict = Verdict(trace=trace, findings=judge(trace, Policy()))
    return failure_message(verdict, **rest)


def blown_up(**rest):
    curve = [1.0, 2.0, 1e6, 1e5, 1e4, *falling(100, 5, 35)]
    return make_trace(curve, start=1, end=5, constant=0.1, **rest)


def test_the_first_line_is_the_fact_with_its_limit():
    assert message(blown_up()).splitlines()[0] == (
        "loss blew up to 1e6 at step 3, limit 10"
    )


@pytest.mark.parametrize(
    "trace",
    [
        blown_up(),
        make_trace([np.nan] * 3, start=np.nan, end=np.nan),
        blown_up(inputs=(column("input", mean=1e7),), notes=("a long remark " * 12,)),
    ],
)
def test_no_line_is_wider_than_a_terminal_behind_pytests_margin(trace):
    lines = message(trace, remarks=("x " * 60,)).splitlines()

    assert max(map(len, lines)) <= 76


def test_the_curve_is_one_line_with_its_range():
    (line,) = [it for it in message(blown_up()).splitlines() if "  loss  " in it][:1]

    assert "█" in line
    assert "min 1, max 1e6, log" in line
    assert len(line) <= 76


def test_a_terminal_without_blocks_gets_ascii():
    assert message(blown_up(), ascii_only=True).isascii()


def test_both_reference_losses_are_reported():
    text = message(blown_up())

    assert "before training -> after: 1 -> 5, a constant 0.1" in text


def test_the_decisive_steps_are_in_the_table():
    rows = message(blown_up()).splitlines()

    assert any(it.split()[:2] == ["3", "1e6"] for it in rows)
    assert any(it.split()[:1] == ["40"] for it in rows)


def test_the_hint_of_a_likely_cause_comes_first():
    text = message(blown_up(inputs=(column("input", mean=1e7),)))

    hints = [it for it in text.splitlines() if it.startswith("hint:")]
    assert "Scale the inputs" in hints[0]


def test_held_out_losses_have_a_curve_of_their_own():
    validation = Validation(step=(10, 20, 30, 40), loss=(1.0, 2.0, 3.0, 4.0))

    assert "held-out" in message(blown_up(validation=validation))


def test_how_to_run_it_again_is_the_last_line():
    text = message(blown_up(), again=("again: pytest test_x.py::test_y",))

    assert text.splitlines()[-1] == "again: pytest test_x.py::test_y"


def test_every_finding_and_cause_leads_to_its_page_causes_first():
    trace = blown_up(inputs=(column("input", mean=1e7),))
    findings = judge(trace, Policy())
    causes = (Cause(cause="learning_rate_too_high", verified=True),)
    verdict = Verdict(
        trace=trace, findings=findings, diagnosis=Diagnosis(causes=causes)
    )

    text = failure_message(verdict, again=("again: pytest",))

    kinds = ["learning_rate_too_high", *(it.kind for it in findings)]
    *_, last = text.split("\n\n")
    assert [it[5:] for it in last.splitlines() if "https:" in it] == [
        explanation(it) for it in kinds
    ]
    assert len(kinds) >= 3


def test_a_training_of_nothing_but_nan_is_no_wall_of_nan():
    text = message(make_trace([np.nan] * 500, start=np.nan, end=np.nan))

    assert len(text.splitlines()) < 25
