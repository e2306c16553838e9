"""Two reports compared: tests without a result, and the page of both side by side."""

from __future__ import annotations

import json
import re

import pytest

from pytest_lossguard.command_line import main
from pytest_lossguard.report.json_report import write_json
from tests.support.entries import contract, entry, found, run
from tests.support.page import Page
from tests.support.pages import HOSTILE


def passing(name="test_it", end=0.5, **rest):
    probe = {"before": 2.0, "after": end}
    return entry(name, run((2.0, end), probe=probe, constant_loss=1.0), **rest)


def failing(name="test_it", kind="worse_than_constant", **rest):
    cause = {
        "cause": "unscaled_inputs",
        "verified": True,
        "change": "inputs standardized",
        "remedy": "scale the inputs",
    }
    training = run(
        (2.0, 9.0, "NaN"),
        findings=[found(kind)],
        diagnosis={"causes": [cause], "tried": 3},
        probe={"before": 2.0, "after": 9.0},
    )
    return entry(name, training, **rest)


@pytest.fixture
def write(tmp_path):
    """Write a report: its tests, and what came of those without an entry."""

    def write_one(name, tests, **others):
        known = {f"tests/test_it.py::{it}": why for it, why in others.items()}
        write_json(tmp_path / name, tests, known)
        return str(tmp_path / name)

    return write_one


@pytest.fixture
def pages(write, tmp_path):
    """The page of two reports, each a list of tests and those without an entry."""

    def of(base, new, base_others=None, new_others=None):
        path = tmp_path / "compared.html"
        reports = (
            write("a", base, **base_others or {}),
            write("b", new, **new_others or {}),
        )
        main(["compare", *reports, "--html", str(path)])
        return Page(path.read_text(encoding="utf-8"))

    return of


def states(page):
    """The state of each test, in the order of the page."""
    rows = [attrs for tag, attrs in page.tags if tag == "details"]
    return [attrs["class"].split()[-1] for attrs in rows]


# Tests without a result


@pytest.mark.parametrize(
    ("before", "after", "code", "lines"),
    [
        ("passed", "left_out", 0, ["left out T", "    outcome  passed -> left out"]),
        ("failed", "left_out", 0, ["left out T", "    outcome  failed -> left out"]),
        ("left_out", "left_out", 0, ["left out T"]),
        (None, "left_out", 0, ["left out T"]),
        (None, "not_run", 0, ["not run  T"]),
        ("left_out", "passed", 0, ["changed  T", "    outcome  left out -> passed"]),
        ("left_out", "failed", 1, ["worse    T", "  ! outcome  left out -> failed"]),
        ("not_run", "left_out", 0, ["left out T", "    outcome  not run -> left out"]),
        ("passed", "elsewhere", 1, ["worse    T", "  ! outcome  passed -> not run"]),
        ("elsewhere", "elsewhere", 0, []),
        ("left_out", "elsewhere", 0, []),
        ("elsewhere", "passed", 0, ["new      T"]),
        ("skipped", None, 0, ["gone     T"]),
        ("passed", "passed", 0, []),
    ],
)
def test_what_is_left_out_is_named_and_neither_the_same_nor_better(
    write, capsys, before, after, code, lines
):
    both = [
        write(name, [passing("test_other")], **({} if why is None else {"test_t": why}))
        for name, why in (("a", before), ("b", after))
    ]

    assert main(["compare", *both]) == code

    told = [it.replace("T", "tests/test_it.py::test_t") for it in lines]
    head, *rest = capsys.readouterr().out.splitlines()
    assert rest == told
    same = 2 if before == after == "passed" else 1
    assert head.endswith(f"{same} the same")


def test_a_pull_request_and_a_program_are_told_what_was_left_out(write, capsys):
    both = write("a", [passing()]), write("b", [passing()], test_slow="left_out")

    main(["compare", *both, "--format=markdown"])
    markdown = capsys.readouterr().out
    main(["compare", *both, "--format=json"])
    known = json.loads(capsys.readouterr().out)

    assert "### lossguard: 1 left out, 1 the same" in markdown
    assert "| left out | tests/test&#95;it.py::test&#95;slow |  |" in markdown
    assert known["without_result"] == {"tests/test_it.py::test_slow": "left out"}
    assert known["same"] == 1


def test_a_failure_that_is_left_out_is_not_repaired(write, capsys):
    both = write("a", [failing()]), write("b", [], test_it="left_out")

    main(["compare", *both, "--format=json"])

    (test,) = json.loads(capsys.readouterr().out)["changed"]
    assert test["way"] == "changed"


# The page


