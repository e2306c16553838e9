"""Whatever an entry or a file holds: no writer fails, and nothing is shown raw."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from pytest_lossguard.baselines import Baseline, Measured, read_baseline, write_baseline
from pytest_lossguard.core.errors import UsageError
from pytest_lossguard.corruptions import Corruption, Offset, Scale
from pytest_lossguard.report.github import commands, summary
from pytest_lossguard.report.html import details_of
from pytest_lossguard.report.json_report import write_json
from pytest_lossguard.report.junit import properties
from pytest_lossguard.report.replay import Replay, read_replay, write_replay
from pytest_lossguard.report.schema import report_schema
from pytest_lossguard.report.snippet import snippet
from pytest_lossguard.report.sound import sound
from pytest_lossguard.report.tensorboard import write_events
from pytest_lossguard.report.terminal import counted, extremes, searches, table, warned
from tests.support.entries import baseline as of_baseline
from tests.support.entries import entry, run
from tests.support.hostile import WHOLE, entries, file_of, tampered
from tests.support.pages import SESSION, good

#: In the fast tests, and in the slow ones.
FEW, MANY = 100, 10_000
ROOT = Path("/home/ci/repo")
SHOWN = {"details": [details_of(good(steps=40))], "trainings": 1}
GOOD = entry("test_good")
VALIDATOR = Draft202012Validator(report_schema())
pages = tampered(WHOLE | SHOWN | {"search": None})


def _safe(lines):
    for line in lines:
        assert line.encode()
        assert "\x1b" not in line
        assert "\r" not in line
        assert len(line.splitlines()) <= 1
        assert not line.lstrip().startswith("::") or line.startswith(
            ("::error file=", "::warning file=")
        )


def to_terminal(tests, _):
    tests = [sound(it) for it in tests]
    seconds = {it["nodeid"]: 1.0 for it in tests}
    _safe([counted(tests, 1.0)[0], *table(tests), *extremes(tests, seconds)])
    _safe([*warned(tests), *searches(tests, every=False)])


def _gone(path):
    """A file written where there is one waits for the disk: ten thousand times."""
    path.unlink(missing_ok=True)
    return path


def to_json(tests, folder):
    path = _gone(folder / "r.json")
    write_json(path, tests, session=SESSION)
    text = path.read_text(encoding="utf-8")
    report = json.loads(text, parse_constant=lambda it: pytest.fail(it))
    assert len(report["tests"]) == len(tests)
    assert VALIDATOR.is_valid(report)
    json.dumps(report, ensure_ascii=False).encode()


def to_junit(tests, _):
    for test in tests:
        for name, value in properties(test):
            made = ElementTree.Element("property", name=name, value=value)
            ElementTree.fromstring(ElementTree.tostring(made))


def to_github(tests, _):
    text = summary(tests)
    assert text.count("\n| ") == len(tests) + 1
    text.encode()
    _safe(commands(tests, ROOT, ROOT))


def to_pytest_html(tests, _):
    for test in tests:
        assert "<script" not in snippet(test)
        snippet(test).encode()


def to_tensorboard(tests, folder):
    shutil.rmtree(folder / "events", ignore_errors=True)
    write_events(folder / "events", tests, lambda: 0.0)


def to_page(tests, _):
    from pytest_lossguard.report.html.context import page_context

    context = page_context(tests, SESSION)
    assert len(context["tests"]) == len(tests)
    assert any(len(it["runs"]) == 1 for it in context["tests"])
    json.dumps([it["figures"] for it in context["tests"]], allow_nan=False)


OF_ENTRIES = (to_terminal, to_json, to_junit, to_github, to_pytest_html, to_tensorboard)


def thrown_at(writers, beside, made_of, folder, count):
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(made_of)
    def one(hostile):
        for writer in writers:
            writer([beside, hostile], folder)

    one()


WRITERS = [
    pytest.param(OF_ENTRIES, GOOD, entries, id="all but the page"),
    pytest.param((to_page,), GOOD | SHOWN, pages, id="the page"),
]


@pytest.mark.parametrize(("writers", "beside", "made_of"), WRITERS)
def test_no_entry_keeps_a_writer_from_telling_of_another(
    writers, beside, made_of, tmp_path
):
    thrown_at(writers, beside, made_of, tmp_path, FEW)


@pytest.mark.nightly
@pytest.mark.parametrize(("writers", "beside", "made_of"), WRITERS)
def test_no_entry_of_very_many_does(writers, beside, made_of, tmp_path):
    thrown_at(writers, beside, made_of, tmp_path, MANY)


def test_a_sound_entry_comes_back_as_it_is():
    once = sound(WHOLE)

    assert sound(once) == once
    assert once["runs"][2]["loss"] == WHOLE["runs"][2]["loss"]
    assert sound(GOOD | {"of_others": 1})["of_others"] == 1


def test_a_name_stays_in_its_line():
    new = of_baseline() | {"state": "\nnew"}
    tests = [entry("test_a", run(nearest="a\n::error::b"), baseline=new)]

    to_terminal(tests, None)

    (shown,) = map(sound, tests)
    assert shown["baseline"]["state"] == "new"
    assert "\n" not in shown["runs"][0]["nearest"]


# Files of strangers

CASE = Replay(
    nodeid="tests/test_x.py::test_b",
    corruption=Corruption(Scale(1000.0, features=(0, 2)), Offset(-1.0, features="mm")),
    seed=3,
)
KEPT = Baseline(
    test="test_it.py::test_trains",
    environment={"keras": "3.15"},
    trainings=(
        Measured(
            model="net",
            steps=100,
            seeds=(0, 1),
            data="abc",
            half=0.4,
            metrics={"skill": (0.9, 0.8)},
        ),
    ),
)


def read_as(read, path, count):
    whole = json.loads(path.read_text())

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(file_of(whole))
    def one(content):
        _gone(path).write_bytes(content)
        try:
            told = repr(read(path))
        except UsageError as error:
            told = str(error)
        _safe([told])

    one()


def replay(folder):
    return write_replay(folder, CASE)


def baseline(folder):
    write_baseline(folder / "a.json", KEPT)
    return folder / "a.json"


KINDS = [(read_replay, replay), (read_baseline, baseline)]


@pytest.mark.parametrize(("read", "made"), KINDS)
def test_a_stranger_s_file_is_read_or_named(read, made, tmp_path):
    read_as(read, made(tmp_path), FEW)


@pytest.mark.nightly
@pytest.mark.parametrize(("read", "made"), KINDS)
def test_very_many_are(read, made, tmp_path):
    read_as(read, made(tmp_path), MANY)
