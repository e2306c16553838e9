"""What is asked for by a path: one tuple says all that differs between the reports."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path

import pytest

from pytest_lossguard.report import entry as entries
from pytest_lossguard.report.session_facts import SessionFacts
from pytest_lossguard.report.sound import sound
from pytest_lossguard.report.writers import WRITERS

ROOT = Path(__file__).parent.parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
NEEDY = [it for it in WRITERS if it.needs]


def test_names_differ():
    assert len({it.name for it in WRITERS}) == len(WRITERS)


@pytest.mark.parametrize("writer", NEEDY, ids=lambda it: it.name)
def test_the_extra_named_in_the_sentence_installs_what_a_writer_needs(writer):
    installed = {re.match(r"[\w-]+", it)[0] for it in EXTRAS[writer.name]}

    assert set(writer.needs) <= installed


@pytest.mark.parametrize("writer", WRITERS, ids=lambda it: it.name)
def test_a_session_without_tests_is_written(writer, tmp_path):
    if any(importlib.util.find_spec(it) is None for it in writer.needs):
        pytest.skip("what it needs is not installed")
    path = tmp_path / "report"

    writer.write(path, [], SessionFacts(), {})

    assert path.is_file() or writer.is_folder
    if writer.name == "json":
        assert json.loads(path.read_text())["tests"] == []


def test_a_sound_entry_has_the_keys_of_its_type_and_no_others():
    text = {
        "runs": [{"probe": {}, "diagnosis": {"causes": [{}]}, "findings": [{}]}],
        "search": {"closest": {}},
        "baseline": {"metrics": [{}]},
        "contract": {},
    }
    entry = sound(text)
    run = entry["runs"][0]

    for found, kind in (
        (entry, entries.Entry),
        (run, entries.RunEntry),
        (run["probe"], entries.ProbeEntry),
        (run["findings"][0], entries.FindingEntry),
        (run["diagnosis"], entries.DiagnosisEntry),
        (run["diagnosis"]["causes"][0], entries.CauseEntry),
        (entry["search"], entries.SearchEntry),
        (entry["search"]["closest"], entries.ClosestEntry),
        (entry["baseline"], entries.BaselineEntry),
        (entry["baseline"]["metrics"][0], entries.MetricEntry),
        (entry["contract"], entries.ContractEntry),
    ):
        assert found.keys() == kind.__annotations__.keys()
