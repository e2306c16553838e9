"""What the reports say of tests of contracts, alone and beside trainings."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from pytest_lossguard.core.addresses import explanation
from pytest_lossguard.report.checked import counted, describe
from pytest_lossguard.report.github import commands, summary
from pytest_lossguard.report.html.context import page_context
from pytest_lossguard.report.html.page import rendered
from pytest_lossguard.report.junit import properties
from pytest_lossguard.report.snippet import snippet
from tests.support.entries import (
    BROKEN,
    contract,
    contracts,
    entry,
    found,
    model_check,
    run,
)
from tests.support.pages import SESSION

COUNTED = "4 contracts checked: 1 kept, 2 broken (1 of them allowed), 1 skipped"
FACT = BROKEN.partition("\n")[0]
LINKED = FACT.replace("alone", f"[alone]({explanation('contract_alone')})", 1)


def rows(text):
    lines = [html.unescape(it) for it in text.splitlines() if it.startswith("|")]
    return [[it.strip() for it in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("tests", "line"),
    [
        (contracts(), COUNTED),
        ([contract()], "1 contract checked: 1 kept, none broken, none skipped"),
    ],
)
def test_they_are_counted_in_one_line(tests, line):
    assert counted(tests) == line


def test_each_is_reported_in_one_line():
    assert list(map(describe, contracts())) == [
        "",
        f"{FACT} (allowed)",
        "no labels were given",
        FACT,
    ]


def test_the_step_summary_speaks_of_contracts_not_of_training():
    text = summary(contracts())

    assert COUNTED in text
    assert "training" not in text
    assert "loss" not in text.replace("lossguard", "")
    head, _, *lines = rows(text)
    assert head == ["contract", "outcome", "what was found"]
    assert [(it[0].rpartition("[")[2], *it[1:]) for it in lines] == [
        ("alone]", "broken", LINKED),
        ("trained]", "broken", f"{FACT} (allowed)"),
        ("own_label]", "skipped", "no labels were given"),
        ("types]", "kept", ""),
    ]


def test_trainings_and_contracts_have_a_table_each():
    text = summary([*contracts(), entry("test_b", run(findings=[found()]))])

    assert text.count("\n|---") == 2
    assert "1 test of training, 1 failed" in text
    assert COUNTED in text


@pytest.mark.parametrize("room", [400, 700, 1000])
def test_two_tables_fit_into_the_room_that_is_left(room):
    tests = [entry(f"test_{it}") for it in range(9)]
    tests += [contract(f"r{it}") for it in range(9)]

    assert len(summary(tests, room).encode()) <= room


def test_an_annotation_has_the_whole_message(tmp_path):
    commands_given = list(commands(contracts(), tmp_path, tmp_path))

    assert [it.partition(" ")[0] for it in commands_given] == ["::error", "::warning"]
    assert "title=lossguard%3A contract broken::" in commands_given[0]
    assert commands_given[0].endswith(f"{FACT}%0A%0A  raw row  5, <4>")
    assert f"{FACT} (allowed)%0A" in commands_given[1]


def test_a_kept_contract_whose_test_fails_otherwise_is_no_broken_one(tmp_path):
    failed = {**contract(), "outcome": "failed", "error": "AssertionError: no\n more"}

    (line,) = commands([failed], tmp_path, tmp_path)

    assert "title=lossguard%3A failed::" in line
    assert line.endswith("AssertionError: no")


def test_junit_has_what_is_broken_also_where_it_is_allowed():
    made = [dict(properties(it)) for it in contracts()]

    assert made[1]["lossguard_contract_broken"] == FACT
    assert made[2]["lossguard_contract_reason"] == "no labels were given"
    assert set(made[0]) == {"lossguard_contract", "lossguard_contract_outcome"}


def test_the_page_speaks_of_contracts_not_of_training():
    page = rendered("page.html", page_context(contracts(), SESSION))
    body = page.partition("<main>")[2].partition("<footer>")[0]

    assert f"<p>{COUNTED}</p>" in page
    assert "judged in" not in page
    assert "No training was recorded" not in body
    assert "before → after" not in body
    assert "The contract is kept." in body
    assert "Not checked: no labels were given." in body
    assert "The contract is broken, which the test allows." in body
    assert "raw row  5, &lt;4&gt;" in body
    assert "2 passed" in page
    assert "1 warned" in page


def test_the_page_of_both_counts_each():
    training = {"nodeid": "t.py::test_b", "outcome": "passed", "details": []}

    page = rendered("page.html", page_context([*contracts(), training], SESSION))

    assert "0 trainings judged in 1 test<" in page
    assert COUNTED in page


def test_pytest_html_gets_what_came_of_it():
    assert snippet(contract()) == (
        '<div class="lossguard"><p>lossguard: contract alone: kept</p></div>'
    )
    assert "raw row  5, &lt;4&gt;</pre>" in snippet(contract("alone", "broken"))


# Checks of a model are reported by the same code

EXPORTS = "exports: it cannot be exported\n\n  served  nothing"
MODEL_CHECKS = [
    model_check(),
    model_check("failed", message=EXPORTS),
    model_check("skipped", "causal", "no sequences"),
]


def test_model_checks_are_counted_beside_contracts():
    output = "3 model checks made: 1 passed, 1 failed, 1 skipped"

    assert counted(MODEL_CHECKS) == output
    assert counted([*contracts(), *MODEL_CHECKS]) == f"{COUNTED}; {output}"


def test_a_model_check_is_reported_in_every_report():
    bad = MODEL_CHECKS[1]
    text, (command,) = summary([bad]), commands([bad], Path(), Path())
    context = page_context([bad], SESSION)

    assert describe(bad) == "exports: it cannot be exported"
    assert rows(text)[0] == ["model check", "outcome", "what was found"]
    assert "title=lossguard%3A model check failed" in command
    assert command.endswith("%0A%0A  served  nothing")
    assert dict(properties(bad))["lossguard_model_check_failed"] == describe(bad)
    assert "model check exports: failed" in snippet(bad)
    assert context["tests"][0]["note"] == "The model check failed."
    assert "1 model check made" in rendered("page.html", context)
