"""What can be done with reports: merged, shown as a page, compared."""

from __future__ import annotations

import gc
import io
import json
import re

import pytest

from pytest_lossguard.command_line import main
from pytest_lossguard.corruptions import Corruption, Scale
from pytest_lossguard.report.json_report import write_json
from pytest_lossguard.report.regressions import read_folder
from pytest_lossguard.report.replay import Replay, write_replay
from tests.support.entries import PROBE, entry, found, run

GOOD = entry("test_good", run(probe={"before": 2.0, "after": 0.5}))
OTHER = entry("test_other", run(probe={"before": 2.0, "after": 0.5}))
BAD = entry(
    "test_good",
    run((2.0, 9.0), findings=[found()], probe={"before": 2.0, "after": 9.0}, seed=3),
)


@pytest.fixture
def written(tmp_path):
    def write(name, *tests):
        write_json(tmp_path / name, tests)
        return str(tmp_path / name)

    return write


@pytest.fixture
def compared(written, capsys):
    """The exit code and the output of a comparison."""

    def run_it(base, new, *options):
        code = main(["compare", written("a", *base), written("b", *new), *options])
        return code, capsys.readouterr().out

    return run_it


def test_shards_merged_are_the_report_of_one_session(written, tmp_path, capsys):
    parts = [written("a", OTHER), written("b", GOOD)]

    assert main(["merge", *parts, "-o", str(tmp_path / "all.json")]) == 0

    assert "2 tests of 2 reports" in capsys.readouterr().out
    whole = tmp_path / "whole.json"
    write_json(whole, [GOOD, OTHER])
    assert (tmp_path / "all.json").read_bytes() == whole.read_bytes()


def test_of_a_test_in_several_reports_the_last_counts(written, tmp_path, capsys):
    output = tmp_path / "all.json"

    main(["merge", written("a", GOOD), written("b", BAD), "-o", str(output)])

    assert "test_good is in several reports" in capsys.readouterr().out
    (test,) = json.loads(output.read_text())["tests"]
    assert test["outcome"] == "failed"


def test_equal_reports_differ_in_nothing(compared):
    code, out = compared([GOOD, OTHER], [GOOD, OTHER])

    assert code == 0
    assert out == "lossguard: 2 the same\n"


def test_what_got_worse_comes_first_and_decides_the_exit_code(compared):
    code, out = compared([GOOD, OTHER], [BAD, entry("test_new")])

    assert code == 1
    assert out.splitlines() == [
        "lossguard: 1 worse, 1 new, 1 gone",
        "worse    tests/test_it.py::test_good",
        "  ! outcome         passed -> failed",
        "  ! verdict         converged -> not converged",
        "  ! diverging_loss  - -> error",
        "  ! loss after      0.5 -> 9",
        "new      tests/test_it.py::test_new",
        "gone     tests/test_it.py::test_other",
    ]


def test_a_finding_that_is_of_no_training_is_compared_as_well(compared):
    unseen = {**GOOD, "findings": [found("trained_unseen")], "outcome": "failed"}
    code, out = compared([GOOD], [unseen])

    assert code == 1
    assert "  ! trained_unseen  - -> error" in out.splitlines()


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [("contract", "kept", "broken"), ("model_check", "passed", "failed")],
)
def test_a_check_that_goes_bad_and_is_allowed_got_worse(compared, key, good, bad):
    def checked(outcome):
        about = {"relation": "kept", "column": None, "rows": []}
        if key == "model_check":
            about = {"check": "exports", "where": None}
        found = {**about, "outcome": outcome, "message": ""}
        return {**entry("test_it"), "runs": [], key: found}

    code, out = compared([checked(good)], [checked(bad)])

    assert code == 1
    assert f"  ! verdict  {good} -> {bad}" in out.splitlines()


def test_what_got_better_fails_nothing(compared):
    code, out = compared([BAD], [GOOD])

    assert code == 0
    assert "lossguard: 1 better" in out


