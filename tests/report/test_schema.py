"""The JSON schema of the report: it fits what is written, and nothing else."""

from __future__ import annotations

import json
from typing import TypedDict

import pytest
from jsonschema import Draft202012Validator

from pytest_lossguard.command_line import main
from pytest_lossguard.core.addresses import BASE
from pytest_lossguard.report.json_report import write_json
from pytest_lossguard.report.schema import _table, report_schema
from pytest_lossguard.report.session_facts import Commit, SessionFacts
from tests.support.hostile import WHOLE

SCHEMA = report_schema()
FITS = Draft202012Validator(SCHEMA).is_valid


@pytest.fixture
def written(tmp_path):
    session = SessionFacts(
        seed=0,
        started="2026-01-01T00:00:00+00:00",
        duration=1.5,
        commit=Commit(id="1a2b", date="2026-01-01T00:00:00+00:00"),
        command="pytest",
    )
    others = {"tests/test_it.py::test_other": "not_run"}
    write_json(tmp_path / "r.json", [WHOLE], others, session)
    return json.loads((tmp_path / "r.json").read_text())


def test_it_is_a_schema_with_an_address_of_the_documentation():
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$id"] == f"{BASE}/report.schema.json"


def test_it_names_every_key_that_is_written(written):
    tables = {"": SCHEMA, **SCHEMA["$defs"]}
    closed = {name: it | {"additionalProperties": False} for name, it in tables.items()}

    Draft202012Validator({**closed.pop(""), "$defs": closed}).validate(written)


def places(value, at=()):
    """The way to every value of a report that has a fixed type."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, it in inner:
        if key not in ("environment", "before", "now", "limit", "rows"):
            yield (*at, key)
            if isinstance(it, (dict, list)):
                yield from places(it, (*at, key))


def test_a_value_of_another_kind_does_not_fit(written):
    ways = list(places(written))

    assert len(ways) > 50
    assert FITS(written)
    for way in ways:
        spoiled = json.loads(json.dumps(written))
        place = spoiled
        for key in way[:-1]:
            place = place[key]
        is_open = way[-1] in ("environment", "session")
        place[way[-1]] = 1 if is_open else {"type": []}
        assert not FITS(spoiled), way


@pytest.mark.parametrize("key", ["schema", "version", "environment", "tests"])
def test_what_is_missing_does_not_fit(written, key):
    del written[key]

    assert not FITS(written)


def test_keys_of_others_fit(written):
    written["tests"][0]["of_others"] = {"any": 1}

    assert FITS(written)


def test_the_command_prints_it(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA


def test_a_type_that_it_does_not_know_is_an_error():
    class Odd(TypedDict):
        a: set[int]

    with pytest.raises(TypeError, match="add it to report/schema.py"):
        _table(Odd, {})
