"""The JSON report: schema 1, strict JSON, whole or not at all."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from pytest_lossguard.core.environment import environment
from pytest_lossguard.core.policy import Policy
from pytest_lossguard.core.verdict import Verdict
from pytest_lossguard.judge import judge
from pytest_lossguard.report.json_report import write_json
from tests.support.traces import falling, make_trace


def entry(nodeid="test_a.py::test_a", trace=None):
    trace = trace or make_trace(falling(), start=1, end=0.1, constant=1)
    verdict = Verdict(trace=trace, findings=judge(trace, Policy()))
    return {
        "nodeid": nodeid,
        "outcome": "passed",
        "runs": [verdict.to_json()],
        "search": None,
    }


def test_a_run_has_the_keys_of_the_contract(tmp_path):
    write_json(tmp_path / "r.json", [entry()])

    report = json.loads((tmp_path / "r.json").read_text())

    assert report["schema"] == 1
    assert {"version", "environment", "tests"} <= set(report)
    assert {
        "source",
        "model",
        "steps",
        "seed",
        "verdict",
        "loss",
        "grad_norm",
        "constant_loss",
        "findings",
        "diagnosis",
    } <= set(report["tests"][0]["runs"][0])


def test_nan_and_infinity_survive_strict_json(tmp_path):
    trace = make_trace([1.0, np.inf, np.nan], start=1, end=np.nan)
    write_json(tmp_path / "r.json", [entry(trace=trace)])

    def refuse(text):
        raise AssertionError(text)

    text = (tmp_path / "r.json").read_text()
    loss = json.loads(text, parse_constant=refuse)["tests"][0]["runs"][0]["loss"]

    assert loss == [1.0, "Infinity", "NaN"]
    assert np.isnan(float(loss[2]))


def test_the_order_of_workers_does_not_show(tmp_path):
    one, two = entry("a"), entry("b")

    write_json(tmp_path / "1.json", [one, two])
    write_json(tmp_path / "2.json", [two, one])

    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def refuse(*_):
    raise OSError("no space left on device")


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    write_json(path, [entry()])
    before = path.read_bytes()

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        write_json(path, [entry(), entry("b")])

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_folders_on_the_way_are_made(tmp_path):
    write_json(tmp_path / "a" / "b" / "r.json", [])

    assert (tmp_path / "a" / "b" / "r.json").exists()


def test_the_environment_names_versions():
    assert {"python", "tensorflow", "keras", "numpy", "pytest"} <= set(environment())