def test_what_got_worse_stands_first_and_each_state_can_be_chosen(pages):
    base = [passing(it) for it in ("test_a", "test_b", "test_gone", "test_slow")]
    new = [passing("test_a"), failing("test_b"), passing("test_new")]
    base.append(failing("test_c"))
    new.append(passing("test_c"))

    page = pages(base, new, new_others={"test_slow": "left_out", "test_d": "not_run"})

    expected = ["worse", "not_run", "left_out", "new", "gone", "better", "the_same"]
    assert states(page) == expected
    boxes = [a["value"] for _, a in page.tags if a.get("type") == "checkbox"]
    assert boxes == expected
    assert "1 worse, 1 not run, 1 left out, 1 new, 1 gone, 1 better" in page.text


def test_both_verdicts_stand_beside_each_other_with_what_was_found(pages):
    page = pages([passing()], [failing()])

    assert "converged → not converged 0.5 → 9" in page.text
    assert "new: worse_than_constant" in page.text
    assert "base: converged" in page.text
    assert "new: not converged" in page.text
    assert "Cause unscaled_inputs : with inputs standardized" in page.text
    assert "error worse_than_constant it blew up" in page.text


def test_both_loss_curves_are_drawn_on_the_same_axes(pages):
    (figure,) = pages([passing()], [failing()]).figures.values()

    loss, norm = figure["panels"]
    assert [(it["name"], it["y"]) for it in loss["lines"]] == [
        ("base", [2.0, 0.5]),
        ("new", [2.0, 9.0, None]),
    ]
    assert [it["name"] for it in norm["lines"]] == ["base", "new"]
    assert loss["broken"] == [3]
    assert [(it["name"], it["value"]) for it in loss["levels"]] == [("a constant", 1.0)]


def test_constants_that_differ_are_both_drawn(pages):
    other = entry("test_it", run((2.0, 0.5), constant_loss=3.0))

    (figure,) = pages([passing()], [other]).figures.values()

    levels = figure["panels"][0]["levels"]
    assert [(it["name"], it["value"]) for it in levels] == [
        ("a constant base", 1.0),
        ("a constant new", 3.0),
    ]


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("left_out", "Left out by --lossguard-time."),
        ("not_run", "Not run: its session ended before."),
        ("failed", "Failed without a record: its set-up failed"),
    ],
)
def test_of_a_test_without_an_entry_the_page_says_why_and_draws_the_base(
    pages, why, told
):
    page = pages([passing()], [], new_others={"test_it": why})

    assert told in page.text
    (figure,) = page.figures.values()
    assert [it["name"] for it in figure["panels"][0]["lines"]] == ["base"]


def test_a_test_of_one_report_says_that_the_other_has_none(pages):
    page = pages([passing("test_gone")], [passing("test_new")])

    assert "The test is not in the base report." in page.text
    assert "The test is not in the new report." in page.text
    assert page.text.count("pytest tests/test_it.py::") == 1  # to run what is there


def test_a_contract_shows_both_outcomes_and_its_message(pages):
    page = pages([contract()], [contract(outcome="broken")])

    assert "kept → broken" in page.text
    assert "row 0 served alone comes out differently" in page.text
    assert page.figures == {}


def index_of(page):
    (text,) = [text for attrs, text in page.scripts if attrs.get("id") == "index"]
    return json.loads(text)


def test_tests_are_sorted_and_searched_by_what_changed(pages):
    slow, quick = {"duration": 9.0}, {"duration": 1.0}
    page = pages(
        [passing("test_a", **quick), passing("test_b"), passing("test_c")],
        [passing("test_a", 0.52, **slow), failing("test_b"), passing("test_c", 1.0)],
    )

    failed, risen, slower = index_of(page)
    assert (failed[0], risen[0], slower[0]) == ("worse", "worse", "changed")
    assert failed[1] > risen[1] == 0.25
    assert slower[2] == 9.0
    assert "unscaled_inputs" in failed[3]
    assert failed[4] == 17.0
    assert risen[4] == 1.0


def test_nothing_of_the_users_becomes_markup(pages):
    tame = pages([passing()], [failing()])
    name = f"test[{HOSTILE}]"
    wild = failing(name, kind=HOSTILE, error=HOSTILE)
    wild["runs"][0] |= {"model": HOSTILE, "notes": [HOSTILE]}

    page = pages([passing(name)], [wild], new_others={f"{HOSTILE}x": "left_out"})

    assert {tag for tag, _ in page.tags} <= {*(tag for tag, _ in tame.tags), "code"}
    assert page.kinds == ["application/json", "application/json", None]
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)


def test_reports_without_a_test_have_a_page_too(pages):
    assert "Neither report has a test." in pages([], []).text


def test_a_page_that_cannot_be_written_is_named(write, tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    path = tmp_path / "taken" / "x.html"

    code = main(["compare", write("a", []), write("b", []), "--html", str(path)])

    assert code == 2
    assert re.search(r"x\.html cannot be written", capsys.readouterr().err)
