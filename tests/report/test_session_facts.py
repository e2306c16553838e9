"""When, from what and how a session ran: in the report, merged, and on the page."""

from __future__ import annotations

import json
import subprocess

import pytest

from pytest_lossguard.report.html.context import session_lines
from pytest_lossguard.report.json_report import write_json
from pytest_lossguard.report.session_facts import (
    Commit,
    SessionFacts,
    commit_of,
    merged_facts,
)
from tests.support.pages import SESSION


def test_a_report_gives_back_what_it_was_given(tmp_path):
    facts = SessionFacts(
        seed=3,
        started="2026-11-29T04:20:00+00:00",
        duration=2.5,
        commit=Commit(id="abc", date="2026-11-28T00:00:00+01:00"),
        command="pytest 'a b'",
    )
    write_json(tmp_path / "r.json", [], session=facts)

    assert SessionFacts.from_report(json.loads((tmp_path / "r.json").read_text())) == (
        facts
    )


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {"seed": True, "started": "2026-11-29", "duration": -1, "command": 3},
        {"started": "x", "duration": "NaN", "commit": 1, "commit_date": []},
        {"started": "0001-01-01T00:00:00+14:00", "duration": 1e300, "seed": 1 << 80},
    ],
)
def test_what_is_old_or_a_stranger_s_is_not_known(given):
    facts = SessionFacts.from_report({"session": given})

    assert facts.to_json() == {}


def test_a_command_of_a_stranger_steers_no_terminal():
    facts = SessionFacts.from_report({"session": {"command": "pytest\x1b[2J\n::x"}})

    assert facts.command == r"pytest\x1b[2J\n::x"


def test_shards_began_with_the_first_and_ended_with_the_last():
    one = SessionFacts(started="2026-01-01T10:00:00+00:00", duration=60.0, seed=0)
    two = SessionFacts(started="2026-01-01T10:00:30+00:00", duration=90.0, seed=1)

    whole = merged_facts([two, one])

    assert (whole.started, whole.duration) == ("2026-01-01T10:00:00+00:00", 120.0)
    assert whole.seed is None


def test_the_commit_is_that_of_the_folder_or_what_the_ci_calls_it(
    tmp_path, monkeypatch
):
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    nothing = commit_of(tmp_path)
    monkeypatch.setenv("CI_COMMIT_SHA", "of the CI")
    named = commit_of(tmp_path)
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), (*who, "commit", "-qm", "a", "--allow-empty")):
        subprocess.run(["git", "-C", tmp_path, *command], check=True)

    asked = commit_of(tmp_path)

    assert nothing is None
    assert named == Commit(id="of the CI")
    assert asked is not None
    assert len(asked.id) == 40
    assert asked.date is not None


def test_the_head_of_the_page_says_all_of_it():
    shown = session_lines(SESSION)

    assert shown["facts"] == [
        "2026-11-29 04:20 UTC",
        "took 2 min 5 s",
        "commit 0123456789ab",
        "seed 0",
    ]
    assert shown["versions"] == ["pytest-lossguard 0.1.0", "python 3.11", "keras 3.15"]
