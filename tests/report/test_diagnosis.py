from __future__ import annotations

import html

import pytest

from pytest_lossguard.core.change import Change
from pytest_lossguard.core.diagnosis import Cause, Diagnosis, Experiment
from pytest_lossguard.core.verdict import Verdict
from pytest_lossguard.report.diagnosis import diagnosis_lines
from pytest_lossguard.report.message import failure_message
from tests.support.findings import finding
from tests.support.traces import make_trace

RATE = Cause(
    cause="learning_rate_too_high",
    verified=True,
    change="learning rate 10 -> 0.01",
    loss_before=784.0,
    loss_after=0.08,
    remedy="compile with Adam(learning_rate=0.01)",
)
ROW = Cause(
    cause="input_outliers",
    verified=True,
    where="row 0, feature 3",
    change="row 0 dropped",
    loss_before=784.0,
    loss_after=0.07,
    remedy="look at that row",
    with_next=True,
)
GUESS = Cause(cause="dead_units", verified=False, where="layer dense", remedy="try it")


def experiment(output, *, kind="learning_rate", **given):
    return Experiment(changes=(Change(kind=kind),), description=output, **given)


def test_a_cause_is_reported_with_its_proof_and_its_remedy():
    assert diagnosis_lines(Diagnosis(causes=(RATE,))) == [
        "  cause   learning_rate_too_high",
        "          with learning rate 10 -> 0.01 the loss ends at 0.08, not 784",
        "  remedy  compile with Adam(learning_rate=0.01)",
    ]


def test_two_causes_that_go_together_are_one_answer():
    lines = diagnosis_lines(Diagnosis(causes=(ROW, RATE)))
    assert lines[0] == (
        "  cause   input_outliers (row 0, feature 3) and learning_rate_too_high"
    )
    assert "row 0 dropped and learning rate 10 -> 0.01" in " ".join(lines[1:3])
    assert "look at that row; compile with" in " ".join(lines)


def test_causes_that_do_as_well_are_reported_as_alternatives():
    lines = diagnosis_lines(Diagnosis(causes=(RATE, RATE)))
    assert [it[:10] for it in lines if it[2] != " "] == [
        "  cause   ",
        "  remedy  ",
        "  or      ",
    ]


def test_a_suspicion_is_called_one():
    helped = Cause(cause="over_regularization", verified=False, change="no dropout")
    lines = diagnosis_lines(Diagnosis(causes=(GUESS, helped)))
    assert lines[0] == "  cause?  dead_units (layer dense), not verified"
    assert lines[1].startswith(
        "     or?  over_regularization, not verified: no dropout"
    )


def test_unknown_is_one_word():
    unknown = Cause(cause="unknown", verified=False)
    assert diagnosis_lines(Diagnosis(causes=(unknown,))) == ["  cause?  unknown"]


def test_what_did_not_help_and_what_was_left_out_are_reported():
    vain = tuple(experiment(f"change {it}", loss=1.0) for it in range(6))
    proof = experiment(RATE.change, converged=True, holds=1.0, loss=0.08)
    failed = experiment("a clone", failure="it cannot be cloned")
    found = Diagnosis(
        causes=(RATE,), experiments=(*vain, proof, failed), left_out=("no clone",)
    )
    text = " ".join(" ".join(diagnosis_lines(found)).split())
    assert (
        "no help from change 0, change 1, change 2, change 3 and 2 more (-vv)" in text
    )
    assert "untried no clone" in text
    assert RATE.change not in text.partition("tried")[2]
    assert "a clone" not in text


def test_it_takes_at_most_fifteen_lines_and_fits_a_terminal():
    causes = (RATE,) * 20
    lines = diagnosis_lines(Diagnosis(causes=causes))
    assert len(lines) == 15
    assert lines[-1].strip() == "... (all of it with -vv)"
    assert all(len(it) <= 76 for it in lines)


@pytest.mark.parametrize(
    ("given", "output"),
    [
        ({"converged": True, "holds": 1.0}, "converges, on fresh seeds too"),
        ({"converged": True, "holds": 0.5}, "converges, on fresh seeds not always"),
        ({"converged": True}, "converges"),
        ({}, "does not converge"),
        ({"failure": "no"}, "not tried, no"),
    ],
)
def test_every_experiment_stands_in_the_table(given, output):
    found = Diagnosis(causes=(RATE,), experiments=(experiment("x", loss=2.0, **given),))
    table = diagnosis_lines(found, verbose=True)[-1]
    loss = "-" if "failure" in given else "2"
    assert table == f"  {loss:>10}  x: {output}"


def test_the_message_shows_the_cause_before_the_findings_and_no_hint_beside_it():
    trace = make_trace([1.0, 5.0], start=1.0, end=5.0, constant=1.0)
    found = finding("worse_than_constant", value=5.0, limit=1.0, step=2, constant="0")
    verdict = Verdict(
        trace=trace, findings=(found,), diagnosis=Diagnosis(causes=(RATE,))
    )
    message = failure_message(verdict)
    assert message.index("cause   ") < message.index("error   ")
    assert "hint:" not in message
    guess = Verdict(
        trace=trace, findings=(found,), diagnosis=Diagnosis(causes=(GUESS,))
    )
    assert "hint:" in failure_message(guess)


def test_the_report_has_the_contracts_keys_and_strict_numbers():
    broke = Cause(cause="unscaled_inputs", verified=True, loss_before=float("nan"))
    assert Diagnosis(causes=(broke,)).to_json() == {
        "causes": [
            {
                "cause": "unscaled_inputs",
                "verified": True,
                "where": None,
                "change": "",
                "loss_before": "NaN",
                "loss_after": None,
                "remedy": "",
            }
        ],
        "tried": 0,
    }


def test_a_notebook_shows_causes_and_experiments_escaped():
    sly = experiment("<script>", loss=1.0)
    shown = Diagnosis(causes=(RATE, GUESS), experiments=(sly,))._repr_html_()
    assert "<script>" not in shown
    assert html.escape("<script>") in shown
    assert shown.count("<li>") == 2
    assert "learning_rate_too_high: with learning rate 10 -&gt; 0.01" in shown


def test_the_repr_is_readable():
    text = repr(Diagnosis(causes=(ROW, RATE)))
    assert "2 changes" not in text
    assert "input_outliers (row 0, feature 3): with row 0 dropped, together" in text
    assert str(Diagnosis(causes=())) == "the training converges"
    assert not Diagnosis(causes=())