@pytest.mark.parametrize(
    ("options", "worse"), [((), True), (("--tolerance=0.5",), False)]
)
def test_a_loss_may_differ_by_the_tolerance(compared, options, worse):
    higher = entry("test_good", run(probe={"before": 2.0, "after": 0.6}))

    code, _ = compared([GOOD], [higher], *options)

    assert code == worse


def test_a_training_that_comes_nearer_to_failing_got_worse(compared):
    near = entry("test_good", run(probe=GOOD["runs"][0]["probe"], nearness=0.8))

    code, out = compared([GOOD], [near])

    assert code == 1
    assert "share of a limit  0.25 -> 0.8" in out


def test_a_pull_request_gets_a_table_that_no_name_breaks(compared):
    hostile = entry("test_a[|<b>]", run(probe=PROBE))
    failed = {**hostile, "outcome": "failed", "error": "no"}

    _, out = compared([hostile], [failed], "--format=markdown")

    (row,) = [it for it in out.splitlines() if it.startswith("| worse")]
    assert row.count("|") == 4
    assert "<b>" not in row


def test_a_program_reads_json(compared):
    _, out = compared([GOOD], [BAD], "--format=json")

    (test,) = json.loads(out)["changed"]
    assert test["way"] == "worse"
    assert test["differences"][0] == {
        "what": "outcome",
        "before": "passed",
        "after": "failed",
        "way": "worse",
    }


def test_a_report_becomes_a_page(written, tmp_path, capsys):
    report = written("all.json", BAD, OTHER)

    assert main(["html", report]) == 0

    page = (tmp_path / "all.html").read_text()
    assert "it blew up" in page
    assert re.search(r"--lossguard-seed=3", page)
    assert capsys.readouterr().out.strip() == str(tmp_path / "all.html")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory"),
        ("[1", "is not a report of pytest --lossguard-json=PATH"),
        ("[]", "is not a report of pytest --lossguard-json=PATH"),
        ('{"schema": 2, "tests": []}', "has schema 2, but this version reads schema 1"),
    ],
)
def test_what_is_no_report_is_named(tmp_path, capsys, text, sentence):
    path = tmp_path / "r.json"
    if text is not None:
        path.write_text(text)

    assert main(["html", str(path)]) == 2

    assert f"{path} {sentence}" in capsys.readouterr().err


# Tests without a result


@pytest.fixture
def parts(tmp_path):
    """Reports of the parts of a session, each with its tests that have no entry."""

    def write(name, tests, **others):
        known = {f"tests/test_it.py::{it}": why for it, why in others.items()}
        write_json(tmp_path / name, tests, known)
        return str(tmp_path / name)

    return write


def test_a_part_that_is_missing_is_seen_by_the_tests_it_was_to_run(
    parts, tmp_path, capsys
):
    one = parts("a", [GOOD], test_other="elsewhere", test_lost="elsewhere")
    two = parts("b", [OTHER], test_good="elsewhere", test_lost="elsewhere")
    output = str(tmp_path / "all.json")

    assert main(["merge", one, two, "-o", output]) == 1

    assert capsys.readouterr().out.splitlines() == [
        f"2 tests of 2 reports: {output}",
        "1 without a result, of a part whose report is missing:",
        "  tests/test_it.py::test_lost",
    ]
    three = parts("c", [entry("test_lost")], test_good="elsewhere")
    assert main(["merge", output, three, "-o", output]) == 0
    assert "without_entry" not in json.loads((tmp_path / "all.json").read_text())


@pytest.mark.parametrize(
    ("others", "code"),
    [("not_run", 1), ("left_out", 0), ("skipped", 0), ("failed", 0)],
)
def test_what_was_not_run_ends_a_merge_with_1(parts, tmp_path, others, code):
    report = parts("a", [GOOD], test_other=others)

    assert main(["merge", report, "-o", str(tmp_path / "all.json")]) == code

    whole = json.loads((tmp_path / "all.json").read_text())
    assert whole["without_entry"] == {"tests/test_it.py::test_other": others}


def test_a_list_of_what_was_collected_shows_what_no_report_has(parts, tmp_path, capsys):
    collected = parts("c", [], test_good="not_run", test_lost="not_run")
    one = parts("a", [GOOD])

    assert main(["merge", collected, one, "-o", str(tmp_path / "all.json")]) == 1

    assert capsys.readouterr().out.splitlines()[1:] == [
        "1 without a result, not run: its session ended before:",
        "  tests/test_it.py::test_lost",
    ]


def test_what_is_left_out_by_its_time_is_named(parts, tmp_path, capsys):
    report = parts("a", [GOOD], test_other="left_out")

    main(["merge", report, "-o", str(tmp_path / "all.json")])

    out = capsys.readouterr().out
    assert "1 without a result, left out by --lossguard-time:" in out
    assert "  tests/test_it.py::test_other\n" in out


@pytest.mark.parametrize(
    ("others", "code", "shown"),
    [
        ("failed", 1, "passed -> failed"),
        ("not_run", 1, "passed -> not run"),
        ("elsewhere", 1, "passed -> not run"),
        ("left_out", 0, "passed -> left out"),
        ("skipped", 0, "passed -> skipped"),
    ],
)
def test_a_test_without_an_entry_is_compared_by_what_came_of_it(
    parts, capsys, others, code, shown
):
    base, new = parts("a", [GOOD, OTHER]), parts("b", [OTHER], test_good=others)

    assert main(["compare", base, new]) == code

    out = capsys.readouterr().out
    assert shown in out
    assert "1 the same" in out
    assert "gone" not in out


def test_damaged_lists_of_tests_without_an_entry_are_left_out(parts, tmp_path):
    report = parts("a", [GOOD], test_other="nonsense")

    assert main(["merge", report, "-o", str(tmp_path / "all.json")]) == 0


def test_a_console_that_lacks_characters_gets_escapes(written, monkeypatch):
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", console)
    good, bad = ({**it, "nodeid": "test_it.py::test_\u2581"} for it in (GOOD, BAD))

    assert main(["compare", written("a", good), written("b", bad)]) == 1

    console.flush()
    assert b"test_\\u2581" in console.buffer.getvalue()


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_command_leaves_the_garbage_collector_as_it_was(
    written, tmp_path, is_enabled
):
    report = written("a", GOOD)
    try:
        (gc.enable if is_enabled else gc.disable)()
        codes = [
            main(["merge", report, "-o", str(tmp_path / it)]) for it in ("b", "a/b")
        ]
        left = gc.isenabled()
    finally:
        gc.enable()

    assert codes == [0, 2]
    assert left == is_enabled


# Known hard cases


def test_a_failing_case_is_kept_by_a_command(tmp_path, monkeypatch, capsys):
    case = Replay(nodeid="t.py::test_x", corruption=Corruption(Scale(10.0)), seed=0)
    found = write_replay(tmp_path, case)
    monkeypatch.chdir(tmp_path)

    assert main(["keep", str(found)]) == 0
    assert main(["keep", str(found)]) == 0

    new, known = capsys.readouterr().out.splitlines()
    assert known == f"{new} is there already"
    assert new.startswith("lossguard_regressions/t.py-test_x-")
    assert read_folder(tmp_path)[0][0].case == case


def test_what_is_no_failing_case_is_not_kept(tmp_path, capsys):
    path = tmp_path / "a.json"
    path.write_text("{}")

    assert main(["keep", str(path), "-o", str(tmp_path / "kept")]) == 2

    assert f"{path} is not a replay file" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(("seconds", "shown"), [(4.0, True), (1.2, False)])
def test_a_time_that_is_another_is_reported_and_fails_nothing(compared, seconds, shown):
    code, out = compared([{**GOOD, "duration": 1.0}], [{**GOOD, "duration": seconds}])

    assert code == 0
    assert ("time  1.0 s -> 4.0 s" in out) == shown
